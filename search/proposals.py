"""The operator decides which products are one: what he accepts is merged, what he rejects is not proposed again."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.agreements.queries import offers_of_products
from marketplace.catalogue import merging
from marketplace.catalogue import queries as catalogue
from marketplace.catalogue.models import Product
from marketplace.kernel import history
from marketplace.kernel.access import Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Invalid, NotFound
from marketplace.kernel.problems import EditedMeanwhile, MatchRequired
from marketplace.kernel.web import Page, paginate
from search import proposing
from search.models import ProductProposal
from search.states import ProposalState, ProposalVerb


class ProposalUnknown(NotFound):
    """There is no such proposal."""


class NotOfThePair(Invalid):
    """One of the two products survives."""

    message = "The survivor is one of the two products."


class AlreadyMerged(Conflict):
    """One of the two was merged meanwhile."""

    message = "One of these products became one with another meanwhile; load the list again."


class VersionsMissing(MatchRequired):
    """A merge is not undone: whoever decides it says which products he compared."""

    message = "Send product_versions: the version of each of the two products as you compared them."


class ProductEdited(EditedMeanwhile):
    """What was compared is not what is there now."""

    message = "These are not the products that you compared: look at them again, and repeat your decision."


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two as the operator compares it."""

    product: Product
    category: str | None
    offers: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Compared:
    """A proposal with both products; `advised` is the one that is better kept: more numbers, then more offers, then
    more attributes; of two alike the older."""

    proposal: ProductProposal
    sides: tuple[Side, Side]

    @property
    def advised(self) -> uuid.UUID:
        def worth(side: Side) -> tuple[int, int, int]:
            product = side.product
            return bool(product.ean) + bool(product.part_number), len(side.offers), len(product.attributes)

        return max(self.sides, key=worth).product.id


def proposal(actor: Actor, proposal_id: uuid.UUID, *, lock: bool = False) -> ProductProposal:
    """Raises ProposalUnknown."""
    statement = visible(actor, ProductProposal).where(ProductProposal.id == proposal_id)
    if lock:
        proposing.hold()
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(statement).one_or_none()
    if row is None:
        raise ProposalUnknown
    return row


def page_of(actor: Actor, args: Mapping[str, Any]) -> Page:
    """Proposals in the state asked for, the likeliest first, with both products."""
    statement = visible(actor, ProductProposal).where(ProductProposal.state == args["state"])
    page = paginate(statement, args, ProductProposal.score, ProductProposal.id)
    return Page(compared(actor, page.items), page.next)


def compared(actor: Actor, rows: Sequence[ProductProposal]) -> list[Compared]:
    """The proposals with both products side by side."""
    ids = [one for row in rows for one in (row.one_id, row.other_id)]
    found = db.session.scalars(visible(actor, Product).where(Product.id.in_(ids)))
    products = {product.id: product for product in found}
    paths = catalogue.category_paths(product.category_id for product in products.values())
    offers = offers_of_products(actor, ids) if ids else {}

    def side(one: uuid.UUID) -> Side:
        product = products[one]
        return Side(product, paths.get(product.category_id) if product.category_id else None, offers.get(one, []))

    return [Compared(row, (side(row.one_id), side(row.other_id))) for row in rows]


def accept(
    actor: Actor, proposal_id: uuid.UUID, survivor_id: uuid.UUID | None, seen: Mapping[uuid.UUID, int] | None = None
) -> Product:
    """The two become one: `survivor_id`, or the one that is better kept; returns it. `seen` as of `merge`.

    Raises ProposalUnknown, IllegalMove, NotOfThePair, AlreadyMerged, VersionsMissing, ProductEdited, NumbersContradict.
    """
    row = proposal(actor, proposal_id, lock=True)
    ((pair),) = compared(actor, [row])
    kept = survivor_id or pair.advised
    if kept not in (row.one_id, row.other_id):
        raise NotOfThePair(pointer="/survivor_id")
    gone = row.other_id if kept == row.one_id else row.one_id
    if row.state == ProposalState.OPEN and any(side.product.merged_into for side in pair.sides):
        raise AlreadyMerged

    history.move(row, ProposalVerb.ACCEPT, actor, note=f"{gone} became one with {kept}")
    db.session.flush()
    return merge(actor, gone, kept, seen)


def _edited(product: Product) -> dict[str, Any]:
    place = {"pointer": f"/product_versions/{product.id}", "version": product.version}
    return place | {"detail": f"{product.name} was changed since you compared it."}


def reject(actor: Actor, proposal_id: uuid.UUID, reason: str = "") -> ProductProposal:
    """They are two; this pair is not proposed again. Raises ProposalUnknown, IllegalMove."""
    row = proposal(actor, proposal_id, lock=True)
    history.move(row, ProposalVerb.REJECT, actor, note=reason)
    return row


def merge(
    actor: Actor, product_id: uuid.UUID, survivor_id: uuid.UUID, seen: Mapping[uuid.UUID, int] | None = None
) -> Product:
    """Make two products one, proposed or not. `seen`: the version of each of the two as whoever decides compared them;
    None: whatever they are by now.

    Raises ProductUnknown, SameProduct, VersionsMissing, ProductEdited, NumbersContradict.
    """

    def check(*products: Product) -> None:
        if seen is None:
            return
        if not seen.keys() >= {product.id for product in products}:
            raise VersionsMissing(pointer="/product_versions")
        if edited := [product for product in products if seen[product.id] != product.version]:
            raise ProductEdited(errors=[_edited(product) for product in edited])

    proposing.hold()
    survivor = merging.merge(actor, survivor_id, product_id, check)
    proposing.forget_merged(survivor.id)
    return survivor
