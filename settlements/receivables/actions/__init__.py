"""What is done to open items and the bank's money: open, claim, match, set off, remind, give up."""

from settlements.receivables.actions.claiming import carried, claim_deficit, follow_deficit
from settlements.receivables.actions.crediting import credit_of, pay_back, set_off
from settlements.receivables.actions.dunning import add_rate, ladder, pause, remind
from settlements.receivables.actions.following import follow_step
from settlements.receivables.actions.giving_up import decide, propose
from settlements.receivables.actions.importing import Arrived, Imported, take_in
from settlements.receivables.actions.matching import (
    Allocation,
    keep_as_credit,
    match,
    match_by_reference,
    send_back,
    undo,
)
from settlements.receivables.actions.opening import NewReceivable, open_receivables

__all__ = [
    "Allocation",
    "Arrived",
    "Imported",
    "NewReceivable",
    "add_rate",
    "carried",
    "claim_deficit",
    "credit_of",
    "decide",
    "follow_deficit",
    "follow_step",
    "keep_as_credit",
    "ladder",
    "match",
    "match_by_reference",
    "open_receivables",
    "pause",
    "pay_back",
    "propose",
    "remind",
    "send_back",
    "set_off",
    "take_in",
    "undo",
]
