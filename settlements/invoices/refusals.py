"""Why an invoice is not shown or not issued."""

from marketplace.kernel.errors import Conflict, NotFound


class InvoiceUnknown(NotFound):
    """There is no such invoice."""

    message = "There is no such invoice."


class DocumentUnknown(NotFound):
    """There is no such document."""

    message = "There is no such document."


class DocumentLost(Conflict):
    """What was kept is not what was handed out."""

    message = "The document does not match its seal; the operator has been told."


class CommissionRateMissing(Conflict):
    """The operator has not entered the rate of his own country."""

    message = "No standard rate of the operator's country is known."
