"""Settlement runs and their payouts while worker, Valkey or PostgreSQL are killed: nobody is paid twice or forgotten.

Run alone: python benchmarks/settlement_kills.py [kills [vendors [hurry]]]. The last line is one JSON object. `hurry` is
for tests: what a queue has lost is handed out again at once, not after the minutes that the sweeps wait.
"""

import os
import random
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import _common as bench
import _market as market
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy import TextClause, text
from sqlalchemy.exc import OperationalError

import wsgi
from marketplace.kernel import clock, local, outbox, queue
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.children import Program
from marketplace.kernel.db import db, transaction
from marketplace.kernel.settings import Settings
from marketplace.kernel.up import WORKERS
from settlements.gateway.connect import AccountRequest
from settlements.gateway.sandbox import launcher
from settlements.gateway.stripe_gateway import StripeGateway
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line
from settlements.provider_accounts import actions as accounts
from settlements.runs import actions as runs
from settlements.runs import jobs as run_jobs
from settlements.runs.refusals import NothingToSettle

A, K = AccountKind, PostingKind
KILLS, VENDORS = 21, 120
HOOK_SECRET = "whsec_only_for_benchmarks"
EUR = "EUR"
LEFT_ALONE_S = 720.0  # how long everything may take to come right by itself after the last kill
QUIET_ROUNDS = 3  # runs to the end without a kill, for what earlier ones left below the minimum or held
STEPS_PER_VENDOR = 6  # of one run: collected, closed, ordered, sent, made, paid
STANDS_STILL_S = 25.0  # work that waits this long for the last victim to come back is killed again
VICTIMS = ("worker-short", "worker-long", "valkey", "postgres")


@dataclass
class Set:
    """Everything that runs. The provider is never killed, the others are started again as `flask up` would."""

    folder: Path
    environment: dict[str, str]
    app: Flask
    sandbox: launcher.Running
    gateway: StripeGateway
    postgres: local.Server
    valkey: local.Server
    programs: dict[str, Program] = field(default_factory=dict)
    vendors: dict[uuid.UUID, str] = field(default_factory=dict)  # the provider's id of each one's account
    sold: Counter[uuid.UUID] = field(default_factory=Counter)  # what fell due to each, in minor units
    killed: Counter[str] = field(default_factory=Counter)
    hurry: bool = False
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def start(self, name: str) -> None:
        arguments = ["--app", "wsgi", *WORKERS[name]]
        if name != "dispatcher":
            arguments += ["--maintenance", "1", "--grace", "2"]
        self.programs[name] = Program.fork("flask", arguments, self.environment, self.folder / f"{name}.log")

    def look(self) -> None:
        """Start again what has ended by itself, as a worker does whose queue is away for long."""
        for name, program in list(self.programs.items()):
            if not program.lives():
                self.start(name)

    def kill(self, victim: str) -> None:
        """SIGKILL, and start it again."""
        self.killed[victim] += 1
        if victim == "postgres":
            self.postgres.kill()
            self.postgres = local.start_postgres(self.folder / "pg")
        elif victim == "valkey":
            self.valkey.kill()
            self.valkey = local.start_valkey(self.folder / "valkey")
        else:
            process = self.programs[victim].process
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            self.start(victim)


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    vendors = int(sys.argv[2]) if len(sys.argv) > 2 else VENDORS
    rng = random.Random(4)
    with everything() as whole:
        whole.hurry = "hurry" in sys.argv
        persistently(lambda: found(whole, vendors))
        began = time.perf_counter()
        rounds = under_fire(whole, rng, kills)
        fired = time.perf_counter() - began
        settled = come_right(whole)
        figures = proof(whole)
    print(
        f"{vendors} vendors, {rounds} settlement runs with their transfers in {fired:.0f} s under fire: each time after"
    )
    print("a random number of steps of a run or of its payouts a victim is killed by SIGKILL, and started again.")
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(whole.killed.items())))
    print(f"{settled:.0f} s after the last kill everything had come right by itself.")
    bench.finish({"kills": sum(whole.killed.values()), **figures, "runs": rounds, "settled_s": round(settled, 1)})


