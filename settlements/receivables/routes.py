"""Open items and bank transfers over the API: a buyer reads what he has to pay, the operator assigns what arrived."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, page_of, paginate
from settlements.receivables import actions, queries, rates, statements, views
from settlements.receivables.models import BankTransfer, CreditMove, Receivable, WriteOff
from settlements.receivables.schemas import (
    AgeingOut,
    BankImportOut,
    BankMatchIn,
    BankStatementFile,
    BankTransferArgs,
    BankTransferOut,
    BankTransfersIn,
    BankTransferWithSuggestionsOut,
    ClaimReasonIn,
    ClaimWriteOffArgs,
    ClaimWriteOffOut,
    CreditMoveOut,
    KeepAsCreditIn,
    LateRateIn,
    LateRateOut,
    LateRatesOut,
    PauseRemindersIn,
    PayCreditBackIn,
    ReceivableArgs,
    ReceivableOut,
    ReceivableWithEntriesOut,
    SendTransferBackIn,
    SetOffIn,
)

routes = api_blueprint("receivables", "What buyers on account have to pay, and the bank transfers that pay it.")


@routes.get("/receivables")
@requires(Permission.CREDIT_READ)
@routes.arguments(ReceivableArgs, location="query")
@routes.response(200, page_of(ReceivableOut))
def list_receivables(args):
    """Invoices bought on account, and claims for paying late, newest first."""
    found = queries.receivables(
        current_actor(), open_only=bool(args["open"]), overdue=bool(args["overdue"]), company_id=args["company_id"]
    )
    page = paginate(found, args, Receivable.id)
    return Page([views.item(row) for row in page.items], page.next)


@routes.get("/receivables/ageing")
@requires(Permission.BANK_MATCH)
@routes.response(200, AgeingOut)
def show_ageing():
    """What is open by company and by how long it is overdue, the largest sums first."""
    return {"rows": queries.ageing(current_actor())}


@routes.get("/receivables/<uuid:receivable_id>")
@requires(Permission.CREDIT_READ)
@routes.response(200, ReceivableWithEntriesOut)
def show_receivable(receivable_id):
    """One open item: what it rose and fell by, and its reminders."""
    return views.item_with_entries(queries.receivable(current_actor(), receivable_id))


@routes.post("/receivables/<uuid:receivable_id>/pause")
@requires(Permission.CREDIT_EDIT)
@routes.arguments(PauseRemindersIn)
@routes.response(200, ReceivableOut)
def pause_receivable(wanted, receivable_id):
    """Remind nobody of a disputed invoice; an empty reason ends that."""
    with transaction():
        return views.item(actions.pause(current_actor(), receivable_id, wanted["reason"]))


@routes.post("/receivables/<uuid:receivable_id>/set-off")
@requires(Permission.BANK_MATCH)
@routes.arguments(SetOffIn)
@routes.response(200, ReceivableOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing is open, or less credit is left.")
@idempotent
def set_off_credit(wanted, receivable_id):
    """Pay an invoice with what its company has paid too much. Needs the header Idempotency-Key."""
    row = actions.set_off(current_actor(), receivable_id, wanted["amount_minor"])
    return ReceivableOut().dump(views.item(row)), 200


@routes.post("/receivables/<uuid:receivable_id>/write-offs")
@requires(Permission.WRITE_OFF)
@routes.arguments(ClaimReasonIn)
@routes.response(201, ClaimWriteOffOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing is open, or a proposal waits already.")
@idempotent
def propose_write_off(wanted, receivable_id):
    """Propose to give up what is open; another person decides. Needs the header Idempotency-Key."""
    return ClaimWriteOffOut().dump(actions.propose(current_actor(), receivable_id, wanted["reason"])), 201


@routes.get("/write-offs")
@requires(Permission.WRITE_OFF)
@routes.arguments(ClaimWriteOffArgs, location="query")
@routes.response(200, page_of(ClaimWriteOffOut))
def list_write_offs(args):
    """Proposals to give up claims, newest first."""
    return paginate(queries.write_offs(current_actor(), args["state"]), args, WriteOff.id)


@routes.post("/write-offs/<uuid:write_off_id>/<any(approve, decline):verb>")
@requires(Permission.WRITE_OFF)
@routes.response(200, ClaimWriteOffOut)
@routes.alt_response(409, schema=ProblemOut, description="One's own proposal, decided before, or another sum is open.")
@idempotent
def decide_write_off(write_off_id, verb):
    """Give a claim up at the marketplace's cost, or do not. Needs the header Idempotency-Key."""
    return ClaimWriteOffOut().dump(actions.decide(current_actor(), write_off_id, approved=verb == "approve")), 200


@routes.get("/late-interest-rates")
@requires(Permission.CREDIT_READ)
@routes.response(200, LateRatesOut)
def list_late_rates():
    """The yearly rate that is owed for paying late, by the day from which it holds."""
    return {"items": [{"valid_from": row.day, "rate": row.value} for row in rates.rates_with(queries.late_rates())]}


@routes.post("/late-interest-rates")
@requires(Permission.POLICY_EDIT)
@routes.arguments(LateRateIn)
@routes.response(201, LateRateOut)
@routes.alt_response(409, schema=ProblemOut, description="A rate that begins on this day exists.")
def add_late_rate(wanted):
    """Another yearly rate from a day on: base rate and points over it together."""
    with transaction():
        return actions.add_rate(current_actor(), wanted["valid_from"], wanted["rate"])


