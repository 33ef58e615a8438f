"""The whole set that serves in production, on this machine: web server, payment provider, dispatcher, workers."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import _common as bench
from _common import Stage, WebServer

from marketplace.kernel import outbox, queue
from marketplace.kernel.db import db
from marketplace.kernel.up import WEBHOOK_PATH, WORKERS
from settlements.gateway.sandbox import launcher

_TICK = os.sysconf("SC_CLK_TCK")
_PROGRAMS = {
    "settlements.gateway.sandbox": "payment provider",
    "gunicorn": "web",
    "dispatcher": "dispatcher",
    "worker --queue short": "worker",
    "worker": "worker of long jobs",
    "postgres": "PostgreSQL",
    "valkey": "Valkey",
    "redis": "Valkey",
}
# What an operator subscribes to: each payment and refund by its own events, not by those of its charge as well.
SUBSCRIBED = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "refund.created",
    "refund.updated",
    "refund.failed",
]
HOOK_SECRET = "whsec_only_for_benchmarks"


@dataclass
class Whole:
    """Everything that runs; `web` only where it was asked for."""

    on: Stage
    sandbox: launcher.Running
    web: WebServer | None

    def waiting(self) -> dict[str, int]:
        """What is not done yet: events not handled, jobs, web hooks not delivered."""
        with self.on.app.app_context():
            backlog, queues = outbox.backlog(), queue.figures()
            db.session.rollback()
        found = {"events": backlog["waiting"] + backlog["under_way"]}
        found["jobs"] = sum(row["waiting"] + row["running"] for row in queues.values())
        found["web hooks"] = int(self.sandbox.state()["deliveries"])
        return {name: count for name, count in found.items() if count}

    def drain(self, within_s: float = 60.0) -> float:
        """Seconds until nothing waits any more. Ends the program where that takes too long."""
        began = time.perf_counter()
        while waiting := self.waiting():
            if time.perf_counter() - began > within_s:
                raise SystemExit(f"after {within_s:.0f} s there still wait: {waiting}")
            time.sleep(0.1)
        return time.perf_counter() - began


@contextmanager
def whole_set(*, web: bool = True, workers: int = 2, threads: int = 4) -> Iterator[Whole]:
    """Start it all, and end it all. The provider's web hooks reach the web server where there is one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(bench.tempfile.TemporaryDirectory(prefix="kontor-bench-sandbox-")))
        sandbox = launcher.start(folder, webhook_secret=HOOK_SECRET)
        stack.callback(sandbox.stop)
        on = stack.enter_context(
            bench.stage(stripe_api_key=sandbox.api_key, stripe_api_base=sandbox.url, stripe_webhook_secret=HOOK_SECRET)
        )
        served = stack.enter_context(bench.web_server(on, workers=workers, threads=threads)) if web else None
        if served:
            host, port = served.address
            sandbox.script(webhooks={"url": f"http://{host}:{port}{WEBHOOK_PATH}", "events": SUBSCRIBED})
        for command in WORKERS.values():
            stack.enter_context(bench.flask_process(on, *command))
        yield Whole(on, sandbox, served)


def cpu_seconds() -> Counter[str]:
    """Processor time of this process and of all it has started, by program."""
    parents, spent = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                command = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            spent[int(entry.name)] = (command, (int(fields[11]) + int(fields[12])) / _TICK)
    own = os.getpid()
    found: Counter[str] = Counter()
    for pid, (command, seconds) in spent.items():
        above = pid
        while above not in (own, 0, 1):
            above = parents.get(above, 0)
        if above == own:
            name = "callers" if pid == own else _program(command)
            found[name] += seconds
    return found


def _program(command: str) -> str:
    return next((name for word, name in _PROGRAMS.items() if word in command), "other")
