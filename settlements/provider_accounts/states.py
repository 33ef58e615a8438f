"""An account is asked for once, and is open from the provider's first word about it."""

from enum import StrEnum


class AccountState(StrEnum):
    REQUESTED = "requested"
    OPEN = "open"
    REFUSED = "refused"  # the provider makes none for this company; `trouble` says why


class AccountVerb(StrEnum):
    OPEN = "open"
    REFUSE = "refuse"
    ASK_AGAIN = "ask_again"


S, V = AccountState, AccountVerb
ACCOUNT_STATES: dict[tuple[AccountState, AccountVerb], AccountState] = {
    (S.REQUESTED, V.OPEN): S.OPEN,
    (S.OPEN, V.OPEN): S.OPEN,
    (S.REFUSED, V.OPEN): S.OPEN,
    (S.REQUESTED, V.REFUSE): S.REFUSED,
    (S.REFUSED, V.ASK_AGAIN): S.REQUESTED,
}
