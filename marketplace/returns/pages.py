"""A return case as each side works on it: ask, answer, inspect, compare outcomes, settle, appeal, rule."""

import uuid
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from flask import Response as FileResponse
from flask import current_app, render_template, request, url_for
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import SYSTEM, Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from marketplace.orders import queries as orders
from marketplace.pricing import wording
from marketplace.pricing.facts import ChargeKind
from marketplace.returns import actions, compare, queries, returnable, storage, typed, views
from marketplace.returns.files import decision_served, served
from marketplace.returns.models import ReturnCase
from marketplace.returns.typed import FAULTS
from marketplace.rules.return_terms import EVIDENCE_WANTED, Reason, ReturnTerms

routes = pages_blueprint("returns", __name__)
navigation = [
    NavItem("Returns", "returns_pages.returns", Permission.RETURN_READ, Side.BUYER),
    NavItem("Returns", "returns_pages.returns", Permission.RETURN_READ, Side.VENDOR),
    NavItem("Returns", "returns_pages.returns", Permission.RETURN_READ, Side.OPERATOR, "Trade"),
]
_TURNS = ["buyer", "vendor", "operator"]


class ReturnsAsked(forms.ListAsked):
    turn = fields.String(load_default=None, validate=validate.OneOf(_TURNS))


class LineForm(forms.PageForm):
    note = Text(max_length=2000, allow_empty=True, load_default="")
    goods = fields.String(load_default="back", validate=validate.OneOf(["back", "kept", "scrapped"]))
    quantity = fields.Integer(load_default=None, validate=validate.Range(min=1, max=10**9))


class ParcelForm(forms.PageForm):
    carrier = Text(max_length=80, allow_empty=True, load_default="")
    tracking_number = Text(max_length=80, allow_empty=True, load_default="")
    label_by = fields.String(load_default="buyer", validate=validate.OneOf(["buyer", "vendor", "operator"]))
    label_cost = Text(max_length=20, allow_empty=True, load_default="")


class DecideForm(forms.PageForm):
    note = Text(max_length=2000, allow_empty=True, load_default="")
    payer = Text(max_length=40, allow_empty=True, load_default="")
    payee = Text(max_length=40, allow_empty=True, load_default="")
    amount = Text(max_length=20, allow_empty=True, load_default="")
    kind = fields.String(load_default="other", validate=validate.OneOf([kind.value for kind in ChargeKind]))


class RuleForm(LineForm):
    outcome = fields.String(required=True, validate=validate.OneOf(["decide", "approve", "uphold"]))
    by = fields.String(load_default="units", validate=validate.OneOf(["units", "charge"]))


@routes.get("/returns")
@requires(Permission.RETURN_READ)
def returns() -> str:
    """Return cases, newest first."""
    asked, actor = forms.load(ReturnsAsked(), request.args), current_actor()
    page = paginate(queries.cases(actor, turn=asked["turn"]), asked, ReturnCase.id)
    lines = queries.lines_of_cases(actor, [case.id for case in page.items])
    found = [views.summary(case, lines[case.id]) for case in page.items]
    return render_template(
        "returns/returns.html",
        cases=found,
        next=page.next,
        turn=asked["turn"],
        turns=_TURNS,
        own_turns=["operator"]
        if actor.sees_all
        else [one.value for one in (Side.BUYER, Side.VENDOR) if actor.acts_as(one)],
    )


@routes.get("/orders/<uuid:order_id>/return")
@requires(Permission.RETURN_REQUEST)
def request_return(order_id: uuid.UUID) -> str:
    """What of an order can come back, and a form to ask for it."""
    actor = current_actor()
    order = orders.order(actor, order_id)
    lines = returnable.lines_of(actor, order_id)
    return render_template("returns/request.html", order=order, lines=lines, reasons=Reason, wanted=EVIDENCE_WANTED)


