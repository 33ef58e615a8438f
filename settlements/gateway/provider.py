"""The payment provider of this app, behind its port."""

from flask import Flask, current_app

from marketplace.kernel.errors import Upstream
from marketplace.kernel.settings import Settings
from settlements.gateway.port import PaymentGateway
from settlements.gateway.stripe_gateway import StripeGateway


class PaymentsNotConfigured(Upstream):
    """No payment provider is set up here."""

    message = "No payment provider is set up here, so nothing can be paid. Nothing was changed."


def init_app(app: Flask, settings: Settings, gateway: PaymentGateway | None = None) -> None:
    """Use `gateway`, or the one that the settings describe; without either, payments are refused."""
    app.extensions["kontor_gateway"] = gateway or _configured(settings)


def _configured(settings: Settings) -> PaymentGateway | None:
    if not settings.stripe_api_key:
        return None
    return StripeGateway(
        api_key=settings.stripe_api_key,
        webhook_secret=settings.stripe_webhook_secret or None,
        api_base=settings.stripe_api_base or None,
    )


def provider() -> PaymentGateway:
    """The provider. Raises PaymentsNotConfigured."""
    gateway: PaymentGateway | None = current_app.extensions["kontor_gateway"]
    if gateway is None:
        raise PaymentsNotConfigured
    return gateway
