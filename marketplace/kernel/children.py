"""Children that are kept alive and ended together: whoever dies is started again, and none outlives its starter."""

import ctypes
import gc
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import click

from marketplace.kernel.local import dies_with_parent

STOP_WITHIN_S = 15.0
SETTLED_AFTER_S = 60.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
PR_SET_PDEATHSIG = 1


class Child(Protocol):
    """Anything that runs beside us."""

    def lives(self) -> bool: ...
    def stop(self) -> None: ...


Some = TypeVar("Some", bound=Child)


class Fork:
    """A fork of this process that runs a Python module as `python -m` would, as a Popen to whoever keeps it.

    What this process has imported need not be imported again, and stays in memory once. It gets its signal when the
    thread that started it ends, however it ends.
    """

    def __init__(self, module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.returncode: int | None = None
        gc.freeze()  # else the first look for garbage writes to all that is shared
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _become(parent, module, arguments, env, log)

    def poll(self) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("fork", timeout or 0)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode


def end_with(parent: int) -> None:
    """In a fork: get SIGTERM, and obey it, when the parent's thread that forked ends, however it ends."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # where there is one
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def _become(parent: int, module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> NoReturn:
    """In the fork: leave all that is the starter's behind, run the module, and end without running his endings."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        end_with(parent)
        _speak_into(log)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _speak_into(log: Path) -> None:
    with open(os.devnull, "rb") as nothing, log.open("ab") as out:
        for number, file in ((0, nothing), (1, out), (2, out)):
            os.dup2(file.fileno(), number)
    # New ones: the starter's may hold what he has not said yet, or lead elsewhere.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))


@dataclass
class Program:
    """A child process in a session of its own, so that a Ctrl-C reaches only us and its whole group can be ended."""

    process: subprocess.Popen[bytes] | Fork

    @classmethod
    def fork(cls, module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> "Program":
        """What `start` of `python -m module` would do, at once: see Fork."""
        return cls(Fork(module, arguments, env, log))

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