@routes.post("/orders/<uuid:order_id>/return")
@requires(Permission.RETURN_REQUEST)
@forms.refused_on(request_return)
def open_return(order_id: uuid.UUID) -> Response:
    """Ask to return units of an order."""
    chosen = forms.some_quantities("units", "Say how many units of which line come back.")
    reasons, notes = forms.named_after_ids("reason"), forms.named_after_ids("note")
    discovered = forms.named_after_ids("discovered")
    wishes, serials = forms.named_after_ids("wish"), forms.named_after_ids("serials")
    wanted = [
        {
            "line_id": line_id,
            "quantity": quantity,
            "reason": _one_of(Reason, reasons.get(line_id, "")),
            "note": notes.get(line_id, "")[:2000],
            "wish": "replacement" if wishes.get(line_id) == "replacement" else "refund",
            "discovered_on": _day(discovered.get(line_id, "")),
            "serial_numbers": serials.get(line_id, "").replace(",", " ").split()[:1000],
        }
        for line_id, quantity in chosen.items()
    ]

    def effect() -> str:
        made = actions.open_case(current_actor(), order_id, wanted)
        return url_for(".case", case_id=made.id)

    return forms.once(effect)


@routes.get("/returns/<uuid:case_id>")
@requires(Permission.RETURN_READ)
def case(case_id: uuid.UUID, previewed: compare.Column | None = None) -> str:
    """One case: what happened, whose turn it is, and for who decides what each outcome comes to."""
    actor = current_actor()
    whole = queries.whole(actor, case_id)
    party = views.party_of(actor, whole.case)
    shown = views.case(whole, party)
    deciding = [line for line in whole.lines if compare.can_be_decided(actor, line)]
    columns = compare.alternatives(actor, whole, deciding, party)
    columns += [previewed] if previewed else []
    order = orders.whole(SYSTEM, whole.case.order_id)
    on_account = order.order.payment_terms is not None
    return render_template(
        "returns/case.html",
        case=shown,
        party=party,
        deciding={line.id for line in deciding},
        columns=columns,
        rows=compare.rows(columns, "Left to pay on account" if on_account else "Still to pay"),
        rest=partial(views.words_of_rest, ReturnTerms(whole.case.terms), currency=order.order.currency),
        on_account=on_account,
        left_minor=max(0, order.order.owed_minor - order.net_paid_minor),
        previewed=previewed,
        vendors=[(str(part.vendor_id), part.vendor_name) for part in order.parts] if actor.sees_all else [],
        faults=FAULTS,
        kinds=wording.CHARGES,
        wanted=EVIDENCE_WANTED,
        to_send=views.to_send(whole),
        is_buyer=party == "buyer" or actor.sees_all,
        answers=actor.sees_all or party not in {None, "buyer"},
    )


def case_page(case_id: uuid.UUID) -> str:
    """The case to which a form about a line, a parcel or an appeal belongs."""
    return case(case_id=case_id)


@routes.post("/returns/<uuid:case_id>/decide")
@requires(Permission.RETURN_ANSWER)
@forms.refused_on(case)
def decide(case_id: uuid.UUID) -> Any:
    """Preview, decide, or decide and settle what the form says."""
    form, actor = forms.load(DecideForm()), current_actor()
    verdicts, charges = typed.verdicts(form["note"]), typed.charges(case_id, form)
    what = request.form.get("do", "preview")
    typed.check_said(what, verdicts, charges)
    if what == "preview":
        forms.keep_typed()
        party = views.party_of(actor, queries.case(actor, case_id))
        return case(case_id, compare.column("As typed", actions.preview(actor, case_id, verdicts, charges), party))

    def effect() -> str:
        if verdicts and what == "settle":
            actions.decide_and_settle(actor, case_id, verdicts, charges, form["note"])
        elif verdicts:
            actions.decide(actor, case_id, verdicts)
        elif what == "settle":
            actions.settle(actor, case_id, None, charges, form["note"])
        return url_for(".case", case_id=case_id)

    return forms.once(effect)


