"""Disputes take their money, and a fee, when they open; evidence is heard until it is due; winning brings it back."""

from settlements.gateway.sandbox import charges
from settlements.gateway.sandbox.errors import invalid
from settlements.gateway.sandbox.parameters import PUBLISHED
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World, checked_metadata

_DAY = 86_400
_OPEN = ("needs_response", "warning_needs_response")
_DECIDED = ("won", "lost", "warning_closed", "prevented")
_TEXT_AT_MOST = 150_000
_FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
_OUTCOMES = ("won", "lost", "warning_closed", "prevented", "needs_response")


def open_dispute(world: World, wanted: Record) -> Record:
    """By script: {"charge", "amount", "status": "needs_response", "fee": 2000, "reason", "due_s": nine days}."""
    call = Call("", {})
    charge = world.load(call, "charge", wanted["charge"], "charge")
    status = wanted.get("status", "needs_response")
    left = charge["amount_captured"] - (charge["amount_refunded"] - (charge["amount"] - charge["amount_captured"]))
    amount = wanted.get("amount", left)
    if status not in _OPEN or not 1 <= amount <= left or not charge["captured"]:
        raise invalid(f"The charge {charge['id']} has {left} left to be disputed.", param="amount")
    dispute = world.store.add(
        "",
        "dispute",
        {
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(PUBLISHED["shapes"]["DisputeUpdateParamsEvidence"]),
            "evidence_details": {
                "due_by": world.store.now() + int(wanted.get("due_s", 9 * _DAY)),
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": status.startswith("warning"),
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "case_type": "chargeback"}},
            "reason": wanted.get("reason", "fraudulent"),
            "status": status,
        },
    )
    charge["disputed"] = True
    world.store.save(charge)
    world.announce(call, "charge.dispute.created", dispute)
    if status == "needs_response":
        _withdraw(world, call, dispute, int(wanted.get("fee", world.store.setting("dispute_fee", 2000))))
    world.store.save(dispute)
    return dispute


def _withdraw(world: World, call: Call, dispute: Record, fee: int) -> None:
    _move(world, call, dispute, -dispute["amount"], fee, "dispute")
    world.announce(call, "charge.dispute.funds_withdrawn", dispute)


def _move(world: World, call: Call, dispute: Record, amount: int, fee: int, category: str) -> None:
    moved = charges.book(
        world,
        call,
        source=dispute,
        kind="adjustment",
        category=category,
        amount=amount,
        fee=fee,
        available_on=world.store.now(),
    )
    dispute["balance_transactions"] = [moved, *dispute["balance_transactions"]]


def open_later(world: World, call: Call, charge_id: str) -> None:
    """For the card whose every payment is disputed."""
    if not world.store.labelled(call.account, "dispute", "charge", charge_id):
        open_dispute(world, {"charge": charge_id})


def holds(world: World, charge: Record) -> bool:
    """Does a chargeback keep this charge from being refunded?"""
    if not charge["disputed"]:
        return False
    known = world.store.labelled("", "dispute", "charge", charge["id"])
    return not known or any(row["status"] in ("needs_response", "under_review", "lost") for row in known)


def update(world: World, call: Call, dispute_id: str) -> Record:
    dispute = world.load(call, "dispute", dispute_id)
    _check_open(world, dispute)
    given = call.params
    evidence = given.get("evidence", {})
    for name in _FILES:
        if evidence.get(name):
            world.load(call, "file", evidence[name], f"evidence[{name}]")
    kept = dispute["evidence"] | {name: value or None for name, value in evidence.items()}
    texts = (value for name, value in kept.items() if name not in _FILES and isinstance(value, str))
    if sum(map(len, texts)) > _TEXT_AT_MOST:
        raise invalid(f"The evidence's text may have {_TEXT_AT_MOST} characters at most.", param="evidence")
    details = dispute["evidence_details"]
    details["has_evidence"] = any(kept.values())
    dispute.update(evidence=kept, metadata=dispute["metadata"] | checked_metadata(given))
    if given.get("submit", True):
        details["submission_count"] += 1
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
    world.store.save(dispute)
    world.announce(call, "charge.dispute.updated", dispute)
    return dispute


def _check_open(world: World, dispute: Record) -> None:
    if dispute["status"] not in _OPEN or dispute["evidence_details"]["due_by"] < world.store.now():
        raise invalid(
            f"This dispute is {dispute['status']}; evidence and acceptance are no longer possible.",
            code="dispute_not_open",
        )


def close(world: World, call: Call, dispute_id: str) -> Record:
    dispute = world.load(call, "dispute", dispute_id)
    _check_open(world, dispute)
    lost = "warning_closed" if dispute["status"].startswith("warning") else "lost"
    return _decide(world, call, dispute, lost)


def decide(world: World, wanted: Record) -> str:
    """By script: {"dispute", "to": "won", "lost", "warning_closed", "prevented" or (an enquiry) "needs_response"}."""
    call = Call("", {})
    dispute = world.load(call, "dispute", wanted["dispute"], "dispute")
    warned = dispute["status"].startswith("warning")
    fits = wanted["to"] in (("warning_closed", "prevented", "needs_response") if warned else ("won", "lost"))
    if dispute["status"] in _DECIDED or wanted["to"] not in _OUTCOMES or not fits:
        raise invalid(f"A dispute that is {dispute['status']} cannot become {wanted['to']}.", param="to")
    return str(_decide(world, call, dispute, wanted["to"], wanted.get("fee"))["status"])


def _decide(world: World, call: Call, dispute: Record, status: str, fee: int | None = None) -> Record:
    dispute["status"] = status
    if status == "needs_response":
        dispute["is_charge_refundable"] = False
        world.announce(call, "charge.dispute.updated", dispute)
        _withdraw(world, call, dispute, int(world.store.setting("dispute_fee", 2000) if fee is None else fee))
    if status == "won":
        _move(world, call, dispute, dispute["amount"], 0, "dispute_reversal")
        world.announce(call, "charge.dispute.funds_reinstated", dispute)
    if status in _DECIDED:
        world.announce(call, "charge.dispute.closed", dispute)
    world.store.save(dispute)
    return dispute


def refresh(dispute: Record, now: int) -> None:
    """What only time changes."""
    details = dispute["evidence_details"]
    details["past_due"] = details["due_by"] < now and dispute["status"] in _OPEN
