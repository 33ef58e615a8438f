"""What every search needs and few change is read now and then, by each process for itself."""

import time
from collections.abc import Callable
from typing import TypeVar

from flask import current_app

T = TypeVar("T")


def remembered(name: str, read: Callable[[], T], seconds: float) -> T:
    """What `read` gave less than so many seconds ago, in this process."""
    held = current_app.extensions.get(_key(name))
    if held is None or time.monotonic() - held[0] > seconds:
        held = current_app.extensions[_key(name)] = (time.monotonic(), read())
    value: T = held[1]
    return value


def forget(name: str) -> None:
    """It has changed: this process reads it at once, others in their time."""
    current_app.extensions.pop(_key(name), None)


def _key(name: str) -> str:
    return f"kontor_search_{name}"