@contextmanager
def everything() -> Iterator[Set]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kontor-kills-")))
        sandbox = launcher.start(folder / "sandbox", webhook_secret=HOOK_SECRET)
        stack.callback(sandbox.stop)
        postgres, valkey = local.start_postgres(folder / "pg"), local.start_valkey(folder / "valkey")
        values = {
            "database_url": postgres.url,
            "redis_url": valkey.url,
            "secret_key": bench.SECRET,
            "var_folder": str(folder / "var"),
            "log_level": "ERROR",
            "stripe_api_key": sandbox.api_key,
            "stripe_api_base": sandbox.url,
            "stripe_webhook_secret": HOOK_SECRET,
        }
        app = wsgi.create_app(Settings(**values))
        bench._schema(app, postgres.url)
        gateway = StripeGateway(api_key=sandbox.api_key, api_base=sandbox.url)
        environment = bench.os.environ | {name.upper(): value for name, value in values.items()}
        whole = Set(folder, environment, app, sandbox, gateway, postgres, valkey)
        stack.callback(lambda: [server.kill() for server in (whole.postgres, whole.valkey)])
        stack.callback(lambda: [program.stop() for program in whole.programs.values()])
        for name in WORKERS:
            whole.start(name)
        yield whole


T = TypeVar("T")


