"""Why evidence is not taken, or a dispute not answered."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class DisputeUnknown(NotFound):
    """There is no such dispute."""

    message = "There is no such dispute."


class DisputeNotOurs(NotFound):
    """The payment is none of ours."""

    message = "It disputes no payment of ours."


class EvidenceTooLate(Conflict):
    """The bank hears no more evidence. Facts: `state`, `due_by`."""

    message = "The bank hears no more evidence on this dispute: it was answered or decided, or the day has passed."


class EvidenceMissing(Conflict):
    """There is nothing to hand over."""

    message = "Add a text or a file first: evidence is handed over once."


class EvidenceFileRefused(Invalid):
    """Banks read PDF, PNG and JPEG, up to the provider's limit."""

    message = "Banks read PDF, PNG and JPEG of up to 4.5 MB."


class EvidenceRefused(Conflict):
    """The provider did not take it; nothing was changed. Fact: `code`."""

    message = "The payment provider did not take it. Nothing was changed."
