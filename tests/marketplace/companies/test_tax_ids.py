"""VAT ids are verified offline and belong to the company's country."""

import pytest

from marketplace.companies.tax_ids import VatIdWrong, checked_vat_id


@pytest.mark.parametrize(
    ("text", "country", "stored"),
    [
        ("de 136,695 976", "DE", "DE136695976"),
        ("ATU 57194903", "AT", "ATU57194903"),
        ("BE697449992", "BE", "BE0697449992"),
        ("FR 61 954 506 077", "FR", "FR61954506077"),
        ("NL4495445B01", "NL", "NL004495445B01"),
        ("EL 094259216", "GR", "EL094259216"),
        ("GB 980 7806 84", "GB", "GB980780684"),
        ("XI 980 7806 84", "GB", "XI980780684"),
        ("CHE-107.787.577 IVA", "CH", "CHE107787577IVA"),
    ],
)
def test_good_ids_are_stored_compact(text, country, stored):
    assert checked_vat_id(text, country) == (stored, True)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("DE136695977", "DE"),  # check digit
        ("136695976", "DE"),  # no prefix
        ("DE136695976", "FR"),  # another country
        ("FR61954506077", "DE"),
        ("GB980780685", "GB"),
        ("CHE107787578IVA", "CH"),
        ("", "DE"),
        ("\u0661\u0662\u0663\u0664", "UA"),  # digits of another script
        ("x" * 30, "UA"),
    ],
)
def test_wrong_ids_are_refused(text, country):
    with pytest.raises(VatIdWrong):
        checked_vat_id(text, country)


def test_a_country_without_rules_is_taken_and_not_called_checked():
    assert checked_vat_id("12-345.678", "UA") == ("UA12345678", False)
