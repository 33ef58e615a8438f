"""Why nothing leaves for a vendor, comes back from him, or is booked by hand."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class TransferUnknown(NotFound):
    """There is no such transfer."""

    message = "There is no such transfer."


class PayoutUnknown(NotFound):
    """There is no such payout."""

    message = "There is no such payout."


class DebtUnknown(NotFound):
    """There is no such debt."""

    message = "There is no such debt."


class AdjustmentUnknown(NotFound):
    """There is no such adjustment."""

    message = "There is no such adjustment."


class VendorCannotBePaid(Conflict):
    """Facts: `reason` (a word for programs), `vendor_id`."""

    message = "Nothing can be transferred to this vendor now."


class PayableTooLow(Conflict):
    """Facts: `payable_minor`, `amount_minor`."""

    message = "Less than this is due to the vendor."


class TransfersUnderWay(Conflict):
    """Fact: `cause`."""

    message = "Transfers of the same cause are under way."


class MoreThanTransferred(Conflict):
    """Fact: `left_minor`."""

    message = "More than is left of this transfer cannot be taken back."


class TransferNotMade(Conflict):
    """Only what has left can be taken back."""

    message = "Only a transfer that was made can be taken back."


class NotAVendor(Invalid):
    """The company is no vendor."""

    message = "There is no such vendor."


class SecondPersonNeeded(Forbidden):
    """Who proposed it does not approve it."""

    message = "Another person than the one who proposed it has to approve it."


class PersonNeeded(Forbidden):
    """It is booked by people."""

    message = "This is for people to decide."


class NothingOwed(Conflict):
    """The debt has gone."""

    message = "The vendor owes nothing any more."


class WriteOffUnderWay(Conflict):
    """Fact: `adjustment_id`."""

    message = "A write-off of this debt was proposed already."
