"""An approved vendor gets an account at the provider: asked for with his approval, made after it."""

from collections.abc import Sequence

from settlements.gateway.provider import PaymentsNotConfigured
from settlements.provider_accounts import actions, jobs
from settlements.provider_accounts.events import ProviderAccountRequested
from vendors.onboarding.events import VendorApproved


def request_account(events: Sequence[VendorApproved]) -> None:
    """Inside: the vendor's account is asked for with his approval."""
    for event in events:
        actions.request(event.vendor_id)


def open_requested(events: Sequence[ProviderAccountRequested]) -> None:
    """Outside: what is asked for twice is made once, as its key is the same."""
    for event in events:
        try:
            jobs.open_account(event.account_id)
        except PaymentsNotConfigured:
            return  # the sweep comes back to it when one is set up
