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
    """Whose an account is: nobody's (the marketplace's own), a vendor's, a buying company's, or that of one order."""

    OWN = "own"
    VENDOR = "vendor"
    BUYER = "buyer"
    ORDER = "order"


class AccountKind(StrEnum):
    PSP_CLEARING = "psp_clearing"
    BANK = "bank"
    BUYER_RECEIVABLE = "buyer_receivable"
    BUYER_CLAWBACK = "buyer_clawback"
    DISPUTES_IN_PROCESS = "disputes_in_process"
    CARRIER_CLAIMS = "carrier_claims"
    VENDOR_RECEIVABLE = "vendor_receivable"
    PROMO_DEFERRED = "promo_deferred"
    COMMISSION_DEFERRED = "commission_deferred"
    SHIPPING_DEFERRED = "shipping_deferred"
    TAX_DEFERRED = "tax_deferred"
    VENDOR_PENDING = "vendor_pending"
    VENDOR_EARNED = "vendor_earned"
    VENDOR_PAYABLE = "vendor_payable"
    VENDOR_RESERVE = "vendor_reserve"
    TRANSFER_IN_TRANSIT = "transfer_in_transit"
    REFUNDS_PAYABLE = "refunds_payable"
    BUYER_CREDIT = "buyer_credit"
    UNMATCHED_RECEIPTS = "unmatched_receipts"  # money at the bank that is assigned to nothing yet
    TAX_PAYABLE = "tax_payable"
    COMMISSION_REVENUE = "commission_revenue"
    SHIPPING_REVENUE = "shipping_revenue"
    LATE_FEE_REVENUE = "late_fee_revenue"
    PROMO_EXPENSE = "promo_expense"
    PSP_FEES = "psp_fees"
    PSP_DISPUTE_FEES = "psp_dispute_fees"
    OPERATOR_LOSS = "operator_loss"
    CHARGEBACK_LOSS = "chargeback_loss"
    BAD_DEBT_VENDORS = "bad_debt_vendors"
    BAD_DEBT_BUYERS = "bad_debt_buyers"
    ROUNDING = "rounding"


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
    COMMISSION_TAX = "commission_tax"
    LABEL = "label"
    EARNED = "earned"
    DUE = "due"
    RESERVE_HELD = "reserve_held"
    RESERVE_RELEASED = "reserve_released"
    RESERVE_MINIMUM = "reserve_minimum"
    TRANSFER = "transfer"
    TRANSFER_REFUSED = "transfer_refused"
    TRANSFER_REVERSED = "transfer_reversed"
    ADJUSTMENT = "adjustment"
    CHARGEBACK = "chargeback"
    CHARGEBACK_FEE = "chargeback_fee"
    INVOICE = "invoice"
    LATE_FEE = "late_fee"
    WRITE_OFF = "write_off"
    RECLASSIFIED = "reclassified"
    PAYOUT = "payout"
    ROUNDING = "rounding"


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
    A.BUYER_RECEIVABLE: Rules(T.ASSET, Party.BUYER, guarded=True),
    A.BUYER_CLAWBACK: Rules(T.ASSET, Party.ORDER, guarded=True, side=Side.DEBIT),
    A.DISPUTES_IN_PROCESS: Rules(T.ASSET, Party.ORDER, guarded=True, side=Side.DEBIT),
    A.CARRIER_CLAIMS: Rules(T.ASSET),
    A.VENDOR_RECEIVABLE: Rules(T.ASSET, Party.VENDOR, guarded=True, side=Side.DEBIT),
    A.PROMO_DEFERRED: Rules(T.ASSET),
    A.COMMISSION_DEFERRED: Rules(T.LIABILITY),
    A.SHIPPING_DEFERRED: Rules(T.LIABILITY),
    A.TAX_DEFERRED: Rules(T.LIABILITY),
    A.VENDOR_PENDING: Rules(T.LIABILITY, Party.VENDOR, guarded=True),
    A.VENDOR_EARNED: Rules(T.LIABILITY, Party.VENDOR, guarded=True),
    A.VENDOR_PAYABLE: Rules(T.LIABILITY, Party.VENDOR, guarded=True),
    A.VENDOR_RESERVE: Rules(T.LIABILITY, Party.VENDOR, guarded=True, side=Side.CREDIT),
    A.TRANSFER_IN_TRANSIT: Rules(T.LIABILITY, Party.VENDOR, guarded=True, side=Side.CREDIT),
    A.REFUNDS_PAYABLE: Rules(T.LIABILITY, Party.ORDER, guarded=True, side=Side.CREDIT),
    A.BUYER_CREDIT: Rules(T.LIABILITY, Party.BUYER, guarded=True, side=Side.CREDIT),
    A.UNMATCHED_RECEIPTS: Rules(T.LIABILITY),
    A.TAX_PAYABLE: Rules(T.LIABILITY),
    A.COMMISSION_REVENUE: Rules(T.REVENUE),
    A.SHIPPING_REVENUE: Rules(T.REVENUE),
    A.LATE_FEE_REVENUE: Rules(T.REVENUE),
    A.PROMO_EXPENSE: Rules(T.EXPENSE),
    A.PSP_FEES: Rules(T.EXPENSE),
    A.PSP_DISPUTE_FEES: Rules(T.EXPENSE),
    A.OPERATOR_LOSS: Rules(T.EXPENSE),
    A.CHARGEBACK_LOSS: Rules(T.EXPENSE),
    A.BAD_DEBT_VENDORS: Rules(T.EXPENSE),
    A.BAD_DEBT_BUYERS: Rules(T.EXPENSE),
    A.ROUNDING: Rules(T.EXPENSE),
}
CASH = (A.PSP_CLEARING, A.PSP_FEES, A.BANK)  # what a buyer's money turns into when it arrives
ASSIGNED = (A.UNMATCHED_RECEIPTS, A.BUYER_CREDIT)  # what arrived before it was known to be an order's
OWING = (A.BUYER_CLAWBACK, A.BUYER_RECEIVABLE, A.BAD_DEBT_BUYERS)  # what an order owes beyond what was paid for it
_NAMES = uuid.UUID("6f2a1f0e-3c57-4a55-9d0b-5b1f6f8f2c11")


@lru_cache(maxsize=8192)
def account_id(kind: AccountKind, party: uuid.UUID | None, currency: str) -> uuid.UUID:
    """The id of an account, the same in every process: it needs no looking up."""
    if (CHART[kind].party is Party.OWN) != (party is None):
        raise ValueError(f"{kind} belongs to {CHART[kind].party}")
    return uuid.uuid5(_NAMES, f"{kind.value}:{party or ''}:{currency}")
