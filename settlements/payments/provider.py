"""The payment provider, where the rooms of payments look for it."""

from settlements.gateway.provider import PaymentsNotConfigured, init_app, provider

__all__ = ["PaymentsNotConfigured", "init_app", "provider"]
