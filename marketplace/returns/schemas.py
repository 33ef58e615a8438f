"""The shapes in which return cases cross the API; what each party may know is chosen in views."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.kernel.fields import Currency, Minor, PageArgs, PastDate, Quantity, StrictSchema, Text
from marketplace.kernel.web import page_of
from marketplace.pricing.facts import ChargeKind
from marketplace.pricing.policy import Fault
from marketplace.returns.replacement_schemas import ReplacementOut
from marketplace.returns.states import CaseState, LineState, ParcelState
from marketplace.rules.return_terms import Reason

MAX_LINES = 500
_REASON = validate.OneOf([reason.value for reason in Reason])
_FAULT = validate.OneOf([fault.value for fault in Fault if fault is not Fault.CANCELLED])
_GOODS = validate.OneOf(["back", "kept", "scrapped"])
_PARTY = "`buyer`, `marketplace`, or the id of a vendor of the order."


class ReturnLineIn(StrictSchema):
    line_id = fields.UUID(required=True, metadata={"description": "A line of the order."})
    quantity = Quantity(required=True)
    reason = fields.String(required=True, validate=_REASON)
    fault_claimed = fields.String(validate=_FAULT, metadata={"description": "Absent: what the reason says."})
    wish = fields.String(validate=validate.OneOf(["refund", "replacement"]), load_default="refund")
    note = Text(max_length=2000, allow_empty=True, load_default="")
    serial_numbers = fields.List(Text(max_length=100), validate=validate.Length(max=1000))
    discovered_on = PastDate(metadata={"description": "Of a hidden defect, which needs it."})


class ReturnIn(StrictSchema):
    lines = fields.List(fields.Nested(ReturnLineIn), required=True, validate=validate.Length(min=1, max=MAX_LINES))
    note = Text(max_length=2000, allow_empty=True, load_default="")


class NoteIn(StrictSchema):
    note = Text(max_length=2000, allow_empty=True, load_default="")


class SaidIn(StrictSchema):
    note = Text(max_length=2000, required=True)


class ApproveIn(NoteIn):
    goods = fields.String(
        validate=_GOODS,
        load_default="back",
        metadata={"description": "back: they are sent; kept: the buyer keeps them; scrapped: on site."},
    )


class ReceiveIn(NoteIn):
    quantity = Quantity(required=True)


class ReturnParcelLineIn(StrictSchema):
    line_id = fields.UUID(required=True, metadata={"description": "A line of the return case."})
    quantity = Quantity(required=True)


class ReturnParcelIn(StrictSchema):
    """`lines` absent: everything that waits to be sent."""

    lines = fields.List(fields.Nested(ReturnParcelLineIn), validate=validate.Length(min=1, max=MAX_LINES))
    carrier = Text(max_length=80, allow_empty=True, load_default="")
    tracking_number = Text(max_length=80, allow_empty=True, load_default="")
    label_by = fields.String(validate=validate.OneOf(["buyer", "vendor", "operator"]), load_default="buyer")
    label_cost_minor = Minor(load_default=0)


class ParcelReceivedIn(StrictSchema):
    """`lines` absent: all of it arrived."""

    lines = fields.List(fields.Nested(ReturnParcelLineIn), validate=validate.Length(min=1, max=MAX_LINES))


class FaultUnitsIn(StrictSchema):
    fault = fields.String(required=True, validate=_FAULT)
    quantity = Quantity(required=True)


class ShareIn(StrictSchema):
    fault = fields.String(required=True, validate=_FAULT)
    percent = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=100))


class VerdictIn(StrictSchema):
    """What counts of a line: units by fault, or a fault that several share; absent: what the buyer claims."""

    line_id = fields.UUID(required=True, metadata={"description": "A line of the return case."})
    units = fields.List(fields.Nested(FaultUnitsIn), validate=validate.Length(max=5))
    replaced = Quantity(minimum=0)
    shares = fields.List(fields.Nested(ShareIn), validate=validate.Length(min=2, max=4))
    by = fields.String(validate=validate.OneOf(["units", "charge"]), load_default="units")
    quantity = Quantity(metadata={"description": "With shares: how many units count."})
    note = Text(max_length=2000, allow_empty=True, load_default="")

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_: Any) -> None:
        if "units" in data and "shares" in data:
            raise ValidationError("Either units or shares.", "shares")
        if "quantity" in data and "shares" not in data:
            raise ValidationError("Only with shares; without, say the units of each fault.", "quantity")
        for name in ("units", "shares"):
            faults = [entry["fault"] for entry in data.get(name, ())]
            if len(set(faults)) != len(faults):
                raise ValidationError("Each fault once.", name)


class ChargeIn(StrictSchema):
    payer = Text(required=True, max_length=40, metadata={"description": _PARTY})
    payee = Text(required=True, max_length=40, metadata={"description": _PARTY})
    amount_minor = Minor(required=True, minimum=1)
    kind = fields.String(validate=validate.OneOf([kind.value for kind in ChargeKind]), load_default="other")


class PreviewIn(StrictSchema):
    """`lines` empty: every line that is not settled, as it is decided or claimed."""

    lines = fields.List(fields.Nested(VerdictIn), load_default=list, validate=validate.Length(max=MAX_LINES))
    charges = fields.List(fields.Nested(ChargeIn), load_default=list, validate=validate.Length(max=50))
    take_back = fields.List(fields.Nested(ChargeIn), load_default=list, validate=validate.Length(max=50))


class DecideIn(StrictSchema):
    lines = fields.List(fields.Nested(VerdictIn), required=True, validate=validate.Length(min=1, max=MAX_LINES))
    settle = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class SettleIn(StrictSchema):
    """`line_ids` absent: everything that is decided."""

    line_ids = fields.List(fields.UUID(), validate=validate.Length(max=MAX_LINES))
    charges = fields.List(fields.Nested(ChargeIn), load_default=list, validate=validate.Length(max=50))
    take_back = fields.List(fields.Nested(ChargeIn), load_default=list, validate=validate.Length(max=50))
    note = Text(max_length=2000, allow_empty=True, load_default="")


class AppealIn(StrictSchema):
    text = Text(required=True, max_length=4000)


class RuleIn(VerdictIn):
    """`outcome` decide: with a verdict; approve: the goods come back first, or are waited for once more; uphold: what
    was said stands, of missing goods that they never came."""

    line_id = fields.UUID(load_only=True)
    outcome = fields.String(required=True, validate=validate.OneOf(["decide", "approve", "uphold"]))
    ruling = Text(required=True, max_length=4000)
    goods = fields.String(validate=_GOODS, load_default="back")
    settle = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class EvidenceFile(StrictSchema):
    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class EvidenceArgs(StrictSchema):
    note = Text(max_length=500, allow_empty=True, load_default="")


class ReturnArgs(PageArgs):
    order_id = fields.UUID(load_default=None)
    state = fields.Enum(LineState, by_value=True, load_default=None, metadata={"description": "Of a line in it."})
    turn = fields.String(
        validate=validate.OneOf(["buyer", "vendor", "operator"]),
        load_default=None,
        metadata={"description": "With a line that waits for this side."},
    )
    open = fields.Boolean(load_default=None)


class MinorOut(fields.Integer):
    """A sum in minor units of the currency beside it."""


class ReturnableLineOut(StrictSchema):
    line_id = fields.UUID()
    vendor_id = fields.UUID()
    vendor_name = fields.String()
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    shipped_quantity = fields.Integer()
    returned_quantity = fields.Integer()
    returnable_quantity = fields.Integer()
    reasons = fields.Dict(
        keys=fields.String(),
        values=fields.AwareDateTime(allow_none=True),
        metadata={"description": "Reasons that are taken now, until when; null: no limit yet."},
    )


class ReturnableOut(StrictSchema):
    lines = fields.List(fields.Nested(ReturnableLineOut))


class FaultUnitsOut(StrictSchema):
    fault = fields.String()
    quantity = fields.Integer()


class ShareOut(StrictSchema):
    fault = fields.String()
    percent = fields.Integer()


class VerdictOut(StrictSchema):
    units = fields.List(fields.Nested(FaultUnitsOut))
    replaced = fields.Integer()
    note = fields.String()
    shares = fields.List(fields.Nested(ShareOut))
    evidence = fields.List(fields.UUID())


class CaseLineOut(StrictSchema):
    id = fields.UUID()
    order_line_id = fields.UUID()
    vendor_id = fields.UUID()
    vendor_name = fields.String()
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    quantity = fields.Integer()
    received_quantity = fields.Integer()
    lost_quantity = fields.Integer()
    replaced_quantity = fields.Integer(metadata={"description": "Units whose replacement has left."})
    to_replace = fields.Integer(metadata={"description": "Units whose replacement is still to be shipped."})
    serial_numbers = fields.List(fields.String())
    reason = fields.String()
    fault_claimed = fields.String()
    wish = fields.String()
    note = fields.String()
    discovered_on = fields.Date(allow_none=True)
    state = fields.Enum(LineState, by_value=True)
    turn = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    answer = fields.String()
    goods = fields.String()
    inspection = fields.String()
    verdict = fields.Nested(VerdictOut, allow_none=True)
    settled = fields.Nested(VerdictOut, allow_none=True)
    decided_side = fields.String()
    decided_by = fields.UUID(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    arbitrated = fields.Boolean()


class EvidenceOut(StrictSchema):
    id = fields.UUID()
    line_id = fields.UUID()
    side = fields.String()
    name = fields.String()
    content_type = fields.String()
    size_bytes = fields.Integer()
    sha256 = fields.String()
    note = fields.String()
    at = fields.AwareDateTime()


class ReturnParcelLineOut(StrictSchema):
    line_id = fields.UUID()
    quantity = fields.Integer()
    received_quantity = fields.Integer(
        metadata={"description": "With the parcel or, without its being named, before: of what was announced first."}
    )


class ReturnParcelOut(StrictSchema):
    id = fields.UUID()
    vendor_id = fields.UUID()
    number = fields.Integer()
    state = fields.Enum(ParcelState, by_value=True)
    carrier = fields.String()
    tracking_number = fields.String()
    label_by = fields.String()
    label_cost_minor = MinorOut()
    announced_at = fields.AwareDateTime()
    received_at = fields.AwareDateTime(allow_none=True)
    lines = fields.List(fields.Nested(ReturnParcelLineOut))


class AppealOut(StrictSchema):
    id = fields.UUID()
    line_id = fields.UUID()
    side = fields.String()
    text = fields.String()
    at = fields.AwareDateTime()
    reply = fields.String()
    replied_at = fields.AwareDateTime(allow_none=True)
    ruling = fields.String()
    ruled_at = fields.AwareDateTime(allow_none=True)


class SentenceOut(StrictSchema):
    """A sum in words. `amount_minor`: by how much the party's own sum moves."""

    party = fields.String(metadata={"description": _PARTY})
    kind = fields.String()
    subject = fields.String(metadata={"description": "The order line or delivery it is about, if any."})
    amount_minor = MinorOut()
    rule = fields.String(metadata={"description": "The term of the policy that made it."})
    why = fields.String(metadata={"description": "That term in plain words."})
    text = fields.String()


