"""Sessions, and letters about passwords, that ended long ago are forgotten."""

from marketplace.companies import actions
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import job


@job("session.prune", every=3600)
def prune() -> None:
    """Forget what ended a month ago."""
    with transaction():
        actions.forget_old_sessions()
        actions.forget_old_resets()