_ANSWERS: dict[str, Callable[[Any, uuid.UUID, uuid.UUID, dict[str, Any]], object]] = {
    "approve": lambda actor, case_id, line_id, form: actions.approve(
        actor, case_id, line_id, form["goods"], form["note"]
    ),
    "decline": lambda actor, case_id, line_id, form: actions.decline(actor, case_id, line_id, _said(form)),
    "ask-evidence": lambda actor, case_id, line_id, form: actions.ask_evidence(actor, case_id, line_id, _said(form)),
    "receive": lambda actor, case_id, line_id, form: actions.receive(
        actor, case_id, line_id, _said(form, "quantity", "Say how many have arrived."), form["note"]
    ),
    "not-arrived": lambda actor, case_id, line_id, form: actions.not_arrived(actor, case_id, line_id, _said(form)),
    "inspect": lambda actor, case_id, line_id, form: actions.inspect(actor, case_id, line_id, _said(form)),
    "cannot-replace": lambda actor, case_id, line_id, form: actions.cannot_replace(
        actor, case_id, line_id, _said(form)
    ),
}
_ASKS: dict[str, Callable[[Any, uuid.UUID, uuid.UUID, dict[str, Any]], object]] = {
    "provide": lambda actor, case_id, line_id, form: actions.provide(actor, case_id, line_id, form["note"]),
    "withdraw": lambda actor, case_id, line_id, form: actions.withdraw(actor, case_id, line_id, form["note"]),
    "reopen": lambda actor, case_id, line_id, form: actions.reopen(actor, case_id, line_id, form["note"]),
}


@routes.post(f"/returns/<uuid:case_id>/lines/<uuid:line_id>/<any({', '.join(map(repr, _ANSWERS))}):verb>")
@requires(Permission.RETURN_ANSWER)
@forms.refused_on(case_page)
def answer(case_id: uuid.UUID, line_id: uuid.UUID, verb: str) -> Response:
    """What the vendor says of a line."""
    form = forms.load(LineForm())
    return once_in(case_id, lambda: _ANSWERS[verb](current_actor(), case_id, line_id, form))


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/<any(provide, withdraw, reopen):verb>")
@requires(Permission.RETURN_REQUEST)
@forms.refused_on(case_page)
def ask(case_id: uuid.UUID, line_id: uuid.UUID, verb: str) -> Response:
    """What the buyer says of a line."""
    form = forms.load(LineForm())
    return once_in(case_id, lambda: _ASKS[verb](current_actor(), case_id, line_id, form))


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/appeal")
@requires(Permission.RETURN_READ)
@forms.refused_on(case_page)
def appeal(case_id: uuid.UUID, line_id: uuid.UUID) -> Response:
    """Do not accept what was said."""
    said = _said(forms.load(LineForm()))
    return once_in(case_id, lambda: actions.appeal(current_actor(), case_id, line_id, said))


@routes.post("/returns/<uuid:case_id>/appeals/<uuid:appeal_id>/reply")
@requires(Permission.RETURN_READ)
@forms.refused_on(case_page)
def reply(case_id: uuid.UUID, appeal_id: uuid.UUID) -> Response:
    """Say something to an appeal of the other side."""
    said = _said(forms.load(LineForm()))
    return once_in(case_id, lambda: actions.reply(current_actor(), case_id, appeal_id, said))


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/rule")
@requires(Permission.RETURN_SETTLE)
@forms.refused_on(case_page)
def rule(case_id: uuid.UUID, line_id: uuid.UUID) -> Response:
    """Rule upon an appeal, and settle what it decides."""
    form, actor = forms.load(RuleForm()), current_actor()
    shares = [
        {"fault": fault.value, "percent": percent}
        for fault in FAULTS
        if (percent := forms.whole(f"share-{fault.value}", 100))
    ]
    wanted: dict[str, Any] = {
        "outcome": form["outcome"],
        "ruling": _said(form),
        "goods": form["goods"],
        "by": form["by"] if len(shares) > 1 else "units",
        "shares": sorted(shares, key=lambda share: -share["percent"]),
    }

    def effect() -> None:
        found = actions.rule(actor, case_id, line_id, wanted)
        if found.line(line_id).state.value == "decided":
            actions.settle_found(actor, found, [line_id])

    return once_in(case_id, effect)