class PartyOut(StrictSchema):
    """What one party's sum was and is. The buyer's: what he owes; a vendor's: what he gets."""

    party = fields.String()
    name = fields.String()
    before_minor = MinorOut()
    after_minor = MinorOut()
    change_minor = MinorOut()


class SumsOut(StrictSchema):
    """Line by line; a sum that is not this party's to know is absent."""

    id = fields.String()
    name = fields.String()
    vendor_id = fields.String()
    kept_before = fields.Integer()
    kept_after = fields.Integer()
    before = fields.Dict(keys=fields.String(), values=fields.Raw())
    after = fields.Dict(keys=fields.String(), values=fields.Raw())


class DecisionOut(StrictSchema):
    """A decision, or a preview of one (then without number): shares before and after, line by line, in words."""

    number = fields.Integer()
    cause = fields.String()
    at = fields.AwareDateTime()
    note = fields.String()
    policy_version = fields.String()
    currency = Currency()
    net_paid_minor = MinorOut()
    refund_minor = MinorOut()
    credited_minor = MinorOut(metadata={"description": "What lowers what is still to be paid instead of going back."})
    deficit_minor = MinorOut(
        metadata={"description": "What was not paid yet after it: of an order on account, all that is open of it."}
    )
    parties = fields.List(fields.Nested(PartyOut))
    lines = fields.List(fields.Nested(SumsOut))
    deliveries = fields.List(fields.Nested(SumsOut))
    charges = fields.List(fields.Dict(keys=fields.String(), values=fields.Raw()))
    sentences = fields.List(fields.Nested(SentenceOut))
    step_id = fields.UUID()


