"""Names and numbers compared as people mean them: without case, hyphens, spaces or accents of width."""

import unicodedata

from stdnum import ean as ean_numbers
from stdnum.exceptions import ValidationError


def normalise(text: str) -> str:
    """Letters and digits only, lower case: `"DIN-912 M8"` -> `"din912m8"`. The key of part numbers and makers."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def compact_ean(text: str) -> str | None:
    """The EAN (8, 12, 13 or 14 digits) without separators, None where its length or check digit is wrong."""
    try:
        return ean_numbers.validate(text)  # type: ignore[no-any-return]
    except ValidationError:
        return None
