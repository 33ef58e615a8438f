"""What a buyer has to pay as he sees it; the operator's inbox of the bank, his open items, and what he gives up."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from marshmallow import ValidationError, fields
from werkzeug.wrappers import Response

from marketplace.credit import queries as credit
from marketplace.kernel import forms
from marketplace.kernel.access import Actor, Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Text
from marketplace.kernel.money import Money
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from settlements.receivables import actions, queries, statements, views
from settlements.receivables.actions import Allocation
from settlements.receivables.models import BankTransfer, CreditMove, Receivable, WriteOff
from settlements.receivables.states import TransferState, WriteOffState

routes = pages_blueprint("receivables", __name__)
navigation = [
    NavItem("On account", "receivables_pages.account", Permission.CREDIT_READ, Side.BUYER, "Money"),
    NavItem("Bank", "receivables_pages.bank", Permission.BANK_MATCH, Side.OPERATOR, "Credit"),
    NavItem("Open items", "receivables_pages.items", Permission.BANK_MATCH, Side.OPERATOR, "Credit"),
]


class TransfersAsked(forms.ListAsked):
    state = fields.Enum(TransferState, by_value=True, load_default=TransferState.OPEN)


class ItemsAsked(forms.ListAsked):
    company_id = fields.UUID(load_default=None)
    all = fields.Boolean(load_default=False)


class NoteForm(forms.PageForm):
    note = Text(load_default="", max_length=500, allow_empty=True)


class ReasonForm(forms.PageForm):
    reason = Text(required=True, max_length=500)


class ReferenceForm(forms.PageForm):
    reference = Text(required=True, max_length=140)


@routes.get("/account")
@requires(Permission.CREDIT_READ)
def account() -> str:
    """A buyer's credit, what he has to pay by when, and what he has paid too much."""
    actor = current_actor()
    asked = forms.load(ItemsAsked(), request.args)
    found = queries.receivables(actor, open_only=not asked["all"], company_id=actor.company_id)
    page = paginate(found, asked, Receivable.id)
    assert actor.company_id is not None
    moves = paginate(queries.credit_moves(actor, actor.company_id), {"limit": 20}, CreditMove.id)
    return render_template(
        "receivables/account.html",
        standings=credit.standings(actor.company_id),
        items=[views.item(row) for row in page.items],
        next=page.next,
        all=asked["all"],
        moves=moves.items,
        kept=_kept(actor.company_id, moves.items),
    )


def _kept(company_id: uuid.UUID, moves: Any) -> dict[str, int]:
    currencies = {move.currency for move in moves}
    return {currency: actions.credit_of(company_id, currency) for currency in sorted(currencies)}


@routes.get("/operator/bank")
@requires(Permission.BANK_MATCH)
def bank() -> str:
    """What arrived at the bank, and waits to be assigned."""
    asked = forms.load(TransfersAsked(), request.args)
    page = paginate(queries.transfers(current_actor(), asked["state"]), asked, BankTransfer.id)
    rows = views.transfers(page.items)
    return render_template(
        "receivables/bank.html", transfers=rows, next=page.next, state=asked["state"], states=TransferState
    )


