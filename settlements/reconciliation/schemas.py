"""Differences and days as the operator reads and resolves them."""

from marshmallow import fields, validate

from marketplace.kernel.fields import PageArgs, StrictSchema, Text
from settlements.ledger.chart import AccountKind
from settlements.reconciliation.actions import BY_ONE, BY_TWO, OWN_ACCOUNTS
from settlements.reconciliation.kinds import Action, Kind
from settlements.reconciliation.states import DifferenceState


class DifferenceArgs(PageArgs):
    state = fields.Enum(DifferenceState, by_value=True, load_default=None)
    kind = fields.Enum(Kind, by_value=True, load_default=None)


class BalanceDifferenceOut(StrictSchema):
    """`difference_minor`: what psp_clearing lacks (above zero) or has too much."""

    id = fields.UUID()
    subject = fields.String()
    kind = fields.String(validate=validate.OneOf([kind.value for kind in Kind]))
    reason = fields.String()
    suggestion = fields.String(validate=validate.OneOf([action.value for action in Action]))
    movement_id = fields.String(allow_none=True)
    currency = fields.String()
    difference_minor = fields.Integer()
    facts = fields.Dict()
    at = fields.DateTime()
    found_at = fields.DateTime()
    state = fields.Enum(DifferenceState, by_value=True)
    action = fields.String(allow_none=True)
    account = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    proposed_by = fields.UUID(allow_none=True)
    resolved_by = fields.UUID(allow_none=True)
    resolved_at = fields.DateTime(allow_none=True)


class ReconciledDayOut(StrictSchema):
    """Closed when provider and books are the same to the cent, and nothing is open."""

    day = fields.Date()
    currency = fields.String()
    provider_minor = fields.Integer()
    booked_minor = fields.Integer()
    movements = fields.Integer()
    open_rows = fields.Integer()
    looked_at = fields.DateTime()
    closed_at = fields.DateTime(allow_none=True)


class ReconciledDaysOut(StrictSchema):
    items = fields.List(fields.Nested(ReconciledDayOut))


class LookIn(StrictSchema):
    days = fields.Integer(load_default=3, validate=validate.Range(min=1, max=400))


class ResolvedDifferenceIn(StrictSchema):
    action = fields.Enum(Action, by_value=True, required=True, validate=validate.OneOf(list(BY_ONE)))
    reason = Text(required=True, max_length=500)


class ProposedPostingIn(StrictSchema):
    """`account`: of the marketplace's own, for `book_own`."""

    action = fields.Enum(Action, by_value=True, required=True, validate=validate.OneOf(list(BY_TWO)))
    reason = Text(required=True, max_length=500)
    account = fields.Enum(AccountKind, by_value=True, load_default=None, validate=validate.OneOf(list(OWN_ACCOUNTS)))
