"""Who may do what in a case: the buyer asks, the vendor of a line answers for it, the operator may do both."""

from marketplace.kernel.access import Actor, Side
from marketplace.returns.models import ReturnCase, ReturnLine
from marketplace.returns.queries import Locked
from marketplace.returns.refusals import CaseClosed, NotYours


def asks(actor: Actor, case: ReturnCase) -> None:
    """The actor acts for the buyer of the case. Raises NotYours."""
    if not (actor.sees_all or (actor.acts_as(Side.BUYER) and actor.company_id == case.company_id)):
        raise NotYours


def answers(actor: Actor, line: ReturnLine) -> None:
    """The actor acts for the vendor of the line. Raises NotYours."""
    if not (actor.sees_all or is_vendor(actor, line)):
        raise NotYours


def is_vendor(actor: Actor, line: ReturnLine) -> bool:
    return actor.acts_as(Side.VENDOR) and actor.company_id == line.vendor_id


def side_of(actor: Actor, case: ReturnCase) -> str:
    """For whom the actor speaks in a case: operator, buyer, vendor, or deadline where time does."""
    if actor.system:
        return "deadline"
    if actor.sees_all:
        return "operator"
    return "buyer" if actor.acts_as(Side.BUYER) and actor.company_id == case.company_id else "vendor"


def still_open(found: Locked) -> None:
    """Raises CaseClosed."""
    if found.case.closed_at is not None:
        raise CaseClosed
