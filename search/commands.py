"""`flask search`: what the operator may ask of the index."""

import click
from flask.cli import AppGroup

from search import indexing

commands = AppGroup("search", help="The search index.")


@commands.command("rebuild")
def rebuild() -> None:
    """Make the search index anew from the catalogue."""
    click.echo(f"{indexing.rebuild()} products indexed")
