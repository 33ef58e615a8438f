"""What leaves for a vendor, what of it comes back, and what he owes until it is paid or written off."""

import uuid

from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line

A, K = AccountKind, PostingKind


def _moved(
    debit: AccountKind, credit: AccountKind, kind: PostingKind, vendor_id: uuid.UUID, amount_minor: int, currency: str
) -> list[Line]:
    own = (A.PSP_CLEARING, A.OPERATOR_LOSS, A.BAD_DEBT_VENDORS)
    return [
        Line(debit, None if debit in own else vendor_id, kind, amount_minor, currency),
        Line(credit, None if credit in own else vendor_id, kind, -amount_minor, currency),
    ]


def transfer_ordered(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """Row 3: what is due to him is on its way, its outcome not known."""
    return _moved(A.VENDOR_PAYABLE, A.TRANSFER_IN_TRANSIT, K.TRANSFER, vendor_id, amount_minor, currency)


def transfer_made(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """Row 3a: it left our balance for his account at the provider."""
    return _moved(A.TRANSFER_IN_TRANSIT, A.PSP_CLEARING, K.TRANSFER, vendor_id, amount_minor, currency)


def transfer_refused(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """Row 3c: refused, or taken back before it was sent; due as before."""
    return _moved(A.TRANSFER_IN_TRANSIT, A.VENDOR_PAYABLE, K.TRANSFER_REFUSED, vendor_id, amount_minor, currency)


def transfer_reversed(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """Row 5c: part of a transfer came back to our balance."""
    return _moved(A.PSP_CLEARING, A.VENDOR_PAYABLE, K.TRANSFER_REVERSED, vendor_id, amount_minor, currency)


def reserve_used(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """Row 5: his reserve pays what he owes."""
    return _moved(A.VENDOR_RESERVE, A.VENDOR_PAYABLE, K.RESERVE_RELEASED, vendor_id, amount_minor, currency)


def debt_claimed(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """Row 5d: what he owes is claimed from him; a negative amount nets it with what is due to him again."""
    return _moved(A.VENDOR_RECEIVABLE, A.VENDOR_PAYABLE, K.RECLASSIFIED, vendor_id, amount_minor, currency)


def debt_written_off(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """Row 5e: he will not pay it."""
    return _moved(A.BAD_DEBT_VENDORS, A.VENDOR_RECEIVABLE, K.WRITE_OFF, vendor_id, amount_minor, currency)


def adjusted(vendor_id: uuid.UUID, amount_minor: int, currency: str) -> list[Line]:
    """By hand, and by two people: above zero the marketplace gives it to him, below zero he pays it."""
    return _moved(A.OPERATOR_LOSS, A.VENDOR_PAYABLE, K.ADJUSTMENT, vendor_id, amount_minor, currency)
