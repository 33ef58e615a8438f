"""A file that a person has sent stays at hand between pages: a signed name of it goes along, for his company only."""

from dataclasses import asdict, dataclass

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from marketplace.kernel.access import Actor
from marketplace.kernel.errors import Invalid
from vendors.feeds.storage import KEEP_DAYS, Stored


class FileNotAtHand(Invalid):
    """The name was not made by us for this company, or is too old."""

    message = "Choose the file once more."


@dataclass(frozen=True, slots=True)
class AtHand:
    """A kept file and the name it came with."""

    stored: Stored
    filename: str


def token(actor: Actor, file: AtHand) -> str:
    """What a page carries along to come back to this file."""
    facts = {"company": str(actor.company_id), "name": file.filename, "file": asdict(file.stored)}
    return _signer().dumps(facts)


def at_hand(actor: Actor, text: str) -> AtHand:
    """The file that `text` stands for. Raises FileNotAtHand."""
    try:
        facts = _signer().loads(text, max_age=KEEP_DAYS * 86_400)
    except BadSignature as failure:
        raise FileNotAtHand(pointer="/file") from failure
    if facts["company"] != str(actor.company_id):
        raise FileNotAtHand(pointer="/file")
    return AtHand(Stored(**facts["file"]), facts["name"])


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="feeds.uploads")
