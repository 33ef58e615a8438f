"""Transfers, payouts, debts and what is booked by hand over the API: a vendor reads his own, the operator acts."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, page_of, paginate
from settlements.transfers import jobs, views
from settlements.transfers.actions import adjusting, reversing
from settlements.transfers.models import Adjustment, Transfer, VendorDebt, VendorPayout
from settlements.transfers.queries import debts, payouts, transfers
from settlements.transfers.schemas import (
    AdjustmentArgs,
    AdjustmentIn,
    AdjustmentOut,
    DebtArgs,
    DebtOut,
    DeclineIn,
    PayoutArgs,
    PayoutOut,
    ReversalOut,
    ReverseIn,
    TransferArgs,
    TransferForOperatorOut,
    WriteOffIn,
)

routes = api_blueprint("transfers", "What leaves for vendors, what they owe, and what is booked by hand.")


@routes.get("/transfers")
@requires(Permission.PAYOUT_READ)
@routes.arguments(TransferArgs, location="query")
@routes.response(200, page_of(TransferForOperatorOut))
def list_transfers(args):
    """Transfers to vendors' accounts at the provider, the newest first; a vendor's own, the operator's of all."""
    actor = current_actor()
    asked = transfers.transfers(actor, state=args["state"], vendor_id=args["vendor_id"], cause=args["cause"])
    page = paginate(asked, args, Transfer.id)
    return Page(views.seen_by(actor, page.items), page.next)


@routes.get("/transfers/<uuid:transfer_id>")
@requires(Permission.PAYOUT_READ)
@routes.response(200, TransferForOperatorOut)
def get_transfer(transfer_id):
    """One transfer with what was taken back of it."""
    actor = current_actor()
    return views.seen_by(actor, [transfers.transfer(actor, transfer_id)])[0]


@routes.post("/transfers/<uuid:transfer_id>/look-up")
@requires(Permission.OPERATE)
@routes.response(200, TransferForOperatorOut)
@routes.alt_response(502, schema=ProblemOut, description="The provider does not answer.")
def look_transfer_up(transfer_id):
    """Ask the provider now what became of a transfer, or send one that waits."""
    actor = current_actor()
    transfers.transfer(actor, transfer_id)
    jobs.send(transfer_id)
    return views.seen_by(actor, [transfers.transfer(actor, transfer_id)])[0]


@routes.post("/transfers/<uuid:transfer_id>/reversals")
@requires(Permission.OPERATE)
@routes.arguments(ReverseIn)
@routes.response(201, ReversalOut)
@routes.alt_response(409, schema=ProblemOut, description="It was not made, or less is left of it.")
@idempotent
def reverse_transfer(wanted, transfer_id):
    """Take back part or all of a transfer that was made. Needs the header Idempotency-Key."""
    actor = current_actor()
    made = reversing.request_by_hand(actor, transfer_id, wanted["amount_minor"], wanted["reason"])
    shown = views.seen_by(actor, [transfers.transfer(actor, transfer_id)])[0]["reversals"]
    return ReversalOut().dump(next(row for row in shown if row["id"] == made.id)), 201


@routes.get("/payouts")
@requires(Permission.PAYOUT_READ)
@routes.arguments(PayoutArgs, location="query")
@routes.response(200, page_of(PayoutOut))
def list_payouts(args):
    """The provider's payouts to vendors' banks, as it reports them, the newest first."""
    page = paginate(
        payouts.payouts(current_actor(), state=args["state"], vendor_id=args["vendor_id"]), args, VendorPayout.id
    )
    return Page(views.of_payouts(page.items), page.next)


@routes.get("/payouts/<uuid:payout_id>")
@requires(Permission.PAYOUT_READ)
@routes.response(200, PayoutOut)
def get_payout(payout_id):
    """One payout."""
    return views.of_payouts([payouts.payout(current_actor(), payout_id)])[0]


@routes.get("/debts")
@requires(Permission.PAYOUT_READ)
@routes.arguments(DebtArgs, location="query")
@routes.response(200, page_of(DebtOut))
def list_debts(args):
    """What vendors owe, the newest first; `to_decide`: those that are to be written off, or not."""
    page = paginate(debts.debts(current_actor(), state=args["state"]), args, VendorDebt.id)
    return Page(views.of_debts(page.items), page.next)


@routes.post("/debts/<uuid:debt_id>/write-off")
@requires(Permission.ADJUSTMENT_MAKE)
@routes.arguments(WriteOffIn)
@routes.response(201, AdjustmentOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing is owed any more, or it was proposed already.")
@idempotent
def propose_write_off(wanted, debt_id):
    """Propose to give a debt up; another person approves it. Needs the header Idempotency-Key."""
    made = adjusting.propose_write_off(current_actor(), debt_id, wanted["reason"])
    return AdjustmentOut().dump(views.of_adjustments([made])[0]), 201


@routes.get("/adjustments")
@requires(Permission.BOOKS_READ)
@routes.arguments(AdjustmentArgs, location="query")
@routes.response(200, page_of(AdjustmentOut))
def list_adjustments(args):
    """What was proposed to be booked by hand, the newest first."""
    asked = debts.adjustments(current_actor(), state=args["state"], vendor_id=args["vendor_id"])
    page = paginate(asked, args, Adjustment.id)
    return Page(views.of_adjustments(page.items), page.next)


@routes.post("/adjustments")
@requires(Permission.ADJUSTMENT_MAKE)
@routes.arguments(AdjustmentIn)
@routes.response(201, AdjustmentOut)
@idempotent
def propose_adjustment(wanted):
    """Propose to book something by hand; another person approves it. Needs the header Idempotency-Key."""
    made = adjusting.propose(
        current_actor(), wanted["vendor_id"], wanted["amount_minor"], wanted["currency"], wanted["reason"]
    )
    return AdjustmentOut().dump(views.of_adjustments([made])[0]), 201


@routes.post("/adjustments/<uuid:adjustment_id>/approve")
@requires(Permission.ADJUSTMENT_APPROVE)
@routes.response(200, AdjustmentOut)
@routes.alt_response(403, schema=ProblemOut, description="Another person than the one who proposed it is needed.")
@routes.alt_response(409, schema=ProblemOut, description="It was decided before, or the debt has gone.")
@idempotent
def approve_adjustment(adjustment_id):
    """Book what another person proposed. Needs the header Idempotency-Key."""
    made = adjusting.approve(current_actor(), adjustment_id)
    return AdjustmentOut().dump(views.of_adjustments([made])[0]), 200


@routes.post("/adjustments/<uuid:adjustment_id>/decline")
@requires(Permission.ADJUSTMENT_APPROVE)
@routes.arguments(DeclineIn)
@routes.response(200, AdjustmentOut)
@routes.alt_response(409, schema=ProblemOut, description="It was decided before.")
@idempotent
def decline_adjustment(wanted, adjustment_id):
    """Book nothing of what was proposed. Needs the header Idempotency-Key."""
    made = adjusting.decline(current_actor(), adjustment_id, wanted["note"])
    return AdjustmentOut().dump(views.of_adjustments([made])[0]), 200
