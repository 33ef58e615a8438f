"""What left for vendors and what they owe, as pages: a vendor sees his own, the operator acts on all."""

import uuid
from collections.abc import Iterable

from flask import render_template, request, url_for
from marshmallow import ValidationError, fields
from werkzeug.wrappers import Response

from marketplace.companies import queries as companies
from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.fields import Currency, Text
from marketplace.kernel.history import lines_of
from marketplace.kernel.money import Money
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from settlements.transfers import jobs, receivers, views
from settlements.transfers.actions import adjusting, reversing
from settlements.transfers.models import Adjustment, Transfer, VendorDebt, VendorPayout
from settlements.transfers.queries import debts, payouts, transfers
from settlements.transfers.states import AdjustmentState, DebtState, PayoutState, TransferState

routes = pages_blueprint("transfers", __name__)
navigation = [
    NavItem("Payouts", "transfers_pages.vendor_payouts", Permission.PAYOUT_READ, Side.VENDOR, "Money"),
    NavItem("Transfers", "transfers_pages.operator_transfers", Permission.BOOKS_READ, Side.OPERATOR, "Money"),
]


class TransfersAsked(forms.ListAsked):
    state = fields.Enum(TransferState, by_value=True, load_default=None)


class PayoutsAsked(forms.ListAsked):
    state = fields.Enum(PayoutState, by_value=True, load_default=None)


class DebtsAsked(forms.ListAsked):
    state = fields.Enum(DebtState, by_value=True, load_default=None)


class AdjustmentsAsked(forms.ListAsked):
    state = fields.Enum(AdjustmentState, by_value=True, load_default=None)


class ReasonForm(forms.PageForm):
    reason = Text(required=True, max_length=500)


class AmountForm(ReasonForm):
    amount = Text(required=True, max_length=20)


class AdjustmentForm(AmountForm):
    vendor_id = fields.UUID(required=True)
    currency = Currency(required=True)


class NoteForm(forms.PageForm):
    note = Text(load_default="", max_length=500, allow_empty=True)


@routes.get("/vendor/payouts")
@requires(Permission.PAYOUT_READ)
def vendor_payouts() -> str:
    """What left for the vendor, what the provider paid out to his bank, and what he owes."""
    actor = current_actor()
    asked = forms.load(forms.ListAsked(), request.args)
    sent = paginate(transfers.transfers(actor), asked, Transfer.id)
    paid = paginate(payouts.payouts(actor), {"limit": 25}, VendorPayout.id)
    owed = views.of_debts(paginate(debts.debts(actor), {"limit": 5}, VendorDebt.id).items)
    return render_template(
        "transfers/vendor.html",
        transfers=views.seen_by(actor, sent.items),
        next=sent.next,
        payouts=views.of_payouts(paid.items),
        debts=[row for row in owed if row["owed"].minor],
    )


@routes.get("/operator/transfers")
@requires(Permission.BOOKS_READ)
def operator_transfers() -> str:
    """All transfers, newest first."""
    actor = current_actor()
    asked = forms.load(TransfersAsked(), request.args)
    page = paginate(transfers.transfers(actor, state=asked["state"]), asked, Transfer.id)
    return render_template(
        "transfers/transfers.html",
        transfers=views.seen_by(actor, page.items),
        next=page.next,
        state=asked["state"],
        states=TransferState,
        names=_names(row.vendor_id for row in page.items),
    )


@routes.get("/operator/transfers/<uuid:transfer_id>")
@requires(Permission.BOOKS_READ)
def operator_transfer(transfer_id: uuid.UUID) -> str:
    """One transfer with its attempts, what was taken back of it, and how it came there."""
    actor = current_actor()
    row = transfers.transfer(actor, transfer_id)
    return render_template(
        "transfers/transfer.html",
        transfer=views.seen_by(actor, [row])[0],
        currency=row.currency,
        names=_names([row.vendor_id]),
        history=lines_of(row.__tablename__, row.id),
    )


@routes.post("/operator/transfers/<uuid:transfer_id>/look-up")
@requires(Permission.OPERATE)
@forms.refused_on(operator_transfer)
def look_up(transfer_id: uuid.UUID) -> Response:
    """Ask the provider what became of it."""
    transfers.transfer(current_actor(), transfer_id)
    jobs.send(transfer_id)
    return forms.done("The provider was asked.", url_for(".operator_transfer", transfer_id=transfer_id))


