"""Children that are kept alive and ended together: whoever dies is started again, and none outlives its starter."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import click

from marketplace.kernel.local import dies_with_parent

STOP_WITHIN_S = 15.0
SETTLED_AFTER_S = 60.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Child(Protocol):
    """Anything that runs beside us."""

    def lives(self) -> bool: ...
    def stop(self) -> None: ...


Some = TypeVar("Some", bound=Child)


@dataclass
class Program:
    """A child process in a session of its own, so that a Ctrl-C reaches only us and its whole group can be ended."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, command: Sequence[str], env: Mapping[str, str], log: Path) -> "Program":
        with log.open("ab") as out:
            process = subprocess.Popen(  # noqa: S603
                [*dies_with_parent(signal.SIGTERM), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=dict(env),
                start_new_session=True,
            )
        return cls(process)

    def lives(self) -> bool:
        return self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.lives():
            self.process.terminate()

    def stop(self) -> None:
        self.ask_to_stop()
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Kept:
    """A child by name, with what is needed to start it again."""

    name: str
    start: Callable[[], Child]
    running: Child
    since: float = field(default_factory=time.monotonic)
    again_at: float | None = None
    pause: float = FIRST_PAUSE_S

    def look(self) -> None:
        """Start it again when it has died, after a pause that doubles while it keeps dying."""
        now = time.monotonic()
        if self.again_at is None and not self.running.lives():
            self.pause = FIRST_PAUSE_S if now - self.since > SETTLED_AFTER_S else self.pause
            self._rest(now, "ended by itself")
        elif self.again_at is not None and now >= self.again_at:
            try:
                self.running = self.start()
            except (RuntimeError, OSError) as failure:
                self._rest(now, f"did not start ({failure})")
            else:
                self.since, self.again_at = now, None

    def _rest(self, now: float, why: str) -> None:
        click.echo(f"{self.name} {why}; it is started again in {self.pause:g} s.", err=True)
        self.again_at = now + self.pause
        self.pause = min(LONGEST_PAUSE_S, self.pause * 2)


class Family:
    """All children in the order they were started; they are stopped in the opposite order."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []

    def keep(self, name: str, start: Callable[[], Some]) -> Some:
        """Start a child and keep it alive from now on."""
        child = start()
        self.kept.append(Kept(name, start, child))
        return child

    def look(self) -> None:
        for kept in self.kept:
            kept.look()

    def stop(self) -> None:
        """Programs finish side by side; the servers they use are stopped after them."""
        for kept in self.kept:
            if isinstance(kept.running, Program):
                kept.running.ask_to_stop()
        for kept in reversed(self.kept):
            kept.running.stop()
