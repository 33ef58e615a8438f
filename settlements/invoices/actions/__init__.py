"""What is done about invoices: those of sales follow their orders, those over commission are asked for."""

from settlements.invoices.actions.commissions import (
    CommissionIssued,
    CommissionRequest,
    issue_commission,
    issue_commissions,
)
from settlements.invoices.actions.sales import follow
from settlements.invoices.actions.standing import reopen, settle, write_off

__all__ = [
    "CommissionIssued",
    "CommissionRequest",
    "follow",
    "issue_commission",
    "issue_commissions",
    "reopen",
    "settle",
    "write_off",
]