class ReturnMoveOut(StrictSchema):
    line_id = fields.UUID()
    verb = fields.String()
    from_state = fields.String()
    to_state = fields.String()
    side = fields.String(metadata={"description": "Who did it: buyer, vendor, operator, or the deadline."})
    note = fields.String()
    at = fields.AwareDateTime()


class CaseSummaryOut(StrictSchema):
    id = fields.UUID()
    number = fields.String()
    order_id = fields.UUID()
    order_number = fields.String()
    company_id = fields.UUID()
    company_name = fields.String()
    currency = Currency()
    opened_at = fields.AwareDateTime()
    closed_at = fields.AwareDateTime(allow_none=True)
    state = fields.Enum(CaseState, by_value=True)
    vendors = fields.List(fields.String())
    units = fields.Integer()
    next_due_at = fields.AwareDateTime(allow_none=True)


class CaseOut(CaseSummaryOut):
    """A return case as this party may see it: a vendor his own lines, the buyer and the operator all."""

    note = fields.String()
    terms = fields.Dict(keys=fields.String(), values=fields.Raw())
    lines = fields.List(fields.Nested(CaseLineOut))
    evidence = fields.List(fields.Nested(EvidenceOut))
    parcels = fields.List(fields.Nested(ReturnParcelOut))
    replacements = fields.List(fields.Nested(ReplacementOut))
    appeals = fields.List(fields.Nested(AppealOut))
    decisions = fields.List(fields.Nested(DecisionOut))
    history = fields.List(fields.Nested(ReturnMoveOut))


CasePage = page_of(CaseSummaryOut)
