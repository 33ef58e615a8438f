"""Programs that a test runs beside itself, as forks: they need not import again what the tests have imported."""

import gc
import os
import signal
import time
from pathlib import Path

from marketplace.kernel.children import Fork


def fork(code: str, *arguments: str, log: Path, **environment: str) -> Fork:
    """A process of its own that does what `python -c code arguments` would; what it says is in `log`."""
    log.touch()
    made = Fork("tests.forked", [code, *arguments], os.environ | environment, log)
    gc.unfreeze()
    return made


def fork_module(name: str, *arguments: str, log: Path, **environment: str) -> Fork:
    """The same for `python -m name arguments`."""
    code = f"import runpy; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    return fork(code, *arguments, log=log, **environment)


def kill(process: Fork) -> None:
    """As the kernel would when there is no memory left."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()


def has_said(process: Fork, log: Path, text: str) -> bool:
    """Whether it says this before it ends."""
    while text not in log.read_text():
        if process.poll() is not None:
            return text in log.read_text()
        time.sleep(0.005)
    return True
