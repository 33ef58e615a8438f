"""What can be done to a return case: ask, answer, send, receive, decide, settle, appeal, rule."""

from marketplace.returns.actions.answering import approve, ask_evidence, decline, provide
from marketplace.returns.actions.arbitration import appeal, close, reopen_case, reply, rule
from marketplace.returns.actions.arriving import lose_parcel, not_arrived, receive, receive_parcel
from marketplace.returns.actions.deciding import decide, inspect, may_decide_again
from marketplace.returns.actions.evidence import add_evidence
from marketplace.returns.actions.opening import open_case, reopen, withdraw
from marketplace.returns.actions.replacing import (
    cannot_replace,
    lose_replacement,
    replacement_arrived,
    ship_replacement,
)
from marketplace.returns.actions.settling import Outcome, decide_and_settle, preview, settle, settle_found
from marketplace.returns.actions.time import close_ended, let_go_deficit, remind, time_is_up
from marketplace.returns.actions.travelling import announce

__all__ = [
    "Outcome",
    "add_evidence",
    "announce",
    "appeal",
    "approve",
    "ask_evidence",
    "cannot_replace",
    "close",
    "close_ended",
    "decide",
    "decide_and_settle",
    "decline",
    "inspect",
    "let_go_deficit",
    "lose_parcel",
    "lose_replacement",
    "may_decide_again",
    "not_arrived",
    "open_case",
    "preview",
    "provide",
    "receive",
    "receive_parcel",
    "remind",
    "reopen",
    "reopen_case",
    "replacement_arrived",
    "reply",
    "rule",
    "settle",
    "settle_found",
    "ship_replacement",
    "time_is_up",
    "withdraw",
]
