"""What crosses the API about settlement: a vendor sees his own statements, the operator all of them and the runs."""

from marshmallow import fields, validate

from marketplace.kernel.fields import MAX_MINOR, Currency, PageArgs, StrictSchema, Text
from marketplace.kernel.web import page_of
from settlements.runs.states import RunState, StatementState


class Signed(fields.Integer):
    """In minor units, in the vendor's favour; below zero he owes."""

    def __init__(self) -> None:
        super().__init__(validate=validate.Range(min=-MAX_MINOR, max=MAX_MINOR))


class RunIn(StrictSchema):
    """`cut_at` null: now. `vendor_id` null: every vendor, whatever his cycle."""

    cut_at = fields.AwareDateTime(load_default=None, allow_none=True)
    vendor_id = fields.UUID(load_default=None, allow_none=True)


class RunOut(StrictSchema):
    """A run with how far it is: of so many statements."""

    id = fields.UUID()
    state = fields.Enum(RunState, by_value=True)
    cut_at = fields.AwareDateTime()
    by_cycle = fields.Boolean()
    vendor_id = fields.UUID(allow_none=True)
    opened_at = fields.AwareDateTime()
    collected_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    statements = fields.Integer()
    collected = fields.Integer()
    closed = fields.Integer()
    failed = fields.Integer()
    held = fields.Integer()
    paid = fields.Integer()


class StatementArgs(PageArgs):
    state = fields.Enum(StatementState, by_value=True, load_default=None)
    run_id = fields.UUID(load_default=None)
    vendor_id = fields.UUID(load_default=None)
    failed = fields.Boolean(load_default=None, metadata={"description": "Drafts that could not be closed."})


class StatementSummaryOut(StrictSchema):
    """opening + lines = closing; `payout_minor` of it is transferred, nothing for the reason in `carried_because`."""

    id = fields.UUID()
    number = fields.String(allow_none=True)
    run_id = fields.UUID()
    vendor_id = fields.UUID()
    vendor_name = fields.String()
    currency = Currency()
    sequence = fields.Integer()
    state = fields.Enum(StatementState, by_value=True)
    starts_at = fields.AwareDateTime()
    cut_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)
    opening_minor = Signed()
    lines_minor = Signed()
    closing_minor = Signed()
    payout_minor = Signed()
    carried_because = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    pending_minor = Signed()
    earned_minor = Signed()
    commission_minor = Signed()
    commission_tax_minor = Signed()
    invoice_id = fields.UUID(allow_none=True)


class StatementLineOut(StrictSchema):
    line = fields.String()
    text = fields.String()
    amount_minor = Signed()
    count = fields.Integer()


class StatementAccountOut(StrictSchema):
    account = fields.String()
    name = fields.String()
    opening_minor = Signed()
    closing_minor = Signed()
    lines = fields.List(fields.Nested(StatementLineOut))


class StatementOut(StatementSummaryOut):
    """A statement, account by account, with its lines by kind; what was booked by hand stands one by one, with its
    reason."""

    accounts = fields.List(fields.Nested(StatementAccountOut))


class OrderLineOut(StatementLineOut):
    """The postings of one kind of one vendor order; none where it belongs to no order."""

    account = fields.String()
    account_name = fields.String()
    vendor_order_id = fields.UUID(allow_none=True)
    vendor_order = fields.String(allow_none=True)
    booked_from = fields.AwareDateTime()
    booked_to = fields.AwareDateTime()


class HoldIn(StrictSchema):
    reason = Text(required=True, max_length=500)


class BalanceOut(StrictSchema):
    """pending: not delivered; earned: may still come back; payable: due; reserve: held back; in_transit: ordered."""

    currency = Currency()
    pending_minor = Signed()
    earned_minor = Signed()
    payable_minor = Signed()
    reserve_minor = Signed()
    in_transit_minor = Signed()


class BalancesOut(StrictSchema):
    items = fields.List(fields.Nested(BalanceOut))


class WaitingOut(StrictSchema):
    """`why`: to_confirm, to_ship, under_way, return_window (until `due_at`), buyer_owes."""

    vendor_order_id = fields.UUID()
    vendor_order = fields.String()
    currency = Currency()
    payable_minor = Signed()
    stage = fields.String()
    why = fields.String()
    due_at = fields.AwareDateTime(allow_none=True)


RunPage = page_of(RunOut)
StatementPage = page_of(StatementSummaryOut)
LinePage = page_of(OrderLineOut)
WaitingPage = page_of(WaitingOut)
