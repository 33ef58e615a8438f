"""A large library that few processes use is loaded when it is used first, so that the others are lighter and start
sooner. For libraries alone: what our own files import is seen by everybody at their head."""

import importlib
import importlib.util
from typing import Any


class _Library:
    """Stands for a module until somebody looks into it. Two threads that look at once wait for one load: the loader of
    the standard library shows the second a module that is half there."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, attribute: str) -> Any:
        found = self.__dict__[attribute] = getattr(importlib.import_module(self._name), attribute)
        return found


def lazily(name: str) -> Any:
    """The module `name`, which runs at the first look into it. Raises ModuleNotFoundError where it is not installed."""
    if importlib.util.find_spec(name) is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _Library(name)
