"""An account in the shape of the party that reads it."""

from typing import Any

from marketplace.kernel.access import Actor
from settlements.gateway.connect import Capability
from settlements.provider_accounts.models import ProviderAccount
from settlements.provider_accounts.schemas import PayoutAccountForOperatorOut, PayoutAccountOut


def seen_by(actor: Actor, row: ProviderAccount) -> dict[str, Any]:
    """The fields that this actor may read."""
    names = (PayoutAccountForOperatorOut if actor.sees_all else PayoutAccountOut)().fields
    return {name: getattr(row, name) for name in names} | {"transfers": Capability(row.transfers)}