@routes.post("/operator/bank")
@requires(Permission.BANK_MATCH)
@forms.refused_on(bank)
def take_in() -> Response:
    """Take in a file of the bank: CSV or camt.053."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise ValidationError({"file": "Choose a file of your bank."})
    rows = statements.read(file.stream.read())
    with transaction():
        taken = actions.take_in(current_actor(), rows)
    return forms.done(f"{taken.new} new, {taken.known} known before.", url_for(".bank"))


@routes.get("/operator/bank/<uuid:transfer_id>")
@requires(Permission.BANK_MATCH)
def transfer(transfer_id: uuid.UUID) -> str:
    """One transfer with the open items that it may pay, and why."""
    row = queries.transfer(current_actor(), transfer_id)
    shown = views.transfer_with_suggestions(row)
    paid = {match.receivable_id for match in shown["matches"] if match.receivable_id}
    named = {item_id: queries.receivable(current_actor(), item_id) for item_id in paid}
    undone = {match.undoes_id for match in shown["matches"]}
    return render_template(
        "receivables/transfer.html",
        transfer=shown,
        currency=row.currency,
        named=named,
        undone=undone,
        companies=queries.companies_on_account(),
    )


def _match(actor: Actor, transfer_id: uuid.UUID) -> None:
    row = queries.transfer(actor, transfer_id)
    wanted = [Allocation(item_id, _minor(text, row.currency)) for item_id, text in forms.named_after_ids("pay").items()]
    chosen = [part for part in wanted if part.amount_minor]
    if not chosen:
        raise ValidationError("Say how much is for which invoice.")
    actions.match(actor, transfer_id, chosen, forms.load(NoteForm())["note"])


def _keep(actor: Actor, transfer_id: uuid.UUID) -> None:
    row = queries.transfer(actor, transfer_id)
    company_id = forms.load(KeepForm())["company_id"]
    actions.keep_as_credit(actor, transfer_id, company_id, row.left_minor, forms.load(NoteForm())["note"])


class KeepForm(forms.PageForm):
    company_id = fields.UUID(required=True)


def _send_back(actor: Actor, transfer_id: uuid.UUID) -> None:
    actions.send_back(actor, transfer_id, forms.load(ReferenceForm())["reference"])


_ASSIGN: dict[str, Callable[[Actor, uuid.UUID], None]] = {"match": _match, "keep": _keep, "send_back": _send_back}


@routes.post("/operator/bank/<uuid:transfer_id>/<any(match, keep, send_back):verb>")
@requires(Permission.BANK_MATCH)
@forms.refused_on(transfer)
def assign(transfer_id: uuid.UUID, verb: str) -> Response:
    """Assign a transfer to invoices, keep it for its company, or record that it was sent back."""

    def effect() -> str:
        _ASSIGN[verb](current_actor(), transfer_id)
        return url_for(".transfer", transfer_id=transfer_id)

    return forms.once(effect)


@routes.post("/operator/bank/<uuid:transfer_id>/matches/<uuid:match_id>")
@requires(Permission.BANK_MATCH)
@forms.refused_on(transfer)
def undo(transfer_id: uuid.UUID, match_id: uuid.UUID) -> Response:
    """Take an assignment back by a new entry."""
    reason = forms.load(ReasonForm())["reason"]

    def effect() -> str:
        actions.undo(current_actor(), match_id, reason)
        return url_for(".transfer", transfer_id=transfer_id)

    return forms.once(effect)


@routes.get("/operator/receivables")
@requires(Permission.BANK_MATCH)
def items() -> str:
    """What is open by company and age, what is overdue, and which claims are proposed to be given up."""
    actor = current_actor()
    asked = forms.load(ItemsAsked(), request.args)
    page = paginate(
        queries.receivables(actor, open_only=not asked["all"], company_id=asked["company_id"]), asked, Receivable.id
    )
    proposals = paginate(queries.write_offs(actor, WriteOffState.REQUESTED), {"limit": 50}, WriteOff.id).items
    return render_template(
        "receivables/items.html",
        ageing=queries.ageing(actor),
        items=[views.item(row) for row in page.items],
        next=page.next,
        all=asked["all"],
        proposals=[(row, queries.receivable(actor, row.receivable_id)) for row in proposals],
    )


@routes.get("/operator/receivables/<uuid:receivable_id>")
@requires(Permission.BANK_MATCH)
def item(receivable_id: uuid.UUID) -> str:
    """One open item: what it rose and fell by, its reminders, and what can be done about it."""
    row = queries.receivable(current_actor(), receivable_id)
    waiting = queries.write_offs(current_actor(), WriteOffState.REQUESTED).where(WriteOff.receivable_id == row.id)
    return render_template(
        "receivables/item.html",
        item=views.item_with_entries(row),
        currency=row.currency,
        credit=actions.credit_of(row.company_id, row.currency),
        proposals=paginate(waiting, {"limit": 1}, WriteOff.id).items,
    )


def _pause(actor: Actor, receivable_id: uuid.UUID) -> None:
    actions.pause(actor, receivable_id, forms.load(ReasonForm())["reason"])


def _resume(actor: Actor, receivable_id: uuid.UUID) -> None:
    actions.pause(actor, receivable_id, "")


def _set_off(actor: Actor, receivable_id: uuid.UUID) -> None:
    actions.set_off(actor, receivable_id)


def _propose(actor: Actor, receivable_id: uuid.UUID) -> None:
    actions.propose(actor, receivable_id, forms.load(ReasonForm())["reason"])


_CHANGE: dict[str, Callable[[Actor, uuid.UUID], None]] = {
    "pause": _pause,
    "resume": _resume,
    "set_off": _set_off,
    "propose": _propose,
}


@routes.post("/operator/receivables/<uuid:receivable_id>/<any(pause, resume, set_off, propose):verb>")
@requires(Permission.BANK_MATCH)
@forms.refused_on(item)
def change(receivable_id: uuid.UUID, verb: str) -> Response:
    """Stop or resume reminding, pay by the company's credit, or propose to give the claim up."""

    def effect() -> str:
        _CHANGE[verb](current_actor(), receivable_id)
        return url_for(".item", receivable_id=receivable_id)

    return forms.once(effect)


@routes.post("/operator/receivables/write-offs/<uuid:write_off_id>/<any(approve, decline):verb>")
@requires(Permission.WRITE_OFF)
@forms.refused_on(items)
def decide(write_off_id: uuid.UUID, verb: str) -> Response:
    """Another person than who proposed it decides about giving a claim up."""

    def effect() -> str:
        actions.decide(current_actor(), write_off_id, approved=verb == "approve")
        return url_for(".items")

    return forms.once(effect)


def _minor(text: str, currency: str) -> int:
    try:
        minor = Money.from_major(text.replace(",", "."), currency).minor
    except ValueError as failure:
        raise ValidationError({"amount": f"{text}: {failure}."}) from failure
    if minor < 0:
        raise ValidationError({"amount": "An amount is not below zero."})
    return minor
