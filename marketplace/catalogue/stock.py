"""Stock is never sold twice: every change of it is one statement that locks the offers in the order of their ids.

available = on_hand - reserved. A reservation says which order line holds how many units and until when. Whoever locks
both locks reservations first, then stock.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Uuid

from marketplace.catalogue.models import Reservation
from marketplace.catalogue.states import ReservationState, ReservationVerb
from marketplace.kernel import clock, history, reads
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db, new_id
from marketplace.kernel.errors import Conflict

EXPIRE_BATCH = 500


class StockTooLow(Conflict):
    """Less is in stock than wanted; `errors` names every line with what was wanted and what is available."""

    message = "Less is in stock than is wanted."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of an offer for an order line; `pointer` is the line's in the request that wants them."""

    order_line_id: uuid.UUID
    offer_id: uuid.UUID
    quantity: int
    pointer: str = ""


# The values of a locked row are the present ones, so the condition holds when the update runs, whoever came in between.
_RESERVE = """
    WITH wanted AS (SELECT * FROM unnest(%(offer_ids)s::uuid[], %(quantities)s::bigint[]) AS w (offer_id, quantity)),
    locked AS (
        SELECT s.offer_id, w.quantity, s.on_hand - s.reserved AS available
        FROM offer_stock s JOIN wanted w ON w.offer_id = s.offer_id
        ORDER BY s.offer_id FOR UPDATE OF s
    ),
    short AS (
        SELECT w.offer_id, greatest(coalesce(l.available, 0), 0) AS available
        FROM wanted w LEFT JOIN locked l ON l.offer_id = w.offer_id
        WHERE l.available IS NULL OR l.available < w.quantity
    ),
    taken AS (
        UPDATE offer_stock s SET reserved = s.reserved + l.quantity
        FROM locked l
        WHERE s.offer_id = l.offer_id AND l.available >= l.quantity
          AND (%(as_far_as_it_goes)s OR NOT EXISTS (SELECT 1 FROM short))
        RETURNING s.offer_id
    )
    SELECT offer_id, available FROM short
"""

# Whatever its state: one that expires at this moment is waited for, and what is returned is what it is then.
_KEEP_HELD = "UPDATE reservation SET expires_at = NULL WHERE order_id = %(order_id)s RETURNING state"

# What has left was perhaps counted out by the vendor's own feed already: on_hand never goes below nothing.
_LOWER = text("""
    WITH given AS (SELECT * FROM unnest(:offer_ids, :reserved, :shipped) AS g (offer_id, reserved, shipped)),
    locked AS (
        SELECT s.offer_id, g.reserved, g.shipped FROM offer_stock s JOIN given g ON g.offer_id = s.offer_id
        ORDER BY s.offer_id FOR UPDATE OF s
    )
    UPDATE offer_stock s
    SET reserved = s.reserved - l.reserved, on_hand = greatest(s.on_hand - l.shipped, 0)
    FROM locked l WHERE s.offer_id = l.offer_id
""").bindparams(
    bindparam("offer_ids", type_=ARRAY(Uuid())),
    bindparam("reserved", type_=ARRAY(BigInteger())),
    bindparam("shipped", type_=ARRAY(BigInteger())),
)


def reserve(wanted: Sequence[Wanted]) -> None:
    """Take all of it from what is available, or raise StockTooLow naming every short line and take nothing.

    `held` makes the reservations, which are written with the order's rows.
    """
    short = _reserve(wanted, as_far_as_it_goes=False)
    if short:
        raise StockTooLow(
            errors=[
                {
                    "pointer": line.pointer,
                    "detail": f"{line.quantity} wanted, {short[line.offer_id]} available.",
                    "offer_id": str(line.offer_id),
                    "wanted": line.quantity,
                    "available": short[line.offer_id],
                }
                for line in wanted
                if line.offer_id in short
            ]
        )


def held(
    company_id: uuid.UUID, order_id: uuid.UUID, wanted: Sequence[Wanted], expires_at: datetime | None
) -> list[Reservation]:
    """Who holds what was reserved, until when (None: until it is shipped); to be written with the order's rows."""
    return [
        Reservation(
            id=new_id(),
            company_id=company_id,
            order_id=order_id,
            order_line_id=line.order_line_id,
            offer_id=line.offer_id,
            quantity=line.quantity,
            state=ReservationState.HELD,
            expires_at=expires_at,
        )
        for line in wanted
    ]


def keep_held(order_id: uuid.UUID) -> bool:
    """The order is paid: its reservations have no end any more. True where all of them still hold what they held;
    else `keep` has to say for which lines stock is missing."""
    return set(reads.in_session(_KEEP_HELD, {"order_id": order_id})) == {(ReservationState.HELD.value,)}


