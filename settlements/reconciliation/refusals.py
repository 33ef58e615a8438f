"""Why a difference is not resolved."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class DifferenceUnknown(NotFound):
    """There is no such difference."""

    message = "There is no such difference."


class ReasonNeeded(Invalid):
    """Whoever books something says why."""

    message = "Say why, in words that the accountant will read."


class SecondPersonNeeded(Forbidden):
    """Who proposed a posting does not approve it."""

    message = "Another person than who proposed it approves this posting."


class ActionDoesNotFit(Conflict):
    """This cannot be done about this difference. Facts: `action`, `kind`."""

    message = "This cannot be done about this difference."


class StillDiffers(Conflict):
    """What was looked at again is as it was. Fact: `reason`."""

    message = "It was looked at again, and still differs."


class NotWaitedFor(Conflict):
    """A difference that waits stays open until it is gone."""

    message = "Waiting resolves nothing: the difference stays open until it is gone, or somebody books it."
