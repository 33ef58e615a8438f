"""What the books look like from outside: for the operator alone."""

from marshmallow import fields, validate

from marketplace.kernel.fields import MAX_MINOR, PageArgs, StrictSchema, Text
from settlements.ledger.chart import AccountKind


class AccountArgs(PageArgs):
    kind = fields.String(load_default=None, validate=validate.OneOf([kind.value for kind in AccountKind]))
    party = fields.UUID(load_default=None)


class JournalFilter(StrictSchema):
    order_id = fields.UUID(load_default=None)
    source = Text(load_default=None)


class JournalArgs(PageArgs):
    order_id = fields.UUID(load_default=None)
    source = Text(load_default=None)


class Signed(fields.Integer):
    """Debit less credit, in minor units."""

    def __init__(self) -> None:
        super().__init__(validate=validate.Range(min=-MAX_MINOR, max=MAX_MINOR))


class TrialRowOut(StrictSchema):
    kind = fields.String()
    type = fields.String()
    currency = fields.String()
    debit_minor = fields.Integer()
    credit_minor = fields.Integer()
    balance_minor = Signed()


class TrialBalanceOut(StrictSchema):
    rows = fields.List(fields.Nested(TrialRowOut))


class AccountOut(StrictSchema):
    id = fields.UUID()
    kind = fields.String()
    party = fields.UUID(allow_none=True)
    currency = fields.String()


class PostingOut(StrictSchema):
    journal_id = fields.UUID()
    source = fields.String()
    event = fields.String()
    occurred_at = fields.DateTime()
    booked_at = fields.DateTime()
    kind = fields.String()
    amount_minor = Signed()
    currency = fields.String()
    order_id = fields.UUID(allow_none=True)
    vendor_order_id = fields.UUID(allow_none=True)


class AccountStatementOut(StrictSchema):
    """An account, its balance, and its postings, newest first."""

    account = fields.Nested(AccountOut)
    balance_minor = Signed()
    items = fields.List(fields.Nested(PostingOut))
    next = fields.String(allow_none=True)


class JournalLineOut(StrictSchema):
    account_id = fields.UUID()
    account = fields.String()
    party = fields.UUID(allow_none=True)
    kind = fields.String()
    amount_minor = Signed()
    currency = fields.String()
    vendor_order_id = fields.UUID(allow_none=True)


class JournalOut(StrictSchema):
    id = fields.UUID()
    source = fields.String()
    event = fields.String()
    order_id = fields.UUID(allow_none=True)
    corrects_id = fields.UUID(allow_none=True)
    occurred_at = fields.DateTime()
    booked_at = fields.DateTime()
    lines = fields.List(fields.Nested(JournalLineOut))