@routes.post("/operator/transfers/<uuid:transfer_id>/reverse")
@requires(Permission.OPERATE)
@forms.refused_on(operator_transfer)
def reverse(transfer_id: uuid.UUID) -> Response:
    """Take back part or all of it."""
    wanted = forms.load(AmountForm())
    row = transfers.transfer(current_actor(), transfer_id)
    amount_minor = _minor(wanted["amount"], row.currency)

    def effect() -> str:
        reversing.request_by_hand(current_actor(), transfer_id, amount_minor, wanted["reason"])
        return url_for(".operator_transfer", transfer_id=transfer_id)

    return forms.once(effect)


@routes.get("/operator/payouts")
@requires(Permission.BOOKS_READ)
def operator_payouts() -> str:
    """All payouts to vendors' banks, newest first."""
    asked = forms.load(PayoutsAsked(), request.args)
    page = paginate(payouts.payouts(current_actor(), state=asked["state"]), asked, VendorPayout.id)
    return render_template(
        "transfers/payouts.html",
        payouts=views.of_payouts(page.items),
        next=page.next,
        state=asked["state"],
        states=PayoutState,
        names=_names(row.vendor_id for row in page.items),
    )


@routes.get("/operator/debts")
@requires(Permission.BOOKS_READ)
def operator_debts() -> str:
    """What vendors owe, and to whom nothing can be sent."""
    asked = forms.load(DebtsAsked(), request.args)
    page = paginate(debts.debts(current_actor(), state=asked["state"]), asked, VendorDebt.id)
    blocked = receivers.blocked()
    return render_template(
        "transfers/debts.html",
        debts=views.of_debts(page.items),
        next=page.next,
        state=asked["state"],
        states=DebtState,
        blocked=blocked,
        names=_names([*(row.vendor_id for row in page.items), *(vendor_id for vendor_id, _ in blocked)]),
    )


@routes.post("/operator/debts/<uuid:debt_id>/write-off")
@requires(Permission.ADJUSTMENT_MAKE)
@forms.refused_on(operator_debts)
def write_off(debt_id: uuid.UUID) -> Response:
    """Propose to give a debt up."""
    reason = forms.load(ReasonForm())["reason"]

    def effect() -> str:
        adjusting.propose_write_off(current_actor(), debt_id, reason)
        return url_for(".operator_adjustments")

    return forms.once(effect)


@routes.get("/operator/adjustments")
@requires(Permission.BOOKS_READ)
def operator_adjustments() -> str:
    """What was proposed to be booked by hand, and what became of it."""
    asked = forms.load(AdjustmentsAsked(), request.args)
    page = paginate(debts.adjustments(current_actor(), state=asked["state"]), asked, Adjustment.id)
    people = {row.proposed_by for row in page.items} | {row.decided_by for row in page.items if row.decided_by}
    return render_template(
        "transfers/adjustments.html",
        adjustments=views.of_adjustments(page.items),
        next=page.next,
        state=asked["state"],
        states=AdjustmentState,
        names=_names(row.vendor_id for row in page.items),
        people={person_id: companies.person(person_id).name for person_id in people},
        vendors=debts.vendors_with_accounts(200),
    )


@routes.post("/operator/adjustments")
@requires(Permission.ADJUSTMENT_MAKE)
@forms.refused_on(operator_adjustments)
def propose() -> Response:
    """Propose to book something by hand."""
    wanted = forms.load(AdjustmentForm())
    amount_minor = _minor(wanted["amount"], wanted["currency"])

    def effect() -> str:
        adjusting.propose(current_actor(), wanted["vendor_id"], amount_minor, wanted["currency"], wanted["reason"])
        return url_for(".operator_adjustments")

    return forms.once(effect)


@routes.post("/operator/adjustments/<uuid:adjustment_id>/<any(approve, decline):verb>")
@requires(Permission.ADJUSTMENT_APPROVE)
@forms.refused_on(operator_adjustments, adjusting.SecondPersonNeeded)
def decide(adjustment_id: uuid.UUID, verb: str) -> Response:
    """Book what another person proposed, or nothing of it."""
    note = forms.load(NoteForm())["note"]

    def effect() -> str:
        if verb == "approve":
            adjusting.approve(current_actor(), adjustment_id)
        else:
            adjusting.decline(current_actor(), adjustment_id, note)
        return url_for(".operator_adjustments")

    return forms.once(effect)


def _names(vendor_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    found = companies.companies_by_id(set(vendor_ids))
    return {company_id: company.name for company_id, company in found.items()}


def _minor(text: str, currency: str) -> int:
    """The sum that a person typed. Raises ValidationError."""
    try:
        amount = Money.from_major(text, currency).minor
    except ValueError as failure:
        raise ValidationError({"amount": str(failure)}) from failure
    if not amount or abs(amount) > 10**15:
        raise ValidationError({"amount": "An amount that is not nothing."})
    return amount
