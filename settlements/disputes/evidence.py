"""What a bank can be told, by the provider's names: texts with their limits, files by what they really are."""

TEXTS = {
    "uncategorized_text": "What happened",
    "product_description": "What was sold",
    "customer_name": "Name of the buyer",
    "customer_email_address": "E-mail of the buyer",
    "billing_address": "Billing address",
    "shipping_address": "Delivery address",
    "shipping_carrier": "Carrier",
    "shipping_tracking_number": "Tracking number",
    "shipping_date": "Day of shipping",
    "service_date": "Day of service",
    "refund_policy_disclosure": "How the return policy was shown",
    "refund_refusal_explanation": "Why nothing was refunded",
    "cancellation_rebuttal": "Why it was not cancelled",
    "duplicate_charge_explanation": "Why it was not paid twice",
    "access_activity_log": "Use of the account",
}
FILES = {
    "shipping_documentation": "Proof of delivery",
    "receipt": "Invoice or receipt",
    "customer_communication": "Letters with the buyer",
    "service_documentation": "Proof of service",
    "refund_policy": "Return policy",
    "cancellation_policy": "Cancellation policy",
    "customer_signature": "Signature",
    "duplicate_charge_documentation": "Proof of two orders",
    "uncategorized_file": "Anything else",
}
LARGEST_FILE = 4_500_000
LONGEST_TEXT = 20_000
_MAGIC = ((b"%PDF-", "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def content_type_of(content: bytes) -> str | None:
    """What a file is by its first bytes, whatever its name says; None for what no bank reads."""
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
