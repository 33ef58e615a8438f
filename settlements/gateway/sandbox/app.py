"""Every request passes the same gates: key, account, scripted fault, replay, parameters; then it acts, once."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Response, request

from settlements.gateway.sandbox import (
    accounts,
    charges,
    disputes,
    files,
    listing,
    payments,
    payouts,
    refunds,
    script,
    transfers,
)
from settlements.gateway.sandbox.errors import ApiError, invalid, missing, unauthenticated
from settlements.gateway.sandbox.events import Events
from settlements.gateway.sandbox.methods import describe, method
from settlements.gateway.sandbox.parameters import API_VERSION, check
from settlements.gateway.sandbox.store import Record, Store, as_json
from settlements.gateway.sandbox.world import Call, World

Handler = Callable[..., Record]


def _retrieve(kind: str) -> Handler:
    return lambda world, call, object_id: world.load(call, kind, object_id)


def _list(kind: str) -> Handler:
    return lambda world, call: listing.page(world, call, kind, f"/v1/{kind}s")


def _list_reversals(world: World, call: Call, transfer_id: str) -> Record:
    world.load(call, "transfer", transfer_id)
    within = replace(call, params=call.params | {"transfer": transfer_id})
    return listing.page(world, within, "transfer_reversal", f"/v1/transfers/{transfer_id}/reversals")


def _retrieve_reversal(world: World, call: Call, transfer_id: str, reversal_id: str) -> Record:
    found = world.load(call, "transfer_reversal", reversal_id)
    if found["transfer"] != transfer_id:
        raise missing("transfer_reversal", reversal_id)
    return found


def _retrieve_method(world: World, call: Call, method_id: str) -> Record:
    return describe(method(method_id), world.store.now())


ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/v1/payment_intents", "payment_intent.create", payments.create),
    ("GET", "/v1/payment_intents", "payment_intent.list", _list("payment_intent")),
    ("GET", "/v1/payment_intents/search", "payment_intent.search", payments.search),
    ("GET", "/v1/payment_intents/<id>", "payment_intent.retrieve", _retrieve("payment_intent")),
    ("POST", "/v1/payment_intents/<id>/confirm", "payment_intent.confirm", payments.confirm),
    ("POST", "/v1/payment_intents/<id>/capture", "payment_intent.capture", payments.capture),
    ("POST", "/v1/payment_intents/<id>/cancel", "payment_intent.cancel", payments.cancel),
    ("GET", "/v1/payment_methods/<id>", "payment_method.retrieve", _retrieve_method),
    ("GET", "/v1/charges", "charge.list", _list("charge")),
    ("GET", "/v1/charges/<id>", "charge.retrieve", _retrieve("charge")),
    ("POST", "/v1/refunds", "refund.create", refunds.create),
    ("GET", "/v1/refunds", "refund.list", _list("refund")),
    ("GET", "/v1/refunds/<id>", "refund.retrieve", _retrieve("refund")),
    ("POST", "/v1/refunds/<id>/cancel", "refund.cancel", refunds.cancel),
    ("GET", "/v1/balance", "balance.retrieve", charges.retrieve_balance),
    ("GET", "/v1/balance_transactions", "balance_transaction.list", _list("balance_transaction")),
    ("GET", "/v1/balance_transactions/<id>", "balance_transaction.retrieve", _retrieve("balance_transaction")),
    ("GET", "/v1/events", "event.list", _list("event")),
    ("GET", "/v1/events/<id>", "event.retrieve", _retrieve("event")),
    ("POST", "/v1/accounts", "account.create", accounts.create),
    ("GET", "/v1/accounts", "account.list", _list("account")),
    ("GET", "/v1/accounts/<id>", "account.retrieve", accounts.retrieve),
    ("POST", "/v1/account_links", "account_link.create", accounts.create_link),
    ("POST", "/v1/transfers", "transfer.create", transfers.create),
    ("GET", "/v1/transfers", "transfer.list", _list("transfer")),
    ("GET", "/v1/transfers/<id>", "transfer.retrieve", _retrieve("transfer")),
    ("POST", "/v1/transfers/<id>/reversals", "transfer_reversal.create", transfers.reverse),
    ("GET", "/v1/transfers/<id>/reversals", "transfer_reversal.list", _list_reversals),
    ("GET", "/v1/transfers/<id>/reversals/<part>", "transfer_reversal.retrieve", _retrieve_reversal),
    ("POST", "/v1/payouts", "payout.create", payouts.create),
    ("GET", "/v1/payouts", "payout.list", _list("payout")),
    ("GET", "/v1/payouts/<id>", "payout.retrieve", _retrieve("payout")),
    ("POST", "/v1/payouts/<id>/cancel", "payout.cancel", payouts.cancel),
    ("GET", "/v1/disputes", "dispute.list", _list("dispute")),
    ("GET", "/v1/disputes/<id>", "dispute.retrieve", _retrieve("dispute")),
    ("POST", "/v1/disputes/<id>", "dispute.update", disputes.update),
    ("POST", "/v1/disputes/<id>/close", "dispute.close", disputes.close),
    ("POST", "/v1/files", "file.create", files.create),
)


def create_app(db: str | Path, *, webhook_url: str | None = None, webhook_secret: str | None = None) -> Flask:
    """The sandbox on the file `db`. Web hooks need a secret; both may be set later by script."""
    app = Flask(__name__, static_folder=None)
    store = Store(db)
    world = World(store, Events(store))
    hooks = {"secret": webhook_secret, "url": webhook_url}
    if any(hooks.values()):
        script.set_hooks(world, {name: value for name, value in hooks.items() if value})
    for verb, path, operation, handler in ROUTES:
        app.add_url_rule(path, f"{verb} {path}", _view(world, operation, handler), methods=[verb])
    script.add_routes(app, world)
    app.register_error_handler(404, _unrecognized)
    app.register_error_handler(405, _unrecognized)
    world.events.start(lambda deed: script.do_later(world, deed))
    app.extensions["sandbox"] = world
    return app


def _unrecognized(_: Exception) -> Response:
    return _answer(
        404,
        invalid(f"Unrecognized request URL ({request.method}: {request.path}).", status=404).body,
    )


def _view(world: World, operation: str, handler: Handler) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        try:
            return _serve(world, operation, handler, tuple(ids.values()))
        except ApiError as error:
            return _answer(error.status, error.body)
        finally:
            world.events.wake()

    return view


@dataclass(frozen=True)
class _Asked:
    """A request as it came in, before anybody believed it."""

    operation: str
    handler: Handler
    ids: tuple[str, ...]
    account: str
    encoded: str
    key: str | None

    @property
    def claim(self) -> str:
        """What a key is bound to."""
        return hashlib.sha256(f"{request.method} {request.path}?{self.encoded}".encode()).hexdigest()


def _serve(world: World, operation: str, handler: Handler, ids: tuple[str, ...]) -> Response:
    asked = _Asked(operation, handler, ids, _account(world), _encoded(), _key())
    fault = script.take_fault(world, request.method, request.path)
    if fault and not fault.executes:
        time.sleep(fault.seconds)
        raise fault.error
    with world.store.writing():
        stored = _replay(world, asked)
        if stored:
            return stored
        status, body, keep = _execute(world, asked, fault)
        if asked.key and keep:
            world.store.run(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?)",
                (asked.account, asked.key, asked.claim, status, as_json(body)),
            )
    if fault:
        time.sleep(fault.seconds)
    return _answer(status, body)


def _account(world: World) -> str:
    """Whose things are asked for: empty for the platform, else a connected account that is known."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic" and request.authorization:
        token = request.authorization.username or ""
    if not token:
        raise unauthenticated("You did not provide an API key.")
    if not token.startswith("sk_test_") or len(token) < 10:
        raise unauthenticated(f"Invalid API Key provided: {token[:8]}***")
    account = request.headers.get("Stripe-Account", "")
    if account and not accounts.known(world, account):
        raise accounts.no_access(account)
    return account


