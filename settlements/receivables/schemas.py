"""What crosses the API about open items and the bank: a buyer reads his items, the bank is the operator's alone."""

from collections.abc import Mapping
from typing import Any

from flask_smorest.fields import Upload
from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.kernel.fields import Currency, Minor, MoneyField, PageArgs, PastDate, Rate, StrictSchema, Text
from settlements.receivables.states import ReceivableState, TransferState, WriteOffState

MAX_TRANSFERS = 500


class Signed(fields.Integer):
    """A sum in minor units, below zero where something is taken away."""


class ReceivableArgs(PageArgs):
    open = fields.Boolean(load_default=None, metadata={"description": "Only what is still open."})
    overdue = fields.Boolean(load_default=None, metadata={"description": "Only what should have been paid before."})
    company_id = fields.UUID(load_default=None)


class ReceivableOut(StrictSchema):
    """An invoice to be paid by bank transfer, naming its number; a claim for having paid one late; or what an order
    paid in advance owes on top since something of it came back, to be paid by bank transfer or as the order was."""

    id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(["invoice", "late_fee", "deficit"]))
    number = fields.String()
    issuer_name = fields.String()
    company_id = fields.UUID()
    company_name = fields.String()
    order_id = fields.UUID()
    order_number = fields.String()
    invoice_id = fields.UUID(allow_none=True)
    late_of = fields.UUID(allow_none=True)
    amount = MoneyField()
    open_minor = Signed()
    issued_on = fields.Date()
    due_on = fields.Date()
    days_overdue = fields.Integer()
    state = fields.Enum(ReceivableState, by_value=True)
    level = fields.Integer(metadata={"description": "Of the last reminder."})
    paused_reason = fields.String()
    settled_at = fields.AwareDateTime(allow_none=True)


class OpenItemEntryOut(StrictSchema):
    kind = fields.String()
    amount_minor = Signed()
    day = fields.Date()
    at = fields.AwareDateTime()


class PaymentReminderOut(StrictSchema):
    level = fields.Integer()
    open_minor = Signed()
    days_overdue = fields.Integer()
    fee_minor = fields.Integer()
    at = fields.AwareDateTime()


class ReceivableWithEntriesOut(ReceivableOut):
    entries = fields.List(fields.Nested(OpenItemEntryOut))
    reminders = fields.List(fields.Nested(PaymentReminderOut))


class AgeingRowOut(StrictSchema):
    company_id = fields.UUID()
    company_name = fields.String()
    currency = fields.String()
    not_due_minor = Signed()
    to_30_minor = Signed()
    to_60_minor = Signed()
    to_90_minor = Signed()
    beyond_minor = Signed()
    total_minor = Signed()


class AgeingOut(StrictSchema):
    rows = fields.List(fields.Nested(AgeingRowOut))


class PauseRemindersIn(StrictSchema):
    """`reason` empty: remind again."""

    reason = Text(required=True, max_length=500, allow_empty=True)


class SetOffIn(StrictSchema):
    """`amount_minor` absent: as far as the company's credit goes."""

    amount_minor = Minor(minimum=1, load_default=None, allow_none=True)


class ClaimReasonIn(StrictSchema):
    reason = Text(required=True, max_length=500)


