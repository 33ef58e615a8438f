"""The published test payment methods, and what each of them does to a payment and to its refunds."""

from dataclasses import dataclass
from typing import Any

from settlements.gateway.sandbox.errors import invalid


@dataclass(frozen=True)
class Method:
    """What a payment method does: `payment` succeeds, declines, asks, or takes its time; `refund` likewise."""

    id: str
    payment: str = "succeeds"  # succeeds | declines | asks | processes | processes_then_fails
    refund: str = "succeeds"  # succeeds | fails_later | pends_then_succeeds
    type: str = "card"
    brand: str = "visa"
    last4: str = "4242"
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    available_at_once: bool = False
    disputed: bool = False


def _declining(name: str, last4: str, code: str, decline_code: str, message: str) -> Method:
    return Method(name, payment="declines", last4=last4, code=code, decline_code=decline_code, message=message)


def _declined(name: str, last4: str, decline_code: str, message: str = "Your card was declined.") -> Method:
    return _declining(name, last4, "card_declined", decline_code, message)


def _debit(name: str, payment: str, code: str | None = None) -> Method:
    message = "The customer's bank account could not be charged." if code else None
    return Method(name, payment=payment, type="sepa_debit", brand="", last4="3201", code=code, message=message)


_SHORT_OF_FUNDS = "Your card has insufficient funds."
_METHODS = {
    method.id: method
    for method in (
        Method("pm_card_visa"),
        Method("pm_card_visa_debit", last4="5556"),
        Method("pm_card_mastercard", brand="mastercard", last4="4444"),
        Method("pm_card_amex", brand="amex", last4="8431"),
        Method("pm_card_de", last4="0016"),
        Method("pm_card_bypassPending", last4="0077", available_at_once=True),
        Method("pm_card_createDispute", last4="0259", disputed=True),
        Method("pm_card_refundFail", last4="5126", refund="fails_later"),
        Method("pm_card_pendingRefund", last4="7726", refund="pends_then_succeeds"),
        Method("pm_card_authenticationRequired", payment="asks", last4="3184"),
        Method("pm_card_threeDSecure2Required", payment="asks", last4="3220"),
        Method("pm_card_threeDSecureRequired", payment="asks", last4="3063"),
        _declined("pm_card_chargeDeclined", "0002", "generic_decline"),
        _declined("pm_card_visa_chargeDeclined", "0002", "generic_decline"),
        _declined("pm_card_chargeDeclinedInsufficientFunds", "9995", "insufficient_funds", _SHORT_OF_FUNDS),
        _declined("pm_card_visa_chargeDeclinedInsufficientFunds", "9995", "insufficient_funds", _SHORT_OF_FUNDS),
        _declined("pm_card_visa_chargeDeclinedLostCard", "9987", "lost_card"),
        _declined("pm_card_visa_chargeDeclinedStolenCard", "9979", "stolen_card"),
        _declined("pm_card_chargeDeclinedFraudulent", "0019", "fraudulent"),
        _declined("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "6975", "card_velocity_exceeded"),
        _declining(
            "pm_card_chargeDeclinedExpiredCard", "0069", "expired_card", "expired_card", "Your card has expired."
        ),
        _declining(
            "pm_card_chargeDeclinedIncorrectCvc",
            "0127",
            "incorrect_cvc",
            "incorrect_cvc",
            "Your card's security code is incorrect.",
        ),
        _declining(
            "pm_card_chargeDeclinedProcessingError",
            "0119",
            "processing_error",
            "processing_error",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        _debit("pm_success_de", "processes"),
        _debit("pm_successDelayed_de", "processes"),
        _debit("pm_failed_de", "processes_then_fails", "payment_method_provider_decline"),
        _debit("pm_insufficientFunds_de", "processes_then_fails", "insufficient_funds"),
    )
}


def method(method_id: str) -> Method:
    """Raises ApiError (400, stored) for a method that the published list does not know."""
    known = _METHODS.get(method_id)
    if known is None:
        raise invalid(f"No such PaymentMethod: '{method_id}'", param="payment_method", code="resource_missing")
    return known


def describe(wanted: Method, created: int) -> dict[str, Any]:
    return {
        "id": wanted.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "created": created,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": wanted.type,
        wanted.type: details(wanted),
    }


def details(wanted: Method) -> dict[str, Any]:
    if wanted.type == "sepa_debit":
        return {"bank_code": "37040044", "country": "DE", "fingerprint": "sandbox", "last4": wanted.last4}
    return {
        "brand": wanted.brand,
        "country": "DE",
        "exp_month": 12,
        "exp_year": 2034,
        "funding": "credit",
        "last4": wanted.last4,
    }
