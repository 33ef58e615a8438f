"""Why nothing is bought on account, or a limit not changed."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class CreditAccountUnknown(NotFound):
    """There is no such credit account."""

    message = "There is no such credit account."


class CreditAccountExists(Conflict):
    """A company has one credit account per currency."""

    message = "This company has a credit account in this currency; change its limit instead."


class PaymentTermsExist(Conflict):
    """Terms are never edited."""

    message = "Terms that begin on this day exist; terms are not changed, new ones begin on another day."


class PaymentTermsBackDated(Invalid):
    """What was granted for days gone by stays as it was."""

    message = "Terms begin today or later."


class NoPaymentTerms(Conflict):
    """The company buys nothing on account in this currency. Fact: `currency`."""


class CreditLimitExceeded(Conflict):
    """The order is larger than what is free. Facts: `limit_minor`, `used_minor`, `free_minor`, `wanted_minor`."""


class CreditFrozen(Conflict):
    """Nothing new is bought on account until this is settled. Fact: `reason`."""


class CreditNotFrozen(Conflict):
    """Only a frozen account is released."""

    message = "This credit account is not frozen."
