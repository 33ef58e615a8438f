"""Why an account at the provider is not made, opened or changed."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class ProviderAccountUnknown(NotFound):
    """There is no such account."""

    message = "There is no such account at the payment provider."


class ProviderAccountNotOpen(Conflict):
    """The provider does not know the account yet. Facts: `state`, `trouble`."""

    message = "The payment provider has not opened this account yet. Try again in a moment."


class ProviderAccountNotRefused(Conflict):
    """Only what was refused is asked for again."""

    message = "The provider did not refuse this account; there is nothing to ask again."


class NotBlocked(Conflict):
    """The account is not blocked."""

    message = "This account is not blocked."


class BlockNeedsReason(Invalid):
    """Who blocks an account, or lifts it, says why."""

    message = "Say why, in words that the vendor may read."
