"""The chart of accounts: what each kind of account is, whose it is, and which balance it may never have.

Balances are debit less credit, in minor units. A guarded account decides something (who may be paid, what is still to
be sent), so its balance is kept under a row lock; the others are only ever summed, so that sales do not queue for them.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class AccountType(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    REVENUE = "revenue"
    EXPENSE = "expense"


class Party(StrEnum):
    """Whose an account is: nobody's (the marketplace's own), a vendor's, or that of one order."""

    OWN = "own"
    VENDOR = "vendor"
    ORDER = "order"


class AccountKind(StrEnum):
    PSP_CLEARING = "psp_clearing"
    BANK = "bank"
    BUYER_CLAWBACK = "buyer_clawback"
    PROMO_DEFERRED = "promo_deferred"
    COMMISSION_DEFERRED = "commission_deferred"
    SHIPPING_DEFERRED = "shipping_deferred"
    TAX_DEFERRED = "tax_deferred"
    VENDOR_PENDING = "vendor_pending"
    REFUNDS_PAYABLE = "refunds_payable"
    PSP_FEES = "psp_fees"
    OPERATOR_LOSS = "operator_loss"


class PostingKind(StrEnum):
    """Why a posting is there; a vendor's statement is the sum of his postings by this."""

    GOODS = "goods"
    VENDOR_DISCOUNT = "vendor_discount"
    MARKET_DISCOUNT = "market_discount"
    TAX = "tax"
    DELIVERY = "delivery"
    RESTOCKING_FEE = "restocking_fee"
    COMMISSION = "commission"
    COMPENSATION = "compensation"
    CHARGE = "charge"
    PAYMENT = "payment"
    FEE = "fee"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    DEFICIT = "deficit"


class Side(StrEnum):
    """On which side of zero a balance must stay."""

    ANY = "any"
    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every account of one kind. `side`: a guarded account's balance may not pass zero to the other."""

    type: AccountType
    party: Party = Party.OWN
    guarded: bool = False
    side: Side = Side.ANY

    def allows(self, balance_minor: int) -> bool:
        """May an account of this kind have this balance?"""
        if self.side is Side.ANY or balance_minor == 0:
            return True
        return (balance_minor > 0) == (self.side is Side.DEBIT)


A, T = AccountKind, AccountType
CHART: dict[AccountKind, Rules] = {
    A.PSP_CLEARING: Rules(T.ASSET),
    A.BANK: Rules(T.ASSET),
    A.BUYER_CLAWBACK: Rules(T.ASSET, Party.ORDER, guarded=True, side=Side.DEBIT),
    A.PROMO_DEFERRED: Rules(T.ASSET),
    A.COMMISSION_DEFERRED: Rules(T.LIABILITY),
    A.SHIPPING_DEFERRED: Rules(T.LIABILITY),
    A.TAX_DEFERRED: Rules(T.LIABILITY),
    A.VENDOR_PENDING: Rules(T.LIABILITY, Party.VENDOR, guarded=True),
    A.REFUNDS_PAYABLE: Rules(T.LIABILITY, Party.ORDER, guarded=True, side=Side.CREDIT),
    A.PSP_FEES: Rules(T.EXPENSE),
    A.OPERATOR_LOSS: Rules(T.EXPENSE),
}
CASH = (A.PSP_CLEARING, A.PSP_FEES, A.BANK)  # what a buyer's money turns into when it arrives
_NAMES = uuid.UUID("6f2a1f0e-3c57-4a55-9d0b-5b1f6f8f2c11")


@lru_cache(maxsize=8192)
def account_id(kind: AccountKind, party: uuid.UUID | None, currency: str) -> uuid.UUID:
    """The id of an account, the same in every process: it needs no looking up."""
    if (CHART[kind].party is Party.OWN) != (party is None):
        raise ValueError(f"{kind} belongs to {CHART[kind].party}")
    return uuid.uuid5(_NAMES, f"{kind.value}:{party or ''}:{currency}")
