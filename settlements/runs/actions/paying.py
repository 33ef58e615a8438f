"""What a closed statement comes to is transferred once, and only while the books still hold it."""

import uuid

from marketplace.kernel import history
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.errors import Conflict
from marketplace.kernel.money import Money
from settlements.runs import queries
from settlements.runs.models import Statement
from settlements.runs.queries import figures
from settlements.runs.states import StatementState, StatementVerb
from settlements.transfers import actions as transfers
from settlements.transfers.queries import standing_of

CAUSE = "statement:"


def pay(statement_id: uuid.UUID) -> Statement:
    """Order the transfers of a closed statement; hold it where something was taken back since, or he cannot be paid.

    What was transferred of it before is not transferred again. A second time: nothing.
    """
    row = queries.statement(SYSTEM, statement_id, locked=True)
    if row.state is not StatementState.CLOSED or not row.payout_minor:
        return row
    taken = figures.taken_back_since(row.id)
    if taken:
        back = Money(taken, row.currency).format()
        _hold(row, f"{back} was taken back since it was closed; the next statement takes it over.")
        return row
    before = standing_of(f"{CAUSE}{row.id}")
    left = row.payout_minor - before.made_minor - before.withheld_minor
    try:
        transfers.request(row.vendor_id, row.currency, left, f"{CAUSE}{row.id}", SYSTEM)
    except Conflict as refusal:
        _hold(row, refusal.text)
        return row
    history.move(row, StatementVerb.TRANSFER, SYSTEM)
    return row


def follow(cause: str) -> None:
    """A transfer of a statement was made, refused or withdrawn: once all are decided, so is the statement."""
    if not cause.startswith(CAUSE):
        return
    row = queries.statement(SYSTEM, uuid.UUID(cause.removeprefix(CAUSE)), locked=True)
    standing = standing_of(cause)
    if standing.open or row.state is not StatementState.TRANSFERRING:
        return
    if standing.made_minor + standing.withheld_minor >= row.payout_minor:  # what was refused may be made since
        history.move(row, StatementVerb.CONFIRM, SYSTEM)
        return
    _hold(row, "Not all of its transfers were made: the vendor's account did not take them.")


def _hold(row: Statement, reason: str) -> None:
    history.move(row, StatementVerb.HOLD, SYSTEM, note=reason)
    row.reason = reason