def _encoded() -> str:
    if request.method == "GET":
        return request.query_string.decode("ascii", "replace")
    if request.mimetype == "multipart/form-data" and request.path == "/v1/files":
        return files.encoded(request)
    body = request.get_data(cache=False)
    if body and request.mimetype != "application/x-www-form-urlencoded":
        raise invalid("Request's `Content-Type` must be `application/x-www-form-urlencoded`.")
    return body.decode("utf-8", "replace")


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    if key is not None and not 0 < len(key) <= 255:
        raise invalid("Idempotency keys must have between 1 and 255 characters.")
    return key


def _replay(world: World, asked: _Asked) -> Response | None:
    if asked.key is None:
        return None
    found = world.store.rows(
        "SELECT request, status, body FROM answers WHERE account = ? AND key = ?", (asked.account, asked.key)
    )
    if not found:
        return None
    first_claim, status, body = found[0]
    if first_claim != asked.claim:
        raise ApiError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
            f" using a key other than '{asked.key}' if you meant to execute a different request.",
            stored=False,
        )
    answer = _answer(status, orjson.loads(body))
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _execute(world: World, asked: _Asked, fault: script.Fault | None) -> tuple[int, Record, bool]:
    """(status, body, whether the key replays it); what is refused changes nothing, but for a decline."""
    failed: ApiError | None = None
    found: Record = {}
    try:
        with world.store.writing():
            call, paths = _checked(asked)
            if fault and not fault.takes_effect:
                raise fault.error
            try:
                found = asked.handler(world, call, *asked.ids)
            except ApiError as error:
                if not error.kept:
                    raise
                failed = error
    except ApiError as error:
        return error.status, error.body, error.stored
    failed = fault.error if fault and fault.answers_error else failed
    if failed:
        return failed.status, failed.body, True
    return 200, listing.present(world, asked.account, found, paths), True


def _checked(asked: _Asked) -> tuple[Call, list[str]]:
    params = check(asked.operation, asked.encoded)
    paths = params.pop("expand", [])
    kind, verb = asked.operation.split(".")
    listing.check_expansions(kind, paths, verb in ("list", "search"))
    return Call(asked.account, params, "req_" + secrets.token_hex(7), asked.key, request.host_url), paths


def _answer(status: int, body: Any) -> Response:
    answer = Response(as_json(body), status, mimetype="application/json")
    answer.headers["Request-Id"] = "req_" + secrets.token_hex(7)
    answer.headers["Stripe-Version"] = API_VERSION
    return answer
