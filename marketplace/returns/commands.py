"""The command line of returns: anyone can check a decision by hand."""

import json
from typing import BinaryIO

import click
from flask.cli import AppGroup

from marketplace.pricing.cases import NotACaseFile, answer, read_cases

returns = AppGroup("returns", help="Check how returns are decided.")


@returns.command("value", with_appcontext=False)
@click.argument("file", type=click.File("rb"))
def value_file(file: BinaryIO) -> None:
    """Value every state of the cases in FILE (- for standard input) and print the answers as JSON.

    Needs no database. A case that is refused is answered with the reason; a FILE that cannot be read ends with 2.
    """
    try:
        cases = read_cases(file.read())
    except NotACaseFile as error:
        raise click.UsageError(f"the file cannot be valued: {error}") from error
    click.echo(json.dumps(answer(cases), indent=1))
