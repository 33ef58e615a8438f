"""The accountant's command for the provider's balance."""

import sys

import click

from marketplace.kernel.money import Money
from settlements.reconciliation import jobs


@click.command("reconcile")
@click.option("--days", type=click.IntRange(1, 400), default=jobs.LOOK_BACK_DAYS, show_default=True)
def reconcile(days: int) -> None:
    """Compare the provider's balance with the books; exit code 1 where they differ."""
    found = jobs.run(days)
    for day in found:
        state = "closed" if day.closed_at else f"{day.open_rows} open"
        provider, books = (Money(minor, day.currency).format() for minor in (day.provider_minor, day.booked_minor))
        click.echo(f"{day.day} provider {provider} books {books}: {state}")
    if any(day.closed_at is None for day in found):
        sys.exit(1)
