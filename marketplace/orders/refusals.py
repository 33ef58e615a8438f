"""Why an order is not placed, changed or paid."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class OrderUnknown(NotFound):
    """There is no such order."""

    message = "There is no such order."


class VendorOrderUnknown(NotFound):
    """There is no such vendor order."""

    message = "There is no such vendor order."


class OrderCannotBeValued(Invalid):
    """The formula refuses these facts: larger than can be booked, say."""


class LineNotInOrder(Invalid):
    """The line is none of this order, or of this vendor's part of it."""

    message = "This line is not part of the order."


class LineNamedTwice(Invalid):
    """Each line is named once, with all the units that are meant."""

    message = "This line is named twice."


class UnitsNotOpen(Conflict):
    """More units than are still open: not cancelled and not shipped."""


class UnitsNotReturnable(Conflict):
    """More units than have shipped and are not coming back already: each unit comes back once."""


class NothingIsOpen(Conflict):
    """Everything has shipped or was cancelled before."""

    message = "Nothing is left that could be cancelled: everything has shipped or was cancelled before."


class CurrencyDiffers(Invalid):
    """Money for an order comes in the order's currency."""


class AmountNotPositive(Invalid):
    """What was paid or refunded is at least 1 in minor units."""

    message = "A sum that was paid or refunded is at least 1 in minor units."
