"""Names and numbers compared as people mean them: without case, hyphens, spaces or accents of width."""

import unicodedata

from stdnum import ean as ean_numbers
from stdnum.exceptions import ValidationError


def normalise(text: str) -> str:
    """Letters and digits only, lower case: `"DIN-912 M8"` -> `"din912m8"`. The key of part numbers and makers."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(str.isalnum, folded))


def compact_ean(text: str) -> str | None:
    """The EAN without separators, None where its length or check digit is wrong.

    A UPC of 12 digits is the EAN with a leading zero, and written as that.
    """
    try:
        number = ean_numbers.validate(text)
    except ValidationError:
        return None
    return number.zfill(13) if len(number) == 12 else number
