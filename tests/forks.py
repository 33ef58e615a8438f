"""Programs that a test runs beside itself, as forks: they need not import again what the tests have imported."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from marketplace.kernel.children import Fork, Program

Beside = Fork | subprocess.Popen[bytes]


def fork(code: str, *arguments: str, log: Path, **environment: str) -> Beside:
    """A process of its own that does what `python -c code arguments` would; what it says is in `log`.

    A fork has none of the threads of this process. A library that has started some, as typst does with its first
    document, waits in a fork for ever: then the program is started anew.
    """
    log.touch()
    given, env = [code, *arguments], os.environ | environment
    if has_threads_of_libraries():
        return Program.start([sys.executable, "-m", "tests.forked", *given], env, log).process
    made = Fork("tests.forked", given, env, log)
    gc.unfreeze()
    return made


def _unknown_threads() -> int:
    """Threads of which Python's own module does not know."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) - threading.active_count() if tasks.is_dir() else 1


_OF_PYTEST = _unknown_threads()


def has_threads_of_libraries() -> bool:
    return not sys.platform.startswith("linux") or _unknown_threads() > _OF_PYTEST


def fork_module(name: str, *arguments: str, log: Path, **environment: str) -> Beside:
    """The same for `python -m name arguments`."""
    code = f"import runpy; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    return fork(code, *arguments, log=log, **environment)


def kill(process: Beside) -> None:
    """As the kernel would when there is no memory left."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()


def has_said(process: Beside, log: Path, text: str) -> bool:
    """Whether it says this before it ends."""
    while text not in log.read_text():
        if process.poll() is not None:
            return text in log.read_text()
        time.sleep(0.005)
    return True
