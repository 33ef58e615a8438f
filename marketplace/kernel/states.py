"""A state moves only through its table: what is absent from the table is refused."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from marketplace.kernel.errors import Conflict

State = TypeVar("State", bound=StrEnum)
Verb = TypeVar("Verb", bound=StrEnum)


class IllegalMove(Conflict):
    """The verb is not possible in this state."""


def advance(table: Mapping[tuple[State, Verb], State], state: State, verb: Verb) -> State:
    """The state that `verb` leads to. Raises IllegalMove with both names and what would be possible."""
    try:
        return table[state, verb]
    except KeyError:
        possible = sorted(v.value for s, v in table if s == state)
        raise IllegalMove(
            f"'{verb.value}' is not possible while '{state.value}'.",
            state=state.value,
            verb=verb.value,
            possible=possible,
        ) from None