def persistently(work: Callable[[], T], seconds: float = 60.0) -> T:
    """What a person or a program does who tries again while a server is away."""
    until = time.monotonic() + seconds
    while True:
        try:
            return work()
        except (OperationalError, RedisError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def found(whole: Set, count: int) -> None:
    """Vendors with accounts at the provider that may receive money."""
    with whole.app.app_context():
        with transaction():
            market.operator()
            members = market.vendors([f"Vendor {number}" for number in range(count)])
            rows = {member.company_id: accounts.request(member.company_id) for member in members}
        for vendor_id, row in rows.items():
            asked = AccountRequest(
                key=row.key,
                country=row.country,
                email="pay@example.test",
                company_name="Vendor",
                currency=EUR,
                metadata={"account_id": str(row.id)},
            )
            made = whole.gateway.create_account(asked).provider_id
            whole.sandbox.script(account={"id": made, "onboard": True, "payout_interval": "manual"})
            result = whole.gateway.account(made)
            with transaction():
                accounts.record(row.id, result, clock.now())
            whole.vendors[vendor_id] = made


def sell(whole: Set, rng: random.Random) -> None:
    """Something falls due to every vendor, less commission; our balance at the provider has it."""
    amounts = {vendor_id: rng.randrange(3000, 50000) for vendor_id in whole.vendors}
    source = f"sold:{uuid.uuid4()}"

    def book() -> None:
        with whole.app.app_context(), transaction():
            for vendor_id, amount in amounts.items():
                lines = [
                    Line(A.PSP_CLEARING, None, K.PAYMENT, amount, EUR),
                    Line(A.COMMISSION_REVENUE, None, K.COMMISSION, -(amount // 10), EUR),
                    Line(A.VENDOR_PAYABLE, vendor_id, K.COMMISSION, amount // 10, EUR),
                    Line(A.VENDOR_PAYABLE, vendor_id, K.GOODS, -amount, EUR),
                ]
                books.post(f"{source}:{vendor_id}", "benchmark_sold", lines)

    persistently(book)
    whole.sold.update(amounts)
    whole.sandbox.script(topup={"amount": sum(amounts.values()), "currency": "eur"})


def settle(whole: Set) -> bool:
    """Open a run of all vendors; False where nothing is to be settled."""

    def open_run() -> bool:
        with whole.app.app_context(), transaction():
            try:
                runs.open_now(SYSTEM)
            except NothingToSettle:
                return False
        return True

    return persistently(open_run)


_OPEN_WORK = text("""
SELECT (SELECT count(*) FROM settlement_run WHERE state <> 'closed')
     + (SELECT count(*) FROM statement
        WHERE state IN ('draft', 'transferring') OR (state = 'closed' AND payout_minor > 0))
     + (SELECT count(*) FROM transfer WHERE state IN ('requested', 'sent', 'unknown'))
     + (SELECT count(*) FROM transfer_reversal WHERE state IN ('requested', 'sent', 'unknown'))
""")


_STEPS = text("""
SELECT (SELECT count(*) FROM history WHERE table_name IN ('settlement_run', 'statement', 'transfer'))
     + (SELECT count(*) FROM statement WHERE collected_at IS NOT NULL)
""")


def counted(whole: Set, statement: TextClause) -> int:
    def count() -> int:
        with whole.app.app_context():
            try:
                return int(db.session.execute(statement).scalar_one())
            finally:
                db.session.rollback()

    return persistently(count)


def open_work(whole: Set) -> int:
    """Runs, statements and transfers that are not at their end."""
    return counted(whole, _OPEN_WORK)


def under_fire(whole: Set, rng: random.Random, kills: int) -> int:
    """Run after run, and a kill whenever another random number of steps was done; the number of runs."""
    rounds, until = 0, time.monotonic() + 60 + 25 * kills
    for victim in [rng.choice(VICTIMS) for _ in range(kills)]:
        after = counted(whole, _STEPS) + rng.randrange(STEPS_PER_VENDOR * len(whole.vendors))
        no_later = time.monotonic() + STANDS_STILL_S
        while time.monotonic() < min(until, no_later) and counted(whole, _STEPS) < after:
            if not open_work(whole):
                sell(whole, rng)
                settle(whole)
                rounds += 1
            whole.look()
            time.sleep(0.02)
        if not open_work(whole):
            sell(whole, rng)
            settle(whole)
            rounds += 1
        whole.kill(victim)
    return rounds


def come_right(whole: Set) -> float:
    """Seconds until nothing is open any more, all by itself; then runs without a kill for what is left."""
    began = time.monotonic()
    wait_until_quiet(whole, began + LEFT_ALONE_S)
    settled = time.monotonic() - began
    for _ in range(QUIET_ROUNDS):
        if settle(whole):
            wait_until_quiet(whole, time.monotonic() + LEFT_ALONE_S / QUIET_ROUNDS)
    return settled


def wait_until_quiet(whole: Set, until: float) -> None:
    while time.monotonic() < until and (open_work(whole) or waiting(whole)):
        whole.look()
        if whole.hurry:
            persistently(lambda: hand_out_again(whole))
        time.sleep(0.1 if whole.hurry else 0.5)


def hand_out_again(whole: Set) -> None:
    """What the sweeps do by themselves, as if their time had come."""
    with whole.app.app_context(), clock.moved(timedelta(minutes=10)):
        queue.sweep()
        run_jobs.resume()
        db.session.rollback()


def waiting(whole: Set) -> int:
    """Events that nobody has handled."""
    with whole.app.app_context():
        backlog = outbox.backlog()
        db.session.rollback()
    return int(backlog["waiting"] + backlog["under_way"])


def proof(whole: Set) -> dict[str, int]:
    """What the books say, against what the provider has: its transfers, and the balance of every account."""
    with whole.app.app_context():
        differences = books.check_books()
        for difference in differences:
            print(f"  the books do not prove: {difference}")
        expected = {vendor_id: whole.sold[vendor_id] - left_of(vendor_id) for vendor_id in whole.vendors}
        unpaid = sum(1 for vendor_id in whole.vendors if -books.balance(A.VENDOR_PAYABLE, vendor_id, EUR) >= 2500)
        clearing = books.balance(A.PSP_CLEARING, None, EUR)
        db.session.rollback()
    received = {vendor_id: whole.gateway.balance(name).total_minor(EUR) for vendor_id, name in whole.vendors.items()}
    off = abs(clearing - whole.gateway.balance().total_minor(EUR))
    off += sum(abs(expected[vendor_id] - received[vendor_id]) for vendor_id in whole.vendors)
    off += sum(abs(difference.expected_minor - difference.found_minor) for difference in differences)
    return {"paid_twice": paid_twice(whole), "forgotten": unpaid + open_work(whole), "cents_off": off}


def left_of(vendor_id: uuid.UUID) -> int:
    """What did not leave for a vendor: what is his still, and what he paid in commission and its VAT."""
    with_us = sum(-books.balance(kind, vendor_id, EUR) for kind in (A.VENDOR_PAYABLE, A.VENDOR_RESERVE))
    taken = text("""
        SELECT coalesce(sum(amount_minor), 0) FROM posting JOIN account ON account.id = account_id
        WHERE account.party = :vendor AND account.kind = 'vendor_payable' AND posting.kind LIKE 'commission%'
    """)
    return with_us + int(db.session.execute(taken, {"vendor": vendor_id}).scalar_one())


def paid_twice(whole: Set) -> int:
    """Transfers at the provider beyond the first for one row of ours."""
    until = datetime.now(UTC) + timedelta(minutes=1)
    made: Counter[str] = Counter()
    for moved in whole.gateway.balance_transactions(whole.began - timedelta(minutes=1), until):
        if moved.kind == "transfer" and moved.source_id:
            made[whole.gateway.transfer_by_id(moved.source_id).metadata.get("transfer_id", "")] += 1
    return sum(count - 1 for count in made.values())


if __name__ == "__main__":
    main()
