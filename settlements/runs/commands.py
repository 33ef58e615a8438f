"""The operator's commands of settlement."""

import sys
import uuid
from datetime import datetime

import click
from flask.cli import AppGroup

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Refusal
from settlements.runs import actions, jobs, queries

commands = AppGroup("settlements", help="Settlement runs and their statements.")


@commands.command("run")
@click.option("--cut-off", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="Default: now.")
@click.option("--vendor", type=click.UUID, help="Of one vendor alone.")
def run_command(cut_off: datetime | None, vendor: uuid.UUID | None) -> None:
    """Make the statements of all vendors, or of one, in this process; prints how far it came."""
    try:
        with transaction():
            run_id = actions.open_now(SYSTEM, cut_off, vendor).id
    except Refusal as refusal:
        raise click.ClickException(refusal.text) from refusal
    _perform(run_id)


@commands.command("resume")
@click.argument("run_id", type=click.UUID)
def resume_command(run_id: uuid.UUID) -> None:
    """Go on with a run, and try again what could not be closed."""
    try:
        with transaction():
            actions.resume(SYSTEM, run_id)
    except Refusal as refusal:
        raise click.ClickException(refusal.text) from refusal
    _perform(run_id)


def _perform(run_id: uuid.UUID) -> None:
    jobs.perform(str(run_id))
    with transaction():
        run, progress = queries.run(SYSTEM, run_id), queries.progress_of([run_id])[run_id]
    click.echo(f"Run {run.id}, up to {run.cut_at.isoformat()}: {progress.closed} of {progress.statements} closed.")
    if progress.failed:
        click.echo(f"{progress.failed} could not be closed; `settlements resume {run.id}` tries again.", err=True)
        sys.exit(1)
