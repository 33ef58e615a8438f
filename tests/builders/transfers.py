"""Vendors who can be paid, and money that is due to them; inside a transaction of the caller."""

import uuid

from marketplace.kernel import clock
from settlements.gateway.connect import AccountRequest
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line
from settlements.provider_accounts import actions as accounts

A, K = AccountKind, PostingKind


def an_account(gateway, vendor, *, currencies=("EUR",), sandbox=None):
    """An account of this vendor's company at the provider that may receive transfers; the provider's id of it.

    `sandbox`: the process behind the gateway, where it is not one in memory.
    """
    row = accounts.request(vendor.id)
    asked = AccountRequest(
        key=row.key,
        country=vendor.country,
        email="pay@example.test",
        company_name=vendor.name,
        currency=currencies[0],
        metadata={"account_id": str(row.id)},
    )
    made = gateway.create_account(asked)
    if sandbox is None:
        gateway.onboard(made.provider_id, currencies=currencies)
    else:
        sandbox.script(account={"id": made.provider_id, "onboard": True})
    accounts.record(row.id, gateway.account(made.provider_id), clock.now())
    return made.provider_id


def due(vendor_id, amount_minor, *, gateway=None, currency="EUR", order_id=None):
    """Something is due to the vendor; with a gateway, our balance there has the money for it."""
    lines = [
        Line(A.PSP_CLEARING, None, K.PAYMENT, amount_minor, currency),
        Line(A.VENDOR_PAYABLE, vendor_id, K.GOODS, -amount_minor, currency, order_id),
    ]
    books.post(f"test:{uuid.uuid4()}", "test_due", lines)
    if gateway is not None:
        gateway.top_up(amount_minor, currency)


def taken_off(vendor_id, amount_minor, *, currency="EUR"):
    """Something went back that the vendor had been due: the buyer's refund is none of his business."""
    lines = [
        Line(A.VENDOR_PAYABLE, vendor_id, K.GOODS, amount_minor, currency),
        Line(A.OPERATOR_LOSS, None, K.COMPENSATION, -amount_minor, currency),
    ]
    books.post(f"test:{uuid.uuid4()}", "test_taken_off", lines)


def held_back(vendor_id, amount_minor, *, currency="EUR"):
    """Part of what is due goes to the reserve."""
    lines = [
        Line(A.VENDOR_PAYABLE, vendor_id, K.RESERVE_HELD, amount_minor, currency),
        Line(A.VENDOR_RESERVE, vendor_id, K.RESERVE_HELD, -amount_minor, currency),
    ]
    books.post(f"test:{uuid.uuid4()}", "test_held_back", lines)


def standing(vendor_id, currency="EUR"):
    """{"payable": 100, ...}: what is on the vendor's accounts, in his favour above zero; empty ones left out."""
    kinds = {
        "payable": A.VENDOR_PAYABLE,
        "reserve": A.VENDOR_RESERVE,
        "in_transit": A.TRANSFER_IN_TRANSIT,
        "claimed": A.VENDOR_RECEIVABLE,
    }
    found = {name: -books.balance(kind, vendor_id, currency) for name, kind in kinds.items()}
    return {name: minor for name, minor in found.items() if minor}
