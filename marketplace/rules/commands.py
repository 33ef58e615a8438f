"""What a new marketplace needs before anybody trades on it: its operator, tax rates and return policies."""

from typing import Any

import click
from flask.cli import with_appcontext

from marketplace.companies import actions as companies
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Refusal
from marketplace.rules import actions


@click.command("found")
@click.option("--company", prompt=True, help="The name of the company that runs the marketplace.")
@click.option("--country", prompt=True, help="Its country, ISO 3166, such as DE.")
@click.option("--vat-id", default=None, help="Its VAT id.")
@click.option("--name", prompt=True, help="The first person of its staff.")
@click.option("--email", prompt=True, help="The address that this person signs in with.")
@click.password_option(help="Asked for without being shown unless given.")
@with_appcontext
def found(**told: Any) -> None:
    """Create the operator with its first person, default tax rates and return policies; once in a database."""
    person = {key: told[key].strip() for key in ("name", "email")} | {"password": told["password"]}
    facts = {"name": told["company"], "country": told["country"].upper(), "vat_id": told["vat_id"], "person": person}
    try:
        with transaction():
            companies.found_operator(facts)
            actions.install_defaults()
    except Refusal as refusal:
        raise click.ClickException(refusal.text) from refusal
    click.echo(f"{told['company']} runs this marketplace; {person['email']} can sign in.")
