"""The five refusals: every reason to say no is one of them, named as a sentence, with its facts."""

import re
from typing import Any, ClassVar


class Refusal(Exception):
    """A reason to say no, in words a caller can act on.

    `message` is the sentence shown to the caller (default: the class name in words), `pointer` the JSON pointer of the
    field at fault (`/lines/2/quantity`), `facts` JSON values that let a program react.
    """

    message: ClassVar[str] = ""

    def __init__(self, message: str = "", *, pointer: str | None = None, **facts: Any) -> None:
        self.text = message or self.message or in_words(type(self).__name__)
        self.pointer = pointer
        self.facts = facts
        super().__init__(self.text)


class NotFound(Refusal):
    """The thing does not exist, or not for this actor."""


class Forbidden(Refusal):
    """The actor sees the thing but may not do this."""


class Conflict(Refusal):
    """The request is well formed, and the state of things refuses it."""


class Invalid(Refusal):
    """The request itself is wrong; `pointer` says where."""


class Upstream(Refusal):
    """A system outside did not do its part; trying again later may help."""


def in_words(name: str) -> str:
    """`StockTooLow` -> `Stock too low`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name)
    return " ".join(words).capitalize()
