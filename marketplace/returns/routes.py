"""Return cases over HTTP: the buyer's, each vendor's lines of them, and the operator's view of all."""

from typing import Any

from flask import current_app, request

from marketplace.kernel.access import Actor, Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, paginate
from marketplace.orders import queries as orders
from marketplace.returns import actions, queries, returnable, storage, views
from marketplace.returns.files import decision_served, served
from marketplace.returns.models import ReturnCase
from marketplace.returns.refusals import DecisionUnknown
from marketplace.returns.schemas import (
    AppealIn,
    AppealOut,
    ApproveIn,
    CaseOut,
    CasePage,
    DecideIn,
    DecisionOut,
    EvidenceArgs,
    EvidenceFile,
    EvidenceOut,
    NoteIn,
    ParcelReceivedIn,
    PreviewIn,
    ReceiveIn,
    ReturnableOut,
    ReturnArgs,
    ReturnIn,
    ReturnParcelIn,
    RuleIn,
    SaidIn,
    SettleIn,
)

routes = api_blueprint("returns", "Goods that come back: one case over several vendors.")
_FILE = {"200": {"description": "The file.", "content": {"application/octet-stream": {}}}}
_PDF = {"200": {"description": "The decision on paper.", "content": {"application/pdf": {}}}}
_NOT_NOW = "Not possible in the present state."


@routes.url_value_preprocessor
def allow_uploads(endpoint, _values):
    """Before anything reads the body: evidence may be larger than other requests."""
    if endpoint == "returns.add_evidence":
        request.max_content_length = current_app.extensions["kontor_settings"].max_evidence_bytes + 100_000


@routes.get("/orders/<uuid:order_id>/returnable")
@requires(Permission.RETURN_REQUEST)
@routes.response(200, ReturnableOut)
def list_returnable(order_id):
    """What of an order can still come back, and until when for which reason."""
    return {"lines": returnable.lines_of(current_actor(), order_id)}


@routes.post("/orders/<uuid:order_id>/returns")
@requires(Permission.RETURN_REQUEST)
@routes.arguments(ReturnIn)
@routes.response(201, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description="Not shipped, coming back already, or too late.")
@idempotent
def open_return(wanted, order_id):
    """Ask to return units of an order, of any number of its vendors; each vendor answers for his lines."""
    case = actions.open_case(current_actor(), order_id, wanted["lines"], wanted["note"])
    return seen(current_actor(), case.id), 201


@routes.get("/returns")
@requires(Permission.RETURN_READ)
@routes.arguments(ReturnArgs, location="query")
@routes.response(200, CasePage)
def list_returns(args):
    """Return cases, newest first; `turn=vendor`: those with a line that waits for its vendor."""
    actor = current_actor()
    statement = queries.cases(
        actor, order_id=args["order_id"], state=args["state"], turn=args["turn"], is_open=args["open"]
    )
    page = paginate(statement, args, ReturnCase.id)
    lines = queries.lines_of_cases(actor, [case.id for case in page.items])
    return Page([views.summary(case, lines[case.id]) for case in page.items], page.next)


@routes.get("/returns/<uuid:case_id>")
@requires(Permission.RETURN_READ)
@routes.response(200, CaseOut)
def get_return(case_id):
    """One case: a vendor sees his lines, the buyer and the operator all."""
    return seen(current_actor(), case_id)


