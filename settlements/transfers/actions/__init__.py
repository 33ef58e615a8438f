"""What can be done about a vendor's money: request, send, take back, recover, adjust, write off."""

from settlements.transfers.actions.requesting import request

__all__ = ["request"]
