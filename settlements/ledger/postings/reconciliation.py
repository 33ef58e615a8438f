"""What a person books of the provider's balance after looking at it."""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line, without_zeros

A, K = AccountKind, PostingKind
KINDS = {A.BANK: K.PAYOUT, A.PSP_FEES: K.FEE, A.PSP_DISPUTE_FEES: K.CHARGEBACK_FEE, A.ROUNDING: K.ROUNDING}


class Lacking(NamedTuple):
    """What psp_clearing and the provider's fees lack in one currency; below zero: have too much."""

    clearing_minor: int
    fee_minor: int


def settled(lacking: Mapping[str, Lacking], account: AccountKind, party: uuid.UUID | None = None) -> list[Line]:
    """psp_clearing and psp_fees become what the provider says, against one other account (rows 14, 15)."""
    kind = KINDS.get(account, K.ADJUSTMENT)
    return without_zeros(
        [
            line
            for currency, sums in sorted(lacking.items())
            for line in (
                Line(A.PSP_CLEARING, None, kind, sums.clearing_minor, currency),
                Line(A.PSP_FEES, None, K.FEE, sums.fee_minor, currency),
                Line(account, party, kind, -sums.clearing_minor - sums.fee_minor, currency),
            )
        ]
    )