@routes.post("/returns/<uuid:case_id>/preview")
@requires(Permission.RETURN_READ)
@routes.arguments(PreviewIn)
@routes.response(200, DecisionOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def preview_return(wanted, case_id):
    """What an outcome would come to, before anybody decides: shares before and after, line by line and in words.

    Nothing is written. Each party sees its own sums, the operator everybody's.
    """
    actor = current_actor()
    outcome = actions.preview(actor, case_id, wanted["lines"], wanted["charges"], wanted["take_back"])
    return views.preview(outcome, views.party_of(actor, queries.case(actor, case_id)))


@routes.post("/returns/<uuid:case_id>/decide")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(DecideIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
@idempotent
def decide_return(wanted, case_id):
    """Say how many units of which lines count, by whose fault; with `settle`, settle them in the same transaction."""
    actor = current_actor()
    act = actions.decide_and_settle if wanted["settle"] else actions.decide
    act(actor, case_id, wanted["lines"])
    return seen(actor, case_id), 200


@routes.post("/returns/<uuid:case_id>/settle")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(SettleIn)
@routes.response(201, DecisionOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing is decided, or it is disputed.")
@idempotent
def settle_return(wanted, case_id):
    """Settle what is decided: one step of the order, one entry in the books, one refund. Charges are the operator's.

    What was decided differently and then as it stands again is settled by that decision, which is answered.
    """
    actor = current_actor()
    row = actions.settle(actor, case_id, *(wanted.get(name) for name in ("line_ids", "charges", "note", "take_back")))
    return _decision(actor, row.case_id, row.number), 201


@routes.get("/returns/<uuid:case_id>/decisions/<int:number>")
@requires(Permission.RETURN_READ)
@routes.response(200, DecisionOut)
def get_decision(case_id, number):
    """A decision as it was taken: the frozen valuations, and every sum in words."""
    return _decision(current_actor(), case_id, number)


@routes.get("/returns/<uuid:case_id>/decisions/<int:number>.pdf")
@requires(Permission.RETURN_READ)
@routes.doc(responses=_PDF)
def get_decision_pdf(case_id, number):
    """The same words and sums as a PDF: an attachment that holds the reader's own sums alone."""
    return decision_served(current_actor(), case_id, number)


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/approve")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(ApproveIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def approve_line(wanted, case_id, line_id):
    """Accept the return: the goods come back, stay with the buyer, or are scrapped where they are."""
    return done(actions.approve, case_id, line_id, wanted["goods"], wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/decline")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(SaidIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def decline_line(wanted, case_id, line_id):
    """Do not accept the return; the buyer may appeal."""
    return done(actions.decline, case_id, line_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/ask-evidence")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(SaidIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def ask_evidence(wanted, case_id, line_id):
    """Ask the buyer to show more before answering."""
    return done(actions.ask_evidence, case_id, line_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/provide")
@requires(Permission.RETURN_REQUEST)
@routes.arguments(NoteIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def provide_evidence(wanted, case_id, line_id):
    """The buyer has shown what was asked for; the vendor answers again."""
    return done(actions.provide, case_id, line_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/withdraw")
@requires(Permission.RETURN_REQUEST)
@routes.arguments(NoteIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def withdraw_line(wanted, case_id, line_id):
    """The buyer keeps the goods after all; possible until they are received."""
    return done(actions.withdraw, case_id, line_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/reopen")
@requires(Permission.RETURN_REQUEST)
@routes.arguments(NoteIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def reopen_line(wanted, case_id, line_id):
    """Take a line up again: the buyer what he withdrew, the operator also what was declined."""
    return done(actions.reopen, case_id, line_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/receive")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(ReceiveIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def receive_line(wanted, case_id, line_id):
    """Units arrived without a parcel that was announced; more may follow."""
    return done(actions.receive, case_id, line_id, wanted["quantity"], wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/not-arrived")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(SaidIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def miss_line(wanted, case_id, line_id):
    """Say that nothing has arrived of what was announced, before it counts as arrived: the operator rules upon it."""
    return done(actions.not_arrived, case_id, line_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/inspect")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(SaidIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def inspect_line(wanted, case_id, line_id):
    """Say what was found in the goods that came back."""
    return done(actions.inspect, case_id, line_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/appeal")
@requires(Permission.RETURN_READ)
@routes.arguments(AppealIn)
@routes.response(201, AppealOut)
@routes.alt_response(409, schema=ProblemOut, description="Too late, or the operator has ruled.")
def appeal_line(wanted, case_id, line_id):
    """Buyer or vendor does not accept what was said of a line; the operator rules."""
    with transaction():
        row = actions.appeal(current_actor(), case_id, line_id, wanted["text"])
        return views.appeal(row)


@routes.post("/returns/<uuid:case_id>/appeals/<uuid:appeal_id>/reply")
@requires(Permission.RETURN_READ)
@routes.arguments(AppealIn)
@routes.response(200, AppealOut)
@routes.alt_response(409, schema=ProblemOut, description="The operator has ruled, or it was replied to.")
def reply_to_appeal(wanted, case_id, appeal_id):
    """What the other side says to an appeal, once."""
    with transaction():
        return views.appeal(actions.reply(current_actor(), case_id, appeal_id, wanted["text"]))


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/rule")
@requires(Permission.RETURN_SETTLE)
@routes.arguments(RuleIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
@idempotent
def rule_line(wanted, case_id, line_id):
    """Rule upon an appeal, or upon goods that are missing; a fault may be shared by units, or as a sum. It binds both
    sides and the books."""
    actor = current_actor()
    found = actions.rule(actor, case_id, line_id, wanted)
    if wanted["settle"] and found.line(line_id).state.value == "decided":
        actions.settle_found(actor, found, [line_id])
    return seen(actor, case_id), 200


@routes.post("/returns/<uuid:case_id>/parcels")
@requires(Permission.RETURN_READ)
@routes.arguments(ReturnParcelIn)
@routes.response(201, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def announce_parcel(wanted, case_id):
    """Goods leave the buyer: by his parcel, or with a label or collection that vendor or operator pays for. What is not
    recorded as arrived by `due_at` of its line, and not said to be missing, counts as arrived."""
    return done(actions.announce, case_id, wanted)


@routes.post("/returns/<uuid:case_id>/parcels/<uuid:parcel_id>/receive")
@requires(Permission.RETURN_ANSWER)
@routes.arguments(ParcelReceivedIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def receive_parcel(wanted, case_id, parcel_id):
    """A parcel arrived, with all that was sent or less."""
    lines = wanted.get("lines")
    received = None if lines is None else {line["line_id"]: line["quantity"] for line in lines}
    return done(actions.receive_parcel, case_id, parcel_id, received)


@routes.post("/returns/<uuid:case_id>/parcels/<uuid:parcel_id>/lose")
@requires(Permission.RETURN_SETTLE)
@routes.arguments(NoteIn)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def lose_parcel(wanted, case_id, parcel_id):
    """A parcel was lost on its way back; who bears it is decided next."""
    return done(actions.lose_parcel, case_id, parcel_id, wanted["note"])


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/evidence")
@requires(Permission.RETURN_READ)
@routes.arguments(EvidenceArgs, location="query")
@routes.arguments(EvidenceFile, location="files")
@routes.response(201, EvidenceOut)
@routes.alt_response(422, schema=ProblemOut, description="Too large, or not of a kind that is taken.")
def add_evidence(args, wanted, case_id, line_id):
    """Add a photo or a PDF to a line; its kind is told from its content. Only buyer, vendor and operator see it."""
    file, limit = wanted["file"], current_app.extensions["kontor_settings"].max_evidence_bytes
    with storage.kept(file.stream, limit) as stored, transaction():
        row = actions.add_evidence(current_actor(), case_id, line_id, stored, file.filename or "", args["note"])
        return views.evidence(row)


@routes.get("/returns/<uuid:case_id>/evidence/<uuid:evidence_id>")
@requires(Permission.RETURN_READ)
@routes.doc(responses=_FILE)
def get_evidence(case_id, evidence_id):
    """Download a file: an attachment, never shown in place."""
    return served(current_actor(), case_id, evidence_id)


@routes.post("/returns/<uuid:case_id>/close")
@requires(Permission.RETURN_SETTLE)
@routes.response(200, CaseOut)
@routes.alt_response(409, schema=ProblemOut, description="Lines are under way, or may be appealed against.")
def close_return(case_id):
    """Close a case of which nothing is under way and nothing may be appealed against any more."""
    return done(actions.close, case_id)


@routes.post("/returns/<uuid:case_id>/reopen")
@requires(Permission.RETURN_SETTLE)
@routes.response(200, CaseOut)
def reopen_return(case_id):
    """Take a closed case up again."""
    return done(actions.reopen_case, case_id)


def done(action: Any, case_id: Any, *arguments: Any) -> dict[str, Any]:
    """One verb in one transaction, and the case as the actor sees it then."""
    actor = current_actor()
    with transaction():
        action(actor, case_id, *arguments)
        return seen(actor, case_id)


def seen(actor: Actor, case_id: Any) -> dict[str, Any]:
    whole = queries.whole(actor, case_id)
    return views.case(whole, views.party_of(actor, whole.case))


def _decision(actor: Actor, case_id: Any, number: int) -> dict[str, Any]:
    case = queries.case(actor, case_id)
    row, party = queries.decision(case_id, number), views.party_of(actor, case)
    if not views.concerns(row, party):
        raise DecisionUnknown
    whole = orders.whole(queries.SYSTEM, case.order_id)
    return views.decision(row, queries.steps([row.before_step_id, row.step_id]), whole, party)
