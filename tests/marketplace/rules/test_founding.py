"""A marketplace is founded once, with an operator who can sign in and the rules that trade needs."""

from decimal import Decimal

import pytest

from marketplace.companies import actions as companies
from marketplace.companies import queries
from marketplace.kernel.access import Role
from marketplace.kernel.db import db, transaction
from tests.builders import rules

PASSWORD = "a good pass phrase"
GIVEN = ["found", "--company", "Markt AG", "--country", "de", "--name", "Mia", "--email", "mia@markt.example"]


def test_the_command_founds_the_marketplace(own_app):
    done = own_app.test_cli_runner().invoke(args=[*GIVEN, "--password", PASSWORD])

    assert (done.exit_code, done.output) == (0, "Markt AG runs this marketplace; mia@markt.example can sign in.\n")
    with own_app.app_context():
        assert queries.operator_company().country == "DE"
        signed_in = companies.sign_in("mia@markt.example", PASSWORD)
        assert queries.belongings(signed_in.person.id)[0].roles == (Role.OPERATOR,)
        found = rules.in_force()
        assert (found.tax_rates["DE", "standard"], found.policy_version) == (Decimal("0.19"), "b2b/1")
        db.session.rollback()


def test_it_is_founded_once(own_app):
    runner = own_app.test_cli_runner()
    runner.invoke(args=[*GIVEN, "--password", PASSWORD])

    again = runner.invoke(args=[*GIVEN[:-1], "other@markt.example", "--password", PASSWORD])

    assert again.exit_code == 1
    assert "This marketplace has an operator already" in again.output
    with own_app.app_context():
        assert queries.person_by_email("other@markt.example") is None


def test_a_weak_password_founds_nothing(own_app):
    done = own_app.test_cli_runner().invoke(args=[*GIVEN, "--password", "short"])

    assert (done.exit_code, "12 to 200 characters" in done.output) == (1, True)
    with own_app.app_context(), transaction():
        assert not queries.operator_exists()
        with pytest.raises(queries.CompanyNotFound):
            queries.operator_company()
