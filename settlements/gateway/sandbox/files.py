"""Files are taken as evidence only when they are what banks read; their content is hashed, not kept."""

import hashlib
from urllib.parse import urlencode

from flask import Request

from settlements.gateway.sandbox.errors import invalid, malformed
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World

_AT_MOST = 5_000_000
_KINDS = {b"%PDF": "pdf", b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}


def encoded(request: Request) -> str:
    """The form as if it had been a plain one, with name, kind, size and hash in place of the file."""
    fields = list(request.form.items(multi=True))
    for name, file in request.files.items(multi=True):
        content = file.read()
        kind = next((word for magic, word in _KINDS.items() if content.startswith(magic)), "?")
        facts = f"{hashlib.sha256(content).hexdigest()}/{len(content)}/{kind}/{file.filename}"
        fields.append((name, facts))
    return urlencode(fields)


def create(world: World, call: Call) -> Record:
    facts = str(call.params["file"]).split("/", 3)
    if len(facts) != 4:
        raise malformed("Invalid file: it must be uploaded as multipart/form-data.", param="file")
    _, size, kind, name = facts
    if call.params["purpose"] != "dispute_evidence":
        raise invalid("Only dispute evidence is taken here.", param="purpose")
    if kind == "?":
        raise invalid("File of this type is not supported: send pdf, png or jpg.", param="file")
    if int(size) > _AT_MOST:
        raise invalid(f"The file is larger than {_AT_MOST} bytes.", param="file")
    return world.store.add(
        call.account,
        "file",
        {
            "expires_at": None,
            "filename": name,
            "links": None,
            "purpose": call.params["purpose"],
            "size": int(size),
            "title": None,
            "type": kind,
            "url": None,
        },
    )
