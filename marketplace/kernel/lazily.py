"""A large library that few processes use is loaded when it is used first, so that the others are lighter and start
sooner. For libraries alone: what our own files import is seen by everybody at their head."""

import importlib.util
import sys
from types import ModuleType


def lazily(name: str) -> ModuleType:
    """The module `name`, which runs at the first look into it. Raises ModuleNotFoundError where it is not installed."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
