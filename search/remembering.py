"""What every search needs and few change is read now and then, by each process for itself."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app

T = TypeVar("T")


def init_app(app: Flask) -> None:
    app.extensions["kontor_search_remembered"] = {}  # name: (when it was read, what)


def remembered(name: str, read: Callable[[], T], seconds: float) -> T:
    """What `read` gave less than so many seconds ago, in this process."""
    held = _all().get(name)
    if held is None or time.monotonic() - held[0] > seconds:
        held = _all()[name] = (time.monotonic(), read())
    value: T = held[1]
    return value


def forget(name: str) -> None:
    """It has changed: this process reads it at once, others in their time."""
    _all().pop(name, None)


def _all() -> dict[str, tuple[float, Any]]:
    held: dict[str, tuple[float, Any]] = current_app.extensions["kontor_search_remembered"]
    return held
