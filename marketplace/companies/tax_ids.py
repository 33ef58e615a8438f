"""VAT ids: format and check digits verified offline, of the company's own country, stored without separators."""

from functools import lru_cache
from typing import Any

from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.util import clean, get_cc_module

from marketplace.kernel.errors import Invalid

_EU_PREFIX = {"GR": "EL"}  # the tax union writes Greece differently than ISO 3166 does


class VatIdWrong(Invalid):
    """The VAT id is not one, or not of the company's country."""


def checked_vat_id(text: str, country: str, pointer: str = "/vat_id") -> tuple[str, bool]:
    """(compact id with its country prefix, whether check digits could be verified). Raises VatIdWrong.

    `("de 136,695 976", "DE")` -> `("DE136695976", True)`. Countries without known rules: length and letters only.
    """
    if country.lower() in eu_vat.MEMBER_STATES or (country == "GB" and text.strip().upper().startswith("XI")):
        return _of_the_union(text, country, pointer), True
    rules = _rules(country)
    if rules is None:
        return _without_rules(text, country, pointer), False
    try:
        number = rules.validate(text.strip().upper())
    except ValidationError as failure:
        raise VatIdWrong(f"This is not a VAT id of {country}.", pointer=pointer) from failure
    return (number if number.startswith(country) else country + number), True


def _of_the_union(text: str, country: str, pointer: str) -> str:
    try:
        number = eu_vat.validate(text)
    except ValidationError as failure:
        raise VatIdWrong("This is not a VAT id: its length or check digits are wrong.", pointer=pointer) from failure
    prefix = "XI" if country == "GB" else _EU_PREFIX.get(country, country)
    if number[:2] != prefix:
        message = f"A VAT id of {country} starts with {prefix}, this one with {number[:2]}."
        raise VatIdWrong(message, pointer=pointer)
    return number


def _without_rules(text: str, country: str, pointer: str) -> str:
    number = clean(text, " -./").strip().upper()
    if not (4 <= len(number) <= 20 and number.isascii() and number.isalnum()):
        raise VatIdWrong("A tax id has 4 to 20 letters and digits.", pointer=pointer)
    return number if number.startswith(country) else country + number


@lru_cache
def _rules(country: str) -> Any:
    return get_cc_module(country.lower(), "vat")