def keep(order_id: uuid.UUID, wanted: Sequence[Wanted], actor: Actor = SYSTEM) -> list[Wanted]:
    """The order is paid: its reservations have no end any more.

    `wanted` are the lines with what is still open of them. What had expired is reserved again; returns the lines for
    which the stock is gone.
    """
    kept = set(
        db.session.scalars(
            update(Reservation)
            .where(Reservation.order_id == order_id, Reservation.state == ReservationState.HELD)
            .values(expires_at=None)
            .returning(Reservation.order_line_id),
            execution_options={"synchronize_session": False},
        )
    )
    missing = [line for line in wanted if line.order_line_id not in kept]
    if not missing:
        return []
    short = _reserve(missing, as_far_as_it_goes=True)
    held = {row.order_line_id: row for row in _held_by(order_id, ReservationState.EXPIRED)}
    for line in missing:
        if line.offer_id not in short:
            row = held[line.order_line_id]
            history.move(row, ReservationVerb.RENEW, actor, note="paid after the end")
            row.quantity, row.expires_at = line.quantity, None
    return [line for line in missing if line.offer_id in short]


def release(order_id: uuid.UUID, units: Mapping[uuid.UUID, int], actor: Actor = SYSTEM) -> None:
    """Give back units of order lines ({order line id: units}); what a line does not hold any more stays where it is."""
    _end(order_id, units, ReservationVerb.RELEASE, actor)


def use(
    order_id: uuid.UUID, units: Mapping[uuid.UUID, int], offers: Mapping[uuid.UUID, uuid.UUID], actor: Actor
) -> None:
    """Units of order lines have left: they are neither on hand nor reserved any more. `offers`: {line id: offer id}."""
    lowered = _end(order_id, units, ReservationVerb.USE, actor)
    unheld: dict[uuid.UUID, int] = defaultdict(int)
    for line_id, quantity in units.items():
        unheld[offers[line_id]] += quantity - lowered.get(line_id, 0)
    _lower({}, {offer_id: quantity for offer_id, quantity in unheld.items() if quantity})


def take(wanted: Sequence[Wanted]) -> None:
    """Units leave that nothing was reserved for: they are not on hand any more. Raises StockTooLow."""
    reserve(wanted)
    units: dict[uuid.UUID, int] = defaultdict(int)
    for line in wanted:
        units[line.offer_id] += line.quantity
    _lower(units, units)


def expire(limit: int = EXPIRE_BATCH) -> int:
    """End up to `limit` reservations whose time is over; returns how many. Those that others hold locked are left."""
    due = db.session.scalars(
        visible(SYSTEM, Reservation)
        .where(Reservation.state == ReservationState.HELD, Reservation.expires_at <= clock.now())
        .order_by(Reservation.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    freed: dict[uuid.UUID, int] = defaultdict(int)
    for row in due:
        history.move(row, ReservationVerb.EXPIRE, SYSTEM)
        freed[row.offer_id] += row.quantity
        row.quantity = 0
    db.session.flush()
    _lower(freed, {})
    return len(due)


def _end(
    order_id: uuid.UUID, units: Mapping[uuid.UUID, int], verb: ReservationVerb, actor: Actor
) -> dict[uuid.UUID, int]:
    """Take units out of their reservations; returns {order line id: what it held of them}."""
    ended: dict[uuid.UUID, int] = {}
    reserved: dict[uuid.UUID, int] = defaultdict(int)
    for row in _held_by(order_id, ReservationState.HELD):
        quantity = min(row.quantity, units.get(row.order_line_id, 0))
        if quantity:
            ended[row.order_line_id] = quantity
            reserved[row.offer_id] += quantity
            row.quantity -= quantity
            if row.quantity == 0:
                history.move(row, verb, actor)
    db.session.flush()
    _lower(reserved, reserved if verb is ReservationVerb.USE else {})
    return ended


def _held_by(order_id: uuid.UUID, state: ReservationState) -> Iterable[Reservation]:
    return db.session.scalars(
        visible(SYSTEM, Reservation)
        .where(Reservation.order_id == order_id, Reservation.state == state)
        .order_by(Reservation.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _reserve(wanted: Sequence[Wanted], *, as_far_as_it_goes: bool) -> dict[uuid.UUID, int]:
    """{offer id: what is available} of the offers that are short."""
    quantities: dict[uuid.UUID, int] = defaultdict(int)
    for line in wanted:
        quantities[line.offer_id] += line.quantity
    values = {
        "offer_ids": list(quantities),
        "quantities": list(quantities.values()),
        "as_far_as_it_goes": as_far_as_it_goes,
    }
    return {offer_id: int(available) for offer_id, available in reads.in_session(_RESERVE, values)}


def _lower(reserved: Mapping[uuid.UUID, int], shipped: Mapping[uuid.UUID, int]) -> None:
    offer_ids = list({**reserved, **shipped})
    if offer_ids:
        db.session.execute(
            _LOWER,
            {
                "offer_ids": offer_ids,
                "reserved": [reserved.get(offer_id, 0) for offer_id in offer_ids],
                "shipped": [shipped.get(offer_id, 0) for offer_id in offer_ids],
            },
        )
