"""Why a cart is not filled, changed or ordered."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class CartUnknown(NotFound):
    """There is no such cart."""

    message = "There is no such cart."


class CartLineUnknown(NotFound):
    """There is no such line in this cart."""

    message = "There is no such line in this cart."


class AddressUnknown(NotFound):
    """There is no such address of this company."""

    message = "There is no such address of your company."


class CartNotOpen(Conflict):
    """It was ordered or discarded; `order_id` says by which order."""


class CartEmpty(Conflict):
    """Nothing is in the cart."""

    message = "Nothing is in this cart."


class DeliveryAddressMissing(Conflict):
    """An order needs a delivery address."""

    message = "Choose a delivery address first."


class LinesNotOrderable(Invalid):
    """Some lines cannot be ordered; `errors` names each with its reason."""

    message = "Some lines cannot be ordered."


class CartNotOrderable(Conflict):
    """What is in the cart cannot be ordered any more; `errors` names each line with its reason."""

    message = "Some lines of the cart cannot be ordered any more."


class PricesChanged(Conflict):
    """It costs something else than the buyer saw; `errors` names each line, `total_minor` is what it costs now."""

    message = "It costs something else than you saw. Look at the cart again, or confirm the total."


class TooManyLines(Invalid):
    """A cart holds at most 500 lines."""

    message = "A cart holds at most 500 lines."


class DeliveryNotOffered(Invalid):
    """The vendor's lines are not delivered that way to this address."""

    message = "This delivery is not offered for the lines of this vendor."


class VendorNotInCart(Invalid):
    """Nothing of this vendor is in the cart."""

    message = "Nothing of this vendor is in the cart."
