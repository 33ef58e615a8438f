"""What people type is read strictly, what they read is written exactly, and nobody is led away."""

from decimal import Decimal

import pytest
from marshmallow import ValidationError, fields
from werkzeug.datastructures import MultiDict

from marketplace.kernel import forms, pages
from marketplace.kernel.errors import Conflict
from marketplace.kernel.fields import Quantity, Text

SOME_ID = "0190a000-0000-7000-8000-000000000001"


class Wanted(forms.PageForm):
    quantity = Quantity(required=True)
    note = Text(load_default="", allow_empty=True)
    codes = fields.List(Text(), load_default=list)
    sure = fields.Boolean(load_default=False)


def test_a_form_is_loaded_like_a_body():
    sent = MultiDict([("quantity", " 12 "), ("codes", "A"), ("codes", ""), ("codes", "B"), ("csrf_token", "x")])
    assert forms.load(Wanted(), sent) == {"quantity": 12, "note": "", "codes": ["A", "B"], "sure": False}


@pytest.mark.parametrize("text", ["", "1.5", "1e3", "-1", "0", "٣", "9" * 30, "true"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValidationError):
        forms.load(Wanted(), MultiDict({"quantity": text}))


def test_numbers_named_after_rows_are_read_by_id(app):
    sent = {f"ship-{SOME_ID}": "3", "ship-nonsense": "4", "other": "5"}
    with app.test_request_context("/", method="POST", data=sent):
        assert [(str(key), number) for key, number in forms.quantities("ship").items()] == [(SOME_ID, 3)]


@pytest.mark.parametrize("text", ["-1", "1.0", "x", "9" * 13])
def test_a_number_that_is_none_is_refused(app, text):
    with (
        app.test_request_context("/", method="POST", data={f"ship-{SOME_ID}": text}),
        pytest.raises(ValidationError),
    ):
        forms.quantities("ship")


def test_zeros_alone_choose_nothing(app):
    with (
        app.test_request_context("/", method="POST", data={f"ship-{SOME_ID}": "0"}),
        pytest.raises(ValidationError, match="Say how many"),
    ):
        forms.some_quantities("ship", "Say how many.")


def test_a_refusal_is_told_with_each_thing_it_names():
    refusal = Conflict("No.", errors=[{"detail": "Too few."}, {"detail": "Too few."}, {"reason": "x"}])
    assert forms.sentences(refusal) == ["No.", "Too few."]


def test_fields_that_are_not_valid_are_named():
    assert forms.field_messages({"vat_id": ["Too long."]}) == ["Vat id: Too long."]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/orders?state=paid", "/orders?state=paid"),
        ("", "/"),
        (None, "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_people_are_led_to_paths_of_this_site_only(text, path):
    assert pages.local_path(text) == path


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123450, "EUR", "1,234.50&nbsp;EUR"),
        (-5, "EUR", "&minus;0.05&nbsp;EUR"),
        (1234, "JPY", "1,234&nbsp;JPY"),
        (10**14, "EUR", "1,000,000,000,000.00&nbsp;EUR"),
    ],
)
def test_money_is_written_exactly(minor, currency, text):
    assert pages.money_text(minor, currency) == f'<span class="money">{text}</span>'


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [(1, "piece", "1 piece"), (48, "pair", "48 pairs"), (1200, "box", "1,200 boxes"), (5, "kg", "5 kg")],
)
def test_units_are_counted_in_words(number, unit, text):
    assert pages.units_text(number, unit) == text


def test_rates_keep_the_decimals_they_have():
    assert "0.0375&nbsp;EUR" in pages.rate_text(Decimal("0.037500"), "EUR")
    assert "1,234,567.89&nbsp;EUR" in pages.rate_text("1234567.89", "EUR")
    assert "12.5&nbsp;%" in pages.percent_text(Decimal("0.125"))
    assert "0&nbsp;%" in pages.percent_text("0")
