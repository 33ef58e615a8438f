"""Why a refund is not sent again, or not another way."""

from marketplace.kernel.errors import Conflict, NotFound


class RefundUnknown(NotFound):
    """There is no such refund."""

    message = "There is no such refund."


class RefundNotBounced(Conflict):
    """Only what came back is sent again."""

    message = "Only a refund that bounced is sent again."


class RefundHasNoPayment(Conflict):
    """There is no payment at the provider to give it back on."""

    message = "No payment at the provider is left for this refund; send it another way."