@routes.post("/bank-transfers")
@requires(Permission.BANK_MATCH)
@routes.arguments(BankTransfersIn)
@routes.response(200, BankImportOut)
@routes.alt_response(409, schema=ProblemOut, description="An id of the bank names another sum already.")
@idempotent
def take_in_transfers(wanted):
    """Take in credits of the bank's statement, each once by the bank's own id; they are matched by what they name.

    Needs the header Idempotency-Key.
    """
    rows = [_arrived(row) for row in wanted["transfers"]]
    return BankImportOut().dump(actions.take_in(current_actor(), rows)), 200


@routes.post("/bank-transfers/files")
@requires(Permission.BANK_MATCH)
@routes.arguments(BankStatementFile, location="files")
@routes.response(200, BankImportOut)
@routes.alt_response(409, schema=ProblemOut, description="An id of the bank names another sum already.")
@routes.alt_response(422, schema=ProblemOut, description="Names the rows that cannot be read; none was taken over.")
def take_in_statement(wanted):
    """Take in a file of the bank: CSV with the columns bank_id, booked_on, amount, currency, remitter_name,
    remitter_iban, reference, or an ISO 20022 statement (camt.053). The same file twice changes nothing."""
    rows = statements.read(wanted["file"].stream.read())
    with transaction():
        return actions.take_in(current_actor(), rows)


@routes.get("/bank-transfers")
@requires(Permission.BANK_MATCH)
@routes.arguments(BankTransferArgs, location="query")
@routes.response(200, page_of(BankTransferOut))
def list_transfers(args):
    """What arrived at the bank, newest first; `state=open`: what waits to be assigned."""
    page = paginate(queries.transfers(current_actor(), args["state"]), args, BankTransfer.id)
    return Page(views.transfers(page.items), page.next)


@routes.get("/bank-transfers/<uuid:transfer_id>")
@requires(Permission.BANK_MATCH)
@routes.response(200, BankTransferWithSuggestionsOut)
def show_transfer(transfer_id):
    """One bank transfer, with the open items that it may pay and why."""
    return views.transfer_with_suggestions(queries.transfer(current_actor(), transfer_id))


@routes.post("/bank-transfers/<uuid:transfer_id>/match")
@requires(Permission.BANK_MATCH)
@routes.arguments(BankMatchIn)
@routes.response(200, BankTransferOut)
@routes.alt_response(409, schema=ProblemOut, description="More than is left or open, or another currency.")
@idempotent
def match_transfer(wanted, transfer_id):
    """Assign a transfer to open items. Needs the header Idempotency-Key."""
    wants = [actions.Allocation(row["receivable_id"], row["amount_minor"]) for row in wanted["allocations"]]
    return _shown(actions.match(current_actor(), transfer_id, wants, wanted["note"])), 200


@routes.post("/bank-transfers/<uuid:transfer_id>/keep")
@requires(Permission.BANK_MATCH)
@routes.arguments(KeepAsCreditIn)
@routes.response(200, BankTransferOut)
@routes.alt_response(409, schema=ProblemOut, description="More than is left.")
@idempotent
def keep_transfer(wanted, transfer_id):
    """Keep what was paid too much as the company's credit. Needs the header Idempotency-Key."""
    return _shown(actions.keep_as_credit(current_actor(), transfer_id, **wanted)), 200


@routes.post("/bank-transfers/<uuid:transfer_id>/send-back")
@requires(Permission.BANK_MATCH)
@routes.arguments(SendTransferBackIn)
@routes.response(200, BankTransferOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing is left of it.")
@idempotent
def send_transfer_back(wanted, transfer_id):
    """Record that what is left was sent back to its payer. Needs the header Idempotency-Key."""
    return _shown(actions.send_back(current_actor(), transfer_id, wanted["reference"])), 200


@routes.post("/bank-matches/<uuid:match_id>/undo")
@requires(Permission.BANK_MATCH)
@routes.arguments(ClaimReasonIn)
@routes.response(200, BankTransferOut)
@routes.alt_response(409, schema=ProblemOut, description="Undone before, or the money was used meanwhile.")
@idempotent
def undo_match(wanted, match_id):
    """Take an assignment back by a new entry; the money waits again. Needs the header Idempotency-Key."""
    return _shown(actions.undo(current_actor(), match_id, wanted["reason"])), 200


@routes.get("/buyer-credit")
@requires(Permission.CREDIT_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(CreditMoveOut))
def list_credit_moves(args):
    """What was paid too much, and what became of it, newest first."""
    return paginate(queries.credit_moves(current_actor()), args, CreditMove.id)


@routes.post("/buyer-credit/pay-back")
@requires(Permission.BANK_MATCH)
@routes.arguments(PayCreditBackIn)
@routes.response(201, CreditMoveOut)
@routes.alt_response(409, schema=ProblemOut, description="Less credit is left.")
@idempotent
def pay_credit_back(wanted):
    """Record that a company's credit was sent to its bank. Needs the header Idempotency-Key."""
    return CreditMoveOut().dump(actions.pay_back(current_actor(), **wanted)), 201


def _arrived(row):
    amount = row.pop("amount")
    return actions.Arrived(**row, amount_minor=amount["amount_minor"], currency=amount["currency"])


def _shown(row):
    return BankTransferOut().dump(views.transfers([row])[0])
