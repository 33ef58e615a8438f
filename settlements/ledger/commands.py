"""The accountant's commands."""

import sys

import click
from flask.cli import AppGroup

from marketplace.kernel.money import Money
from settlements.ledger import books

commands = AppGroup("books", help="The books of the marketplace.")


@commands.command("check")
def check_command() -> None:
    """Prove the books: prints the trial balance, and one line per difference; exit code 1 where there is one."""
    for row in books.trial_balance():
        sums = (row.debit_minor, row.credit_minor, row.balance_minor)
        amounts = "".join(f"{Money(minor, row.currency).format():>22}" for minor in sums)
        click.echo(f"{row.kind.value:24}{row.type:10}{amounts}")
    differences = books.check_books()
    for difference in differences:
        click.echo(str(difference), err=True)
    if differences:
        click.echo(f"{len(differences)} differences", err=True)
        sys.exit(1)
    click.echo("The books are right.")
