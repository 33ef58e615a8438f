"""What the lines of a statement are called: by the kind of their postings and by whose favour they are in."""

from settlements.ledger.chart import AccountKind, PostingKind

A, K = AccountKind, PostingKind

# Each kind: its line in the vendor's favour, and the one at his charge.
_NAMES: dict[PostingKind, tuple[str, str]] = {
    K.GOODS: ("sale_of_goods", "refund_of_goods"),
    K.VENDOR_DISCOUNT: ("vendor_discount_given_back", "vendor_discount"),
    K.MARKET_DISCOUNT: ("marketplace_discount", "marketplace_discount_given_back"),
    K.TAX: ("vat_collected", "refund_of_vat"),
    K.DELIVERY: ("delivery", "refund_of_delivery"),
    K.RESTOCKING_FEE: ("restocking_fee", "restocking_fee_given_back"),
    K.COMMISSION: ("commission_credit", "commission"),
    K.COMMISSION_TAX: ("commission_vat_credit", "commission_vat"),
    K.COMPENSATION: ("compensation", "compensation_taken_back"),
    K.CHARGE: ("charge_received", "charge"),
    K.LABEL: ("return_label_credit", "return_label"),
    K.FEE: ("fee_credit", "fee"),
    K.CHARGEBACK: ("chargeback_won", "chargeback"),
    K.CHARGEBACK_FEE: ("chargeback_fee_credit", "chargeback_fee"),
    K.RESERVE_HELD: ("reserve_held", "reserve_held"),
    K.RESERVE_RELEASED: ("reserve_released", "reserve_released"),
    K.RESERVE_MINIMUM: ("reserve_minimum", "reserve_minimum"),
    K.ADJUSTMENT: ("adjustment", "adjustment"),
    K.TRANSFER: ("transfer", "transfer"),
    K.TRANSFER_REFUSED: ("transfer_refused", "transfer_refused"),
    K.TRANSFER_REVERSED: ("transfer_reversed", "transfer_reversed"),
    K.RECLASSIFIED: ("debt_claimed", "debt_netted"),
    K.WRITE_OFF: ("write_off", "write_off"),
}
_WORDS = {
    "sale_of_goods": "Goods sold",
    "refund_of_goods": "Goods refunded",
    "vendor_discount": "Your discounts",
    "vendor_discount_given_back": "Your discounts, taken back with refunds",
    "marketplace_discount": "Marketplace discounts, reimbursed",
    "marketplace_discount_given_back": "Marketplace discounts, taken back with refunds",
    "vat_collected": "VAT collected",
    "refund_of_vat": "VAT refunded",
    "delivery": "Delivery",
    "refund_of_delivery": "Delivery refunded",
    "commission": "Commission",
    "commission_credit": "Commission credited",
    "commission_vat": "VAT on commission",
    "commission_vat_credit": "VAT on commission credited",
    "reserve_held": "Reserve held back",
    "reserve_released": "Reserve released",
    "reserve_minimum": "Minimum reserve",
    "debt_claimed": "Debt, claimed from you",
    "debt_netted": "Debt, netted with what was due",
    "transfer": "Paid out",
    "transfer_refused": "Payout refused",
    "transfer_reversed": "Payout taken back",
}
ACCOUNTS = {
    A.VENDOR_PAYABLE.value: "Payable",
    A.VENDOR_RESERVE.value: "Reserve",
    A.TRANSFER_IN_TRANSIT.value: "On its way to you",
}


def line_of(kind: str, *, in_favour: bool) -> str:
    """The name of a line: `commission`, `refund_of_goods`."""
    names = _NAMES.get(PostingKind(kind))
    if names is None:
        return kind
    return names[0] if in_favour else names[1]


def words_of(line: str, reason: str = "") -> str:
    """How people read it; `reason`: of what was booked by hand."""
    words = _WORDS.get(line, line.replace("_", " ").capitalize())
    return f"{words}: {reason}" if reason else words
