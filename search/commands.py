"""`flask search`: what the operator may ask of the index."""

import click
from flask.cli import AppGroup

from marketplace.kernel.db import transaction
from search import indexing, proposing

commands = AppGroup("search", help="The search index.")


@commands.command("rebuild")
def rebuild() -> None:
    """Make the search index anew from the catalogue."""
    click.echo(f"{indexing.rebuild()} products indexed")


@commands.command("propose")
def propose() -> None:
    """Compare all products once more; what may be one is proposed, and what was decided stays."""
    with transaction():
        proposing.note_all()
    click.echo(f"{proposing.propose(seconds=None)} new proposals")
