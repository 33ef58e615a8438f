"""The shapes that cross the API: money, rates, quantities, times and text, checked alike everywhere."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import pycountry
from marshmallow import Schema, ValidationError, fields, validate

from marketplace.kernel import clock

MAX_QUANTITY = 1_000_000_000
MAX_MINOR = 10**15
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # and halves of characters, which no file takes


class StrictSchema(Schema):
    """Unknown fields are refused (marshmallow's default, said once)."""


class Text(fields.String):
    """Text without control characters, trimmed; 1 to `max_length` characters unless `allow_empty`."""

    def __init__(self, *, max_length: int = 200, allow_empty: bool = False, **kwargs: Any) -> None:
        length = validate.Length(min=0 if allow_empty else 1, max=max_length)
        own = kwargs.pop("validate", None)
        super().__init__(validate=[length, *([own] if callable(own) else own or [])], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text is None:
            return text
        if _CONTROL.search(text) is not None:
            raise ValidationError("Control characters are not allowed.")
        return text.strip()


class Quantity(fields.Integer):
    """A whole number of sold units from 1; `minimum=0` allows none."""

    def __init__(self, *, minimum: int = 1, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=minimum, max=MAX_QUANTITY), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool | str):
            raise ValidationError("Not a valid integer.")
        return super()._deserialize(value, attr, data, **kwargs)


class Minor(fields.Integer):
    """A sum in minor units."""

    def __init__(self, *, minimum: int = 0, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=minimum, max=MAX_MINOR), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool | str):
            raise ValidationError("Not a valid integer.")
        return super()._deserialize(value, attr, data, **kwargs)


class Rate(fields.Field[Decimal]):
    """A decimal of up to six places as a string (`"0.0375"`): a unit price, a tax rate, a share. Never a float."""

    default_error_messages = {
        "invalid": "A decimal number as a string, with a point and at most six decimals.",
        "range": "Must be between {low} and {high}.",
    }

    def __init__(self, *, low: str = "0", high: str = "1000000000", **kwargs: Any) -> None:
        self.low, self.high = Decimal(low), Decimal(high)
        super().__init__(**kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else plain_decimal(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if not isinstance(value, str) or len(value) > 30:
            raise self.make_error("invalid")
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise self.make_error("invalid") from None
        if not number.is_finite() or number.as_tuple().exponent < -6 or "e" in value.lower() or "_" in value:  # type: ignore[operator]
            raise self.make_error("invalid")
        if not self.low <= number <= self.high:
            raise self.make_error("range", low=self.low, high=self.high)
        return number


def plain_decimal(value: Decimal) -> str:
    """`Decimal('12.500000')` -> `'12.50'`: at least two decimals, no trailing zeros beyond them."""
    text = f"{value:.6f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


class PastDate(fields.Date):
    """A day that has been, or is today somewhere."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=_not_ahead, **kwargs)


def _not_ahead(day: date) -> None:
    if clock.lies_ahead(day):
        raise ValidationError("This day is still to come.")


class Currency(fields.String):
    """An ISO 4217 code in capitals, of a currency that exists."""

    def __init__(self, **kwargs: Any) -> None:
        shape = validate.Regexp(r"\A[A-Z]{3}\Z", error="Three capital letters (ISO 4217).")
        super().__init__(validate=[shape, _known_currency], **kwargs)


def _known_currency(code: str) -> None:
    if len(code) == 3 and not currency_exists(code):
        raise ValidationError("No currency has this code (ISO 4217).")


def currency_exists(code: str) -> bool:
    return pycountry.currencies.get(alpha_3=code) is not None


class Country(fields.String):
    """An ISO 3166-1 alpha-2 code in capitals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(r"\A[A-Z]{2}\Z", error="Two capital letters (ISO 3166)."), **kwargs)


class MoneyIn(StrictSchema):
    amount_minor = Minor(required=True)
    currency = Currency(required=True)


class MoneyField(fields.Nested):
    """`{"amount_minor": 1250, "currency": "EUR"}`; dumps a Money, or a mapping of that shape."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(MoneyIn, **kwargs)

    def _serialize(self, nested_obj: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        if nested_obj is None or isinstance(nested_obj, dict):
            return nested_obj
        return {"amount_minor": nested_obj.minor, "currency": nested_obj.currency}


class PageArgs(Schema):
    """Cursor pagination: how many, and after which."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))
