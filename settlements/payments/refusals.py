"""Why an order is not paid, or not yet."""

from marketplace.kernel.errors import Conflict, NotFound, Upstream


class PaymentUnknown(NotFound):
    """There is no such payment."""

    message = "There is no such payment."


class NothingToPay(Conflict):
    """The order owes nothing: it is paid, or was cancelled."""

    message = "Nothing is left to pay on this order."


class OrderOnTerms(Conflict):
    """What was bought on account is paid by bank transfer, invoice by invoice."""

    message = "This order was bought on account. Pay its invoices by bank transfer, naming their numbers."


class PaymentUnderWay(Conflict):
    """Another payment of the order is open; fact: `payment_id`."""

    message = "A payment of this order is under way. Wait for it, or cancel it first."


class PaymentDeclined(Conflict):
    """The payment took nothing; the order can be paid by a new payment. Facts: `payment_id`, `code`."""

    message = "The payment was declined. Nothing was taken; pay again with another method."


class ProviderAsksToWait(Upstream):
    """The provider did not take the payment now; a new payment may succeed later. Facts: `payment_id`, `code`."""

    message = "The payment provider could not take the payment now. Nothing was taken; try again shortly."


class PaymentNotOpen(Conflict):
    """The payment has ended."""

    message = "This payment has ended; it cannot be cancelled."
