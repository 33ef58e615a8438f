"""Every change is an event; its web hooks outlive a killed process and come as badly as the script wants them."""

import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import urllib3

from settlements.gateway.sandbox.parameters import API_VERSION
from settlements.gateway.sandbox.store import Record, Store

DELIVERED = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.amount_capturable_updated",
    "charge.succeeded",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "account.updated",
    "account.external_account.updated",
    "transfer.created",
    "transfer.reversed",
    "payout.created",
    "payout.updated",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "balance.available",
)
HOOK_SETTINGS: dict[str, tuple[type, ...]] = {
    "url": (str,),
    "secret": (str,),
    "events": (list,),  # which names are sent; DELIVERED when null
    "copies": (int,),  # how often each is sent
    "delay_s": (int, float),
    "jitter_s": (int, float),  # at most so much later, by chance
    "wrong_signature": (bool,),  # one more copy, signed by somebody else
    "stale": (bool,),  # one more copy, signed an hour ago
    "hold": (bool,),  # none is sent until it is released
    "retry_s": (int, float),  # the first pause after a refusal; it doubles
}

_NEVER = 1e18
_LAST_ATTEMPT = 15
_PARALLEL = 4
_RIGHT, _WRONG, _STALE = "right", "wrong", "stale"
_STAGGER_S = 0.03  # between released deliveries, so that the order asked for is the order of arrival


def signature(secret: str, payload: str, at: int) -> str:
    """The header of one web hook: an HMAC over time and body, as the provider publishes it."""
    mac = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Events:
    """Records events with their deliveries, and sends what is due from a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = threading.Event()
        self._stopped = False
        self._planned = False
        self._sending: set[int] = set()
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="hooks")
        self._http = urllib3.PoolManager(maxsize=_PARALLEL, retries=False, timeout=urllib3.Timeout(connect=2, read=10))

    def start(self, act: Callable[[Record], None]) -> None:
        """`act` does what was scheduled."""
        threading.Thread(target=self._run, args=(act,), name="events", daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def record(self, account: str, name: str, subject: Record, request_id: str, key: str | None) -> None:
        event = self._store.add(
            account,
            "event",
            {
                "api_version": API_VERSION,
                "data": {"object": subject},
                "pending_webhooks": 1,
                "request": {"id": request_id or None, "idempotency_key": key},
                "type": name,
            }
            | ({"account": account} if account else {}),
        )
        if self._store.setting("webhook_url") and name in (self._store.setting("webhook_events") or DELIVERED):
            self._plan(event["id"])

    def _plan(self, event_id: str) -> None:
        hook = self._store.setting
        due = time.time() + (hook("webhook_delay_s") or 0) + random.random() * (hook("webhook_jitter_s") or 0)  # noqa: S311
        if hook("webhook_hold"):
            due = _NEVER
        signed = [_RIGHT] * (hook("webhook_copies") or 1)
        signed += [_WRONG] if hook("webhook_wrong_signature") else []
        signed += [_STALE] if hook("webhook_stale") else []
        self._planned = True
        for kind in signed:
            self._store.run(
                "INSERT INTO deliveries (due, event, signed, attempts) VALUES (?, ?, ?, 0)", (due, event_id, kind)
            )

    def schedule(self, deed: Record) -> None:
        due = time.time() + float(self._store.setting("later_s", 1.0))
        self._planned = True
        self._store.run("INSERT INTO later (due, body) VALUES (?, ?)", (due, json.dumps(deed)))

    def release(self, order: str) -> int:
        """Sends what was held, `in_order`, `reversed` or `shuffled`; how many."""
        held = [row[0] for row in self._store.rows("SELECT id FROM deliveries WHERE due = ? ORDER BY id", (_NEVER,))]
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            random.shuffle(held)
        self._planned = True
        now = time.time()
        for place, delivery_id in enumerate(held):
            self._store.run(
                "UPDATE deliveries SET due = ?, attempts = 0 WHERE id = ?", (now + place * _STAGGER_S, delivery_id)
            )
        return len(held)

    def delivered(self, event_id: str) -> bool:
        """False while a web hook of the event is still owed."""
        owed = "SELECT 1 FROM deliveries WHERE event = ? AND signed = ? LIMIT 1"
        return not self._store.rows(owed, (event_id, _RIGHT))

    def wake(self) -> None:
        """After the transaction that planned something, so that the thread finds it."""
        if self._planned:
            self._planned = False
            self._wake.set()

    def _run(self, act: Callable[[Record], None]) -> None:
        while not self._stopped:
            self._wake.clear()
            self._act_on_due(act)
            self._send_due()
            self._wake.wait(self._pause())

    def _pause(self) -> float:
        """Until the next is due; a delivery that ends wakes the thread by itself."""
        if len(self._sending) >= _PARALLEL:
            return 60
        ((hook, deed),) = self._store.rows(
            f"SELECT (SELECT MIN(due) FROM deliveries WHERE id NOT IN ({self._under_way()})),"  # noqa: S608  numbers
            " (SELECT MIN(due) FROM later)"
        )
        return min(max(min(hook or _NEVER, deed or _NEVER) - time.time(), 0.001), 60)

    def _under_way(self) -> str:
        return ",".join(str(delivery_id) for delivery_id in list(self._sending)) or "0"

    def _act_on_due(self, act: Callable[[Record], None]) -> None:
        for deed_id, body in self._store.rows("SELECT id, body FROM later WHERE due <= ? ORDER BY due", (time.time(),)):
            with self._store.writing():
                act(json.loads(body))
                self._store.run("DELETE FROM later WHERE id = ?", (deed_id,))

    def _send_due(self) -> None:
        free = _PARALLEL - len(self._sending)
        if free <= 0:
            return
        due = self._store.rows(
            "SELECT d.id, d.signed, d.attempts, o.body FROM deliveries d JOIN objects o ON o.id = d.event"  # noqa: S608
            f" WHERE d.due <= ? AND d.id NOT IN ({self._under_way()}) ORDER BY d.due, d.id LIMIT {free}",
            (time.time(),),
        )
        for delivery_id, signed, attempts, body in due:
            self._sending.add(delivery_id)
            self._pool.submit(self._deliver, delivery_id, signed, attempts, body)

    def _deliver(self, delivery_id: int, signed: str, attempts: int, body: str) -> None:
        try:
            if self._post(signed, body) or signed != _RIGHT:
                self._store.run("DELETE FROM deliveries WHERE id = ?", (delivery_id,))
            else:
                self._postpone(delivery_id, attempts)
        finally:
            self._sending.discard(delivery_id)
            self._wake.set()

    def _postpone(self, delivery_id: int, attempts: int) -> None:
        pause = min(float(self._store.setting("webhook_retry_s") or 0.5) * 2**attempts, 60)
        due = time.time() + pause if attempts < _LAST_ATTEMPT else _NEVER
        self._store.run("UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE id = ?", (due, delivery_id))

    def _post(self, signed: str, body: str) -> bool:
        url = self._store.setting("webhook_url")
        if not url:
            return False
        secret = self._store.setting("webhook_secret") or ""
        at = int(time.time()) - (3600 if signed == _STALE else 0)
        header = signature("whsec_someone_else" if signed == _WRONG else secret, body, at)
        try:
            answer = self._http.request(
                "POST",
                url,
                body=body.encode(),
                headers={"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header},
                redirect=False,
            )
        except urllib3.exceptions.HTTPError:
            return False
        return 200 <= answer.status < 300
