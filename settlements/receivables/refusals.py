"""Why money is not assigned, a claim not given up, an item not opened."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class ReceivableUnknown(NotFound):
    """There is no such open item."""

    message = "There is no such open item."


class BankTransferUnknown(NotFound):
    """There is no such bank transfer."""

    message = "There is no such bank transfer."


class BankMatchUnknown(NotFound):
    """There is no such assignment."""

    message = "There is no such assignment."


class WriteOffUnknown(NotFound):
    """There is no such proposal."""

    message = "There is no such proposal."


class OrderNotOnTerms(Conflict):
    """What was paid in advance has no open items."""

    message = "This order was not bought on account."


class InvoiceDiffersFromOrder(Conflict):
    """The invoice asks for another sum than the formula says of its part. Facts: `invoiced_minor`, `owed_minor`."""


class CurrencyIsAnother(Conflict):
    """An invoice is paid in its own currency."""


class MoreThanIsLeft(Conflict):
    """More than is left of the transfer. Facts: `wanted_minor`, `left_minor`."""


class MoreThanIsOpen(Conflict):
    """More than is open of the invoice. Facts: `wanted_minor`, `open_minor`."""


class NamedTwice(Invalid):
    """Each invoice is named once."""

    message = "This invoice is named twice."


class UndoneBefore(Conflict):
    """It was undone before, or undoes another itself."""

    message = "This assignment was undone before."


class MoneyWasSpent(Conflict):
    """What was paid has gone back to the buyer, or was set off, meanwhile."""

    message = "This money was given back or used meanwhile; it cannot be taken from what it paid."


class NoCreditLeft(Conflict):
    """The company has less credit than that. Fact: `credit_minor`."""


class NothingIsOwed(Conflict):
    """Nothing of it is open."""

    message = "Nothing of this item is open."


class WriteOffUnderWay(Conflict):
    """A proposal for this item waits for its decision."""

    message = "A proposal to write this item off waits for its decision already."


class NeedsSecondPerson(Conflict):
    """Who proposed does not decide."""

    message = "Another person than the one who proposed it decides."


class SumHasChanged(Conflict):
    """What is open is not what was proposed to be given up. Facts: `proposed_minor`, `open_minor`."""


class RateBackDated(Invalid):
    """A rate for days that were counted already stays as it was."""

    message = "Rates begin today or later."


class RateExists(Conflict):
    """A rate that begins on this day exists."""

    message = "A rate that begins on this day exists."


class BankIdTaken(Conflict):
    """The bank's own id of some money was given to another sum before. Fact: `bank_ids`."""

    message = "The bank's own ids of some rows name other money already; none was taken over."


class FileNotRead(Invalid):
    """The bank's file is none that can be read; `errors` name the rows at fault."""