@routes.post("/returns/<uuid:case_id>/parcels")
@requires(Permission.RETURN_READ)
@forms.refused_on(case_page)
def announce(case_id: uuid.UUID) -> Response:
    """Goods leave the buyer."""
    form = forms.load(ParcelForm())
    lines = [{"line_id": one, "quantity": n} for one, n in forms.some_quantities("sent", "Say what is sent.").items()]
    wanted = form | {"lines": lines, "label_cost_minor": typed.minor(case_id, form["label_cost"], "label_cost") or 0}
    return once_in(case_id, lambda: actions.announce(current_actor(), case_id, wanted))


@routes.post("/returns/<uuid:case_id>/parcels/<uuid:parcel_id>/<any(receive, lose):verb>")
@requires(Permission.RETURN_ANSWER)
@forms.refused_on(case_page)
def tell_of_parcel(case_id: uuid.UUID, parcel_id: uuid.UUID, verb: str) -> Response:
    """A parcel arrived, with what is said of it, or was lost."""
    if verb == "lose":
        return once_in(case_id, lambda: actions.lose_parcel(current_actor(), case_id, parcel_id))
    received = forms.quantities("received")
    if not received:
        raise ValidationError("Say what has arrived: 0 where nothing has.")
    return once_in(case_id, lambda: actions.receive_parcel(current_actor(), case_id, parcel_id, received))


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/evidence")
@requires(Permission.RETURN_READ)
@forms.refused_on(case_page)
def add_evidence(case_id: uuid.UUID, line_id: uuid.UUID) -> Response:
    """Add a file to a line."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise ValidationError({"file": "Choose a file."})
    note, limit = forms.load(LineForm())["note"], current_app.extensions["kontor_settings"].max_evidence_bytes
    with storage.kept(file.stream, limit) as stored, transaction():
        actions.add_evidence(current_actor(), case_id, line_id, stored, file.filename, note)
    return forms.done("The file was added.", url_for(".case", case_id=case_id))


@routes.url_value_preprocessor
def allow_uploads(endpoint: str | None, _values: Any) -> None:
    """Before anything reads the form: evidence may be larger than other forms."""
    if endpoint == "returns_pages.add_evidence":
        request.max_content_length = current_app.extensions["kontor_settings"].max_evidence_bytes + 100_000


@routes.get("/returns/<uuid:case_id>/evidence/<uuid:evidence_id>")
@requires(Permission.RETURN_READ)
def evidence(case_id: uuid.UUID, evidence_id: uuid.UUID) -> FileResponse:
    """A file, to be saved."""
    return served(current_actor(), case_id, evidence_id)


@routes.get("/returns/<uuid:case_id>/decisions/<int:number>.pdf")
@requires(Permission.RETURN_READ)
def decision_pdf(case_id: uuid.UUID, number: int) -> FileResponse:
    """A decision on paper, to be saved."""
    return decision_served(current_actor(), case_id, number)


@routes.post("/returns/<uuid:case_id>/<any(close, reopen):verb>")
@requires(Permission.RETURN_SETTLE)
@forms.refused_on(case_page)
def end(case_id: uuid.UUID, verb: str) -> Response:
    """Close a case, or take it up again."""
    action = actions.close if verb == "close" else actions.reopen_case
    return once_in(case_id, lambda: action(current_actor(), case_id))


def once_in(case_id: uuid.UUID, act: Callable[[], object]) -> Response:
    """Act once for the form's key, and lead back to the case."""

    def effect() -> str:
        act()
        return url_for("returns_pages.case", case_id=case_id)

    return forms.once(effect)


def _said(form: dict[str, Any], name: str = "note", otherwise: str = "Say why.") -> Any:
    if not form[name]:
        raise ValidationError({name: otherwise})
    return form[name]


def _one_of(kind: Any, text: str) -> str:
    if text not in {member.value for member in kind}:
        raise ValidationError({"reason": "Choose a reason."})
    return text


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as failure:
        raise ValidationError({"discovered": "A day such as 2026-11-24."}) from failure
