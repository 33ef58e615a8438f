"""Products that were named anew are compared with the others of their category, in their own time: what may be one is
proposed. An open proposal that no longer holds goes; what a person decided stays.

Feeds are not kept waiting: a change is noted by one statement a batch after it was indexed, and only where what is
compared changed, so that prices and stock cost nothing more. No transaction is open while products are compared.
"""

import time
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import DateTime, Float, Text, Uuid

from marketplace.kernel import clock, reads
from marketplace.kernel.db import advisory_lock, db, new_id, transaction
from search.grouping import Groups
from search.likeness import Item

MOST_AT_ONCE = 2_000  # changed products that are compared together
MOST_COMPARED = 20_000  # others of a category, those without numbers first, then the newest
MOST_SECONDS = 30.0  # of one run of the job, and the category under way: feeds wait for the same workers
MOST_REASONS = 8

_DIGEST = "md5(concat_ws(chr(31), p.name, p.manufacturer_key, p.part_number_key, p.ean, p.category_id))"
_NOTE_SQL = f"""
    INSERT INTO product_naming AS n (product_id, digest, since)
    SELECT p.id, {_DIGEST}, :now FROM product p
    WHERE p.id = ANY(:ids) AND p.merged_into IS NULL ORDER BY p.id
    ON CONFLICT (product_id) DO UPDATE SET digest = excluded.digest, since = coalesce(n.since, excluded.since)
    WHERE n.digest <> excluded.digest
"""
_NOTE = text(_NOTE_SQL).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_NOTE_ALL_SQL = f"""
    INSERT INTO product_naming AS n (product_id, digest, since)
    SELECT p.id, {_DIGEST}, :now FROM product p WHERE p.merged_into IS NULL ORDER BY p.id
    ON CONFLICT (product_id) DO UPDATE SET digest = excluded.digest, since = coalesce(n.since, excluded.since)
"""
_NOTE_ALL = text(_NOTE_ALL_SQL)
# `since` anew also where it waits: whoever compares it at this moment read it as it was before.
_AGAIN = text("UPDATE product_naming SET since = :now WHERE product_id = ANY(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)
_WAITING = """
    WITH first AS (
        SELECT p.category_id FROM product_naming n JOIN product p ON p.id = n.product_id
        WHERE n.since IS NOT NULL ORDER BY n.since, n.product_id LIMIT 1
    )
    SELECT n.product_id, n.digest, n.since, p.category_id FROM product_naming n JOIN product p ON p.id = n.product_id
    WHERE n.since IS NOT NULL AND p.category_id IS NOT DISTINCT FROM (SELECT category_id FROM first)
    ORDER BY n.since, n.product_id LIMIT %(limit)s
"""
_ITEM = """
    SELECT p.id, p.name, p.manufacturer, p.part_number, p.ean,
           ARRAY(SELECT DISTINCT o.vendor_id FROM offer o WHERE o.product_id = p.id AND o.state <> 'ended')
    FROM product p
"""
_ITEMS = _ITEM + "WHERE p.id = ANY(%(ids)s) AND p.merged_into IS NULL"
# Two that both have maker and number are one only where the number is the same: whatever they are called.
_TWINS = (
    _ITEM
    + """WHERE p.merged_into IS NULL AND p.id IN (
        SELECT twin.id FROM product own JOIN product twin
            ON twin.part_number_key = own.part_number_key AND twin.manufacturer_key <> own.manufacturer_key
        WHERE own.id = ANY(%(ids)s) AND own.part_number_key <> ''
    ) LIMIT %(limit)s"""
)
_UNNUMBERED = "(p.part_number_key = '' OR p.manufacturer_key = '')"
_INSIDE = {
    False: "p.category_id = %(category)s AND p.merged_into IS NULL",
    True: "p.category_id IS NULL AND p.merged_into IS NULL",
}
_ANY_UNNUMBERED = {
    none: f"SELECT EXISTS (SELECT FROM product p WHERE {inside} AND {_UNNUMBERED})" for none, inside in _INSIDE.items()
}
_NEIGHBOURS = {
    none: f"{_ITEM} WHERE {inside} ORDER BY {_UNNUMBERED} DESC, p.id DESC LIMIT %(limit)s"
    for none, inside in _INSIDE.items()
}
_PROPOSE = text("""
    INSERT INTO product_proposal AS held (id, one_id, other_id, score, reasons, state, created_at, version)
    SELECT w.id, w.one_id, w.other_id, w.score, string_to_array(w.reasons, chr(10)), 'open', :now, 1
    FROM unnest(:ids, :ones, :others, :scores, :reasons) AS w (id, one_id, other_id, score, reasons)
    JOIN product a ON a.id = w.one_id AND a.merged_into IS NULL
    JOIN product b ON b.id = w.other_id AND b.merged_into IS NULL
    ORDER BY w.one_id, w.other_id
    ON CONFLICT (one_id, other_id) DO UPDATE
    SET score = excluded.score, reasons = excluded.reasons, version = held.version + 1
    WHERE held.state = 'open' AND (held.score, held.reasons) IS DISTINCT FROM (excluded.score, excluded.reasons)
    RETURNING version = 1
""").bindparams(
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("ids", "ones", "others")),
    bindparam("scores", type_=ARRAY(Float())),
    bindparam("reasons", type_=ARRAY(Text())),
)
_WITHDRAW = text("""
    DELETE FROM product_proposal h
    WHERE h.state = 'open' AND (h.one_id = ANY(:changed) OR h.other_id = ANY(:changed))
    AND NOT EXISTS (SELECT FROM unnest(:ones, :others) AS w (a, b) WHERE w.a = h.one_id AND w.b = h.other_id)
""").bindparams(*(bindparam(name, type_=ARRAY(Uuid())) for name in ("changed", "ones", "others")))
_FORGET = text("""
    DELETE FROM product_proposal h USING product p
    WHERE h.state = 'open' AND p.merged_into = :survivor AND (p.id = h.one_id OR p.id = h.other_id)
    RETURNING CASE WHEN p.id = h.one_id THEN h.other_id ELSE h.one_id END
""").bindparams(bindparam("survivor", type_=Uuid()))
_COMPARED = text("""
    UPDATE product_naming n SET since = NULL FROM unnest(:ids, :digests, :since) AS w (id, digest, since)
    WHERE n.product_id = w.id AND n.digest = w.digest AND n.since = w.since
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("digests", type_=ARRAY(Text())),
    bindparam("since", type_=ARRAY(DateTime(timezone=True))),
)


def hold() -> None:
    """Nobody else decides, makes or withdraws proposals until the transaction ends: a merge takes along those that name
    its product, which another may be deciding. Before any other lock."""
    advisory_lock("product proposals")


def note(product_ids: Sequence[uuid.UUID]) -> None:
    """Let those of the products that are named otherwise than when they were compared wait for it."""
    if product_ids:
        db.session.execute(_NOTE, {"ids": list(product_ids), "now": clock.now()})


def again(product_ids: Sequence[uuid.UUID]) -> None:
    """Compare these once more, although they are named as before."""
    db.session.execute(_AGAIN, {"ids": list(product_ids), "now": clock.now()})


def forget_merged(survivor_id: uuid.UUID) -> None:
    """What was open about products that became this one says nothing any more; whom it named is compared with it."""
    db.session.flush()
    named = db.session.execute(_FORGET, {"survivor": survivor_id}).scalars()
    again(sorted({survivor_id, *named}))


def note_all() -> None:
    """Compare every product again; what was decided stays."""
    db.session.execute(_NOTE_ALL, {"now": clock.now()})


def propose(seconds: float | None = MOST_SECONDS) -> int:
    """Compare what waits, category by category, and begin with no other after so many seconds (None: with all);
    returns how many pairs are new. With no transaction open."""
    made, began = 0, time.monotonic()
    while waiting := reads.fetch(_WAITING, {"limit": MOST_AT_ONCE}):
        changed, digests, since, categories = (list(column) for column in zip(*waiting, strict=True))
        found = _compared(changed, categories[0])
        with transaction():
            made += _keep(changed, found)
            db.session.execute(_COMPARED, {"ids": changed, "digests": digests, "since": since})
        if seconds is not None and time.monotonic() - began >= seconds:
            break
    return made


def items_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Item]:
    """What tells whether these products are one; unknown ids are absent."""
    return dict(map(_item, reads.fetch(_ITEMS, {"ids": list(ids)})))


def _item(row: Sequence[Any]) -> tuple[uuid.UUID, Item]:
    product_id, name, maker, part, ean, sellers = row
    return product_id, Item(name, maker, part, ean, frozenset(sellers))


Pair = tuple[uuid.UUID, uuid.UUID, float, list[str]]


def _compared(changed: Sequence[uuid.UUID], category: uuid.UUID | None) -> list[Pair]:
    """(older, younger, score, why) of what may be one. Where all of a category have maker and number, only equal
    numbers of differently written makers can meet: nothing else is compared."""
    near = dict(map(_item, reads.fetch(_TWINS, {"ids": list(changed), "limit": MOST_COMPARED})))
    inside: dict[str, Any] = {"category": category} if category else {}
    if reads.fetch(_ANY_UNNUMBERED[not category], inside)[0][0]:
        near |= dict(map(_item, reads.fetch(_NEIGHBOURS[not category], inside | {"limit": MOST_COMPARED})))
    if not near:
        return []
    items = near | items_of(changed)
    ids = sorted(items)
    wanted = set(changed)
    groups = Groups([items[one] for one in ids])
    meetings = groups.meetings({at for at, one in enumerate(ids) if one in wanted})
    return [
        (*sorted((ids[m.one], ids[m.other])), m.score, groups.why(m.one, m.other)[:MOST_REASONS])  # type: ignore[misc]
        for m in meetings
    ]


def _keep(changed: Sequence[uuid.UUID], found: Sequence[Pair]) -> int:
    hold()
    ones, others = [pair[0] for pair in found], [pair[1] for pair in found]
    db.session.execute(_WITHDRAW, {"changed": list(changed), "ones": ones, "others": others})
    if not found:
        return 0
    values = {
        "ids": [new_id() for _ in found],
        "ones": ones,
        "others": others,
        "scores": [round(score, 3) for _, _, score, _ in found],
        "reasons": ["\n".join(why) for _, _, _, why in found],
        "now": clock.now(),
    }
    return sum(db.session.execute(_PROPOSE, values).scalars())
