"""The kinds of invoices, and what becomes of one once it is issued: its content never changes, its payment does."""

from enum import StrEnum


class InvoiceKind(StrEnum):
    """All but the last two are of a sale to a buyer; those are between the operator and a vendor."""

    SALES_INVOICE = "sales_invoice"
    CREDIT_NOTE = "credit_note"
    DEBIT_NOTE = "debit_note"  # a correction by which more is owed
    COMMISSION_INVOICE = "commission_invoice"
    COMMISSION_CREDIT_NOTE = "commission_credit_note"

    @property
    def credits(self) -> bool:
        """Its sums are given back, not owed."""
        return self in {InvoiceKind.CREDIT_NOTE, InvoiceKind.COMMISSION_CREDIT_NOTE}

    @property
    def of_commission(self) -> bool:
        return self in {InvoiceKind.COMMISSION_INVOICE, InvoiceKind.COMMISSION_CREDIT_NOTE}


# The letter of a kind's series: numbers are gapless per issuer and series.
SERIES = {
    InvoiceKind.SALES_INVOICE: "I",
    InvoiceKind.CREDIT_NOTE: "C",
    InvoiceKind.DEBIT_NOTE: "D",
    InvoiceKind.COMMISSION_INVOICE: "F",
    InvoiceKind.COMMISSION_CREDIT_NOTE: "G",
}


class InvoiceState(StrEnum):
    ISSUED = "issued"
    PART_PAID = "part_paid"
    PAID = "paid"
    WRITTEN_OFF = "written_off"


class InvoiceVerb(StrEnum):
    SETTLE_PART = "settle_part"
    SETTLE = "settle"
    REOPEN = "reopen"
    WRITE_OFF = "write_off"


S, V = InvoiceState, InvoiceVerb
INVOICE_STATES: dict[tuple[InvoiceState, InvoiceVerb], InvoiceState] = {
    (S.ISSUED, V.SETTLE_PART): S.PART_PAID,
    (S.PART_PAID, V.SETTLE_PART): S.PART_PAID,
    (S.ISSUED, V.SETTLE): S.PAID,
    (S.PART_PAID, V.SETTLE): S.PAID,
    (S.PAID, V.SETTLE): S.PAID,
    (S.PAID, V.REOPEN): S.ISSUED,
    (S.PART_PAID, V.REOPEN): S.ISSUED,
    (S.ISSUED, V.REOPEN): S.ISSUED,
    (S.WRITTEN_OFF, V.REOPEN): S.ISSUED,
    (S.ISSUED, V.WRITE_OFF): S.WRITTEN_OFF,
    (S.PART_PAID, V.WRITE_OFF): S.WRITTEN_OFF,
}
