"""Why a run or a statement does not go on."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class RunUnknown(NotFound):
    """There is no such run."""

    message = "There is no such settlement run."


class StatementUnknown(NotFound):
    """There is no such statement."""

    message = "There is no such statement."


class CutOffBackDated(Invalid):
    """Statements follow each other: what was settled up to a moment is not settled again up to an earlier one."""


class CutOffInFuture(Invalid):
    """What is still to be booked is in no statement."""

    message = "A cut-off lies in the past."


class NothingToSettle(Conflict):
    """Nothing was booked since the last statements."""

    message = "Nothing was booked for these vendors since their last statements."


class RunIsClosed(Conflict):
    """All of its statements are closed."""

    message = "All statements of this run are closed."


class StatementDiffers(Conflict):
    """The books show another balance than the statement: it is not closed before somebody has looked into it."""


class StatementNotClosed(Conflict):
    """A draft is not paid out and has no document."""

    message = "This statement is not closed yet."


class VendorUnknown(NotFound):
    """There is no such vendor, or not for you."""

    message = "There is no such vendor."