class BankTransferIn(StrictSchema):
    """A credit on the bank's statement; `bank_id` is the bank's own name for it."""

    bank_id = Text(required=True)
    amount = MoneyField(required=True)
    booked_on = PastDate(required=True)
    remitter_name = Text(required=True, max_length=500)
    remitter_iban = Text(load_default="", max_length=34, allow_empty=True)
    reference = Text(load_default="", max_length=500, allow_empty=True)

    @validates_schema
    def check_amount(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("amount", {}).get("amount_minor") == 0:
            raise ValidationError({"amount": {"amount_minor": ["More than nothing arrived."]}})


class BankTransfersIn(StrictSchema):
    transfers = fields.List(
        fields.Nested(BankTransferIn), required=True, validate=validate.Length(min=1, max=MAX_TRANSFERS)
    )


class BankStatementFile(StrictSchema):
    file = Upload(required=True, metadata={"description": "CSV, or an ISO 20022 statement (camt.053)."})


class BankImportOut(StrictSchema):
    """How many credits are new, and how many were known by the bank's id."""

    new = fields.Integer()
    known = fields.Integer()


class BankTransferArgs(PageArgs):
    state = fields.Enum(TransferState, by_value=True, load_default=None)


class BankMatchOut(StrictSchema):
    id = fields.UUID()
    kind = fields.String()
    receivable_id = fields.UUID(allow_none=True)
    company_id = fields.UUID(allow_none=True)
    amount_minor = Signed()
    undoes_id = fields.UUID(allow_none=True)
    note = fields.String()
    person_id = fields.UUID(allow_none=True)
    at = fields.AwareDateTime()


class BankTransferOut(StrictSchema):
    id = fields.UUID()
    bank_id = fields.String()
    amount = MoneyField()
    left_minor = fields.Integer()
    booked_on = fields.Date()
    remitter_name = fields.String()
    remitter_iban = fields.String()
    reference = fields.String()
    state = fields.Enum(TransferState, by_value=True)
    company_id = fields.UUID(allow_none=True)
    reason = fields.String(metadata={"description": "Why it was not matched by itself."})
    imported_at = fields.AwareDateTime()
    matches = fields.List(fields.Nested(BankMatchOut))


class MatchSuggestionOut(StrictSchema):
    receivable = fields.Nested(ReceivableOut)
    amount_minor = fields.Integer()
    reasons = fields.List(fields.String())


class BankTransferWithSuggestionsOut(BankTransferOut):
    suggestions = fields.List(fields.Nested(MatchSuggestionOut))


class BankAllocationIn(StrictSchema):
    receivable_id = fields.UUID(required=True)
    amount_minor = Minor(minimum=1, required=True)


class BankMatchIn(StrictSchema):
    allocations = fields.List(fields.Nested(BankAllocationIn), required=True, validate=validate.Length(min=1, max=100))
    note = Text(load_default="", max_length=500, allow_empty=True)


class KeepAsCreditIn(StrictSchema):
    company_id = fields.UUID(required=True)
    amount_minor = Minor(minimum=1, required=True)
    note = Text(load_default="", max_length=500, allow_empty=True)


class SendTransferBackIn(StrictSchema):
    reference = Text(required=True, max_length=140, metadata={"description": "Of the bank transfer that was made."})


class PayCreditBackIn(StrictSchema):
    company_id = fields.UUID(required=True)
    currency = Currency(required=True)
    amount_minor = Minor(minimum=1, required=True)
    reference = Text(required=True, max_length=140, metadata={"description": "Of the bank transfer that was made."})


class CreditMoveOut(StrictSchema):
    id = fields.UUID()
    company_id = fields.UUID()
    currency = fields.String()
    kind = fields.String()
    amount_minor = Signed()
    receivable_id = fields.UUID(allow_none=True)
    reference = fields.String()
    at = fields.AwareDateTime()


class ClaimWriteOffArgs(PageArgs):
    state = fields.Enum(WriteOffState, by_value=True, load_default=None)


class ClaimWriteOffOut(StrictSchema):
    id = fields.UUID()
    receivable_id = fields.UUID()
    amount_minor = fields.Integer()
    reason = fields.String()
    state = fields.Enum(WriteOffState, by_value=True)
    requested_by = fields.UUID()
    requested_at = fields.AwareDateTime()
    decided_by = fields.UUID(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)


class LateRateIn(StrictSchema):
    valid_from = fields.Date(required=True)
    rate = Rate(required=True, high="1")


class LateRateOut(StrictSchema):
    valid_from = fields.Date()
    rate = Rate()


class LateRatesOut(StrictSchema):
    items = fields.List(fields.Nested(LateRateOut))
