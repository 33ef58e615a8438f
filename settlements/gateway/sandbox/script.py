"""The sandbox misbehaves exactly as it was told to, and as often; nobody but its own machine can tell it."""

import fnmatch
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, redirect, request

from settlements.gateway.sandbox import accounts, charges, disputes, payments, payouts, planting, refunds
from settlements.gateway.sandbox.errors import ApiError, invalid
from settlements.gateway.sandbox.events import HOOK_SETTINGS
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World

_ERRORS: dict[str, tuple[int, str, str, str | None]] = {
    "rate_limit": (429, "invalid_request_error", "Too many requests hit the API too quickly.", "rate_limit"),
    "lock_timeout": (
        429,
        "invalid_request_error",
        "This object cannot be accessed right now because another API request is currently accessing it.",
        "lock_timeout",
    ),
    "conflict": (409, "invalid_request_error", "Another request changes this object right now.", "lock_timeout"),
    "in_use": (
        409,
        "idempotency_error",
        "There is currently another in-progress request using this key.",
        "idempotency_key_in_use",
    ),
    "insufficient_funds": (
        400,
        "invalid_request_error",
        "You have insufficient funds in your balance for this transaction.",
        "balance_insufficient",
    ),
    "error": (500, "api_error", "An unknown error occurred.", None),
    "timeout": (503, "api_error", "The request took too long.", None),
}
_NOT_BEGUN = ("rate_limit", "lock_timeout", "conflict", "in_use")
_SETTINGS = (
    "later_s", "settle_s", "search_delay_s", "fee_per_ten_thousand", "fee_fixed", "dispute_fee", "payouts_wait",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A fault that hits one request. `effect`: the request is carried out all the same."""

    kind: str
    effect: bool
    seconds: float

    @property
    def executes(self) -> bool:
        """False: the request never begins, and its key stays unused."""
        return self.kind not in _NOT_BEGUN and (self.kind != "timeout" or self.effect)

    @property
    def takes_effect(self) -> bool:
        return self.effect

    @property
    def answers_error(self) -> bool:
        return self.kind != "timeout"

    @property
    def error(self) -> ApiError:
        status, kind, message, code = _ERRORS[self.kind]
        return ApiError(status, kind, message, stored=self.executes, code=code)


def add_routes(app: Flask, world: World) -> None:
    @app.post("/_script")
    def run_script() -> Response:
        with world.store.writing():
            done = _run(world, request.get_json())
        world.events.wake()
        return _told(done)

    @app.post("/_reset")
    def reset() -> Response:
        world.store.reset()
        return _told({"reset": True})

    @app.get("/_setup/<token>")
    def setup(token: str) -> Response:
        page = accounts.setup_page(world, token)
        return Response(page or "This link is used or too old.", 200 if page else 404, mimetype="text/html")

    @app.post("/_setup/<token>")
    def set_up(token: str) -> Any:
        with world.store.writing():
            onward = accounts.finish_setup(world, token)
        world.events.wake()
        return redirect(onward) if onward else Response("This link is used or too old.", 404)

    @app.get("/_state")
    def state() -> Response:
        counted = dict(world.store.rows("SELECT kind, COUNT(*) FROM objects GROUP BY kind"))
        owed = world.store.rows("SELECT COUNT(*) FROM deliveries")[0][0]
        faults = world.store.rows("SELECT COALESCE(SUM(left), 0) FROM faults")[0][0]
        return _told({"objects": counted, "deliveries": owed, "faults": faults})

    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> tuple[Response, int]:
        return _told(error.body), error.status

    @app.errorhandler(KeyError)
    @app.errorhandler(TypeError)
    @app.errorhandler(ValueError)
    def misread(error: Exception) -> tuple[Response, int]:
        if not request.path.startswith("/_"):
            raise error
        return _told(invalid(f"The script cannot be read: {error!r}").body), 400


def _told(body: Any) -> Response:
    return Response(json.dumps(body), mimetype="application/json")


def _run(world: World, wanted: Any) -> Record:
    if not isinstance(wanted, dict):
        raise invalid("A script is an object.")
    for name in wanted:
        if name not in _verbs():
            raise invalid(f"Unknown script: {name}; known: {', '.join(_verbs())}", param=name)
        if name in _SETTINGS and (not isinstance(wanted[name], int | float) or wanted[name] < 0):
            raise invalid(f"Invalid {name}: {wanted[name]!r}", param=name)
    done: Record = {}
    for name, value in wanted.items():
        if name in _SETTINGS:
            world.store.set_setting(name, value)
        else:
            done[name] = _DEEDS[name](world, value)
    return done


def set_hooks(world: World, wanted: Record) -> Record:
    """Where web hooks go and how they come; see HOOK_SETTINGS."""
    for name, value in wanted.items():
        if name not in HOOK_SETTINGS:
            raise invalid(f"Unknown setting: {name}; known: {', '.join(HOOK_SETTINGS)}", param=name)
        if value is not None and not isinstance(value, HOOK_SETTINGS[name]):
            raise invalid(f"Invalid {name}: {value!r}", param=name)
    if not wanted.get("secret", world.store.setting("webhook_secret")):
        raise invalid("Web hooks need a secret.", param="secret")
    for name, value in wanted.items():
        world.store.set_setting(f"webhook_{name}", value)
    return {name: world.store.setting(f"webhook_{name}") for name in HOOK_SETTINGS if name != "secret"}


def _add_fault(world: World, wanted: Record) -> int:
    """{"kind", "path": "/v1/refunds*", "method": "POST", "times": 1, "effect": false, "seconds": 0}; its number."""
    if wanted.get("kind") not in _ERRORS or set(wanted) - {"kind", "path", "method", "times", "effect", "seconds"}:
        raise invalid(f"A fault needs a kind of {', '.join(_ERRORS)}, and a path.", param="fault")
    world.store.run("INSERT INTO faults (left, body) VALUES (?, ?)", (int(wanted.get("times", 1)), json.dumps(wanted)))
    return int(world.store.rows("SELECT MAX(id) FROM faults")[0][0])


def take_fault(world: World, verb: str, path: str) -> Fault | None:
    """The oldest fault waiting for such a request; it is used up by this one."""
    if not world.store.rows("SELECT 1 FROM faults WHERE left > 0 LIMIT 1"):
        return None
    with world.store.writing():
        for fault_id, body in world.store.rows("SELECT id, body FROM faults WHERE left > 0 ORDER BY id"):
            wanted = json.loads(body)
            if wanted.get("method", verb) == verb and fnmatch.fnmatchcase(path, wanted.get("path", "*")):
                world.store.run("UPDATE faults SET left = left - 1 WHERE id = ?", (fault_id,))
                return Fault(wanted["kind"], bool(wanted.get("effect")), float(wanted.get("seconds", 0)))
    return None


def _authenticate(world: World, wanted: Record) -> str:
    """{"payment_intent", "succeed": true, "account": ""}; the status it led to."""
    call = Call(wanted.get("account", ""), {})
    return str(payments.authenticate(world, call, wanted["payment_intent"], wanted.get("succeed", True))["status"])


def _dispute(world: World, wanted: Any) -> str:
    return str(disputes.open_dispute(world, {"charge": wanted} if isinstance(wanted, str) else wanted)["id"])


def _fail_refund(world: World, refund_id: str) -> bool:
    refunds.fail(world, Call("", {}), refund_id)
    return True


def _account(world: World, wanted: Any) -> str:
    return str(accounts.change(world, {"id": wanted} if isinstance(wanted, str) else wanted)["id"])


def _advance(world: World, seconds: int) -> int:
    before = world.store.now()
    world.store.set_setting("clock_offset", int(world.store.setting("clock_offset", 0)) + int(seconds))
    now = world.store.now()
    became = "SELECT DISTINCT account FROM moneys WHERE available_on > ? AND available_on <= ?"
    for (account,) in world.store.rows(became, (before, now)):
        world.announce_for(account, "balance.available", charges.retrieve_balance(world, Call(account, {})))
    return now


def _run_payouts(world: World, wanted: Any) -> list[str]:
    return payouts.run_automatic(world, wanted if isinstance(wanted, str) else None)


_DEEDS: dict[str, Callable[[World, Any], Any]] = {
    "fault": _add_fault,
    "webhooks": set_hooks,
    "release": lambda world, order: world.events.release(order),
    "authenticate": _authenticate,
    "dispute": _dispute,
    "fail_refund": _fail_refund,
    "account": _account,
    "advance_s": _advance,
    "decide_dispute": disputes.decide,
    "payout": payouts.move,
    "run_payouts": _run_payouts,
    "topup": planting.top_up,
    "movement": planting.move,
    "rewrite": planting.rewrite,
    "forget": planting.forget,
}
_LATER: dict[str, Callable[[World, Call, str], None]] = {
    "settle": payments.settle,
    "fails_later": refunds.fail,
    "pends_then_succeeds": refunds.finish,
    "pay_out": payouts.go_on,
    "dispute": disputes.open_later,
}


def _verbs() -> tuple[str, ...]:
    return (*_DEEDS, *_SETTINGS)


def do_later(world: World, deed: Record) -> None:
    """What was scheduled; what a reset took away meanwhile is left alone."""
    if world.store.rows("SELECT 1 FROM objects WHERE id = ?", (deed["id"],)):
        _LATER[deed["action"]](world, Call(deed["account"], {}), deed["id"])
