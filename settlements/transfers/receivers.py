"""Whether, and where, a vendor can be paid: asked before anything is ordered, and again before it is sent."""

import uuid

from marketplace.kernel import clock
from marketplace.kernel.access import Permission
from marketplace.notifications.actions import notify
from settlements.provider_accounts import actions as accounts
from settlements.provider_accounts import queries
from settlements.transfers.models import Transfer
from settlements.transfers.refusals import VendorCannotBePaid

READS_LETTERS = Permission.PAYOUT_READ


def account_for(vendor_id: uuid.UUID, currency: str) -> str:
    """The provider's id of the account to which this vendor is paid in this currency. Raises VendorCannotBePaid."""
    found = queries.account_of(vendor_id)
    reason = queries.why_not_payable(found, currency)
    if reason is not None or found is None or found.provider_id is None:
        reason = reason or "no_account"
        raise VendorCannotBePaid(IN_WORDS.get(reason.partition(":")[0], ""), reason=reason, vendor_id=vendor_id)
    return found.provider_id


def account_of(vendor_id: uuid.UUID) -> str | None:
    """The provider's id of the vendor's account, whether he can be paid or not."""
    found = queries.account_of(vendor_id)
    return None if found is None else found.provider_id


def blocked() -> list[tuple[uuid.UUID, str]]:
    """Vendors to whom nothing is sent, and why."""
    return [(row.vendor_id, row.blocked_reason or "") for row in queries.blocked()]


def block(vendor_id: uuid.UUID, reason: str) -> None:
    """Nothing more is sent to this vendor until an operator, or news from the provider, ends it."""
    accounts.block(vendor_id, reason)


def tell_refused(transfer: Transfer, code: str) -> None:
    """Write to the vendor that a transfer was refused and is owed as before: once a day for all of one statement."""
    source = f"{transfer.cause}:refused:{clock.now().date().isoformat()}"
    notify(transfer.vendor_id, "transfer_refused", source, {"reason": code.replace("_", " ")}, to=READS_LETTERS)


IN_WORDS = {
    "no_account": "The vendor has no account at the payment provider.",
    "blocked": "Transfers to this vendor are blocked.",
    "transfers_inactive": "The payment provider does not let this vendor receive transfers.",
    "payouts_paused": "The payment provider pays nothing out to this vendor: his bank account is closed or not known.",
    "currency_not_receivable": "The vendor's bank account does not take this currency.",
}
