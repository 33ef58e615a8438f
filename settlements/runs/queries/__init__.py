"""Runs and statements, as each party may see them: the SELECTs of this room."""

from settlements.runs.queries.runs import (
    Progress,
    cycle_run,
    cycle_runs_since,
    last_cut,
    progress_of,
    run,
    runs,
    unfinished,
)
from settlements.runs.queries.statements import (
    closings_of,
    failed_of,
    locked_draft,
    locked_drafts,
    statement,
    statements,
    to_pay,
    unpaid_before,
)

__all__ = [
    "Progress",
    "closings_of",
    "cycle_run",
    "cycle_runs_since",
    "failed_of",
    "last_cut",
    "locked_draft",
    "locked_drafts",
    "progress_of",
    "run",
    "runs",
    "statement",
    "statements",
    "to_pay",
    "unfinished",
    "unpaid_before",
]
