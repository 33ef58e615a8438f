"""What people do with search, whichever engine answers: find, complete, look at relatives, try a rule out.

An engine outside is asked with no connection held.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from marketplace.agreements.queries import offers_of_products
from marketplace.catalogue import queries as catalogue
from marketplace.kernel.access import Actor
from marketplace.kernel.db import in_transaction, read_only_end
from search import actions, insight, proposing, queries, rules, showing
from search.engine import Buyer, SearchRequest, SearchResult
from search.grouping import PROPOSED, Groups


def search(actor: Actor, args: Mapping[str, Any]) -> dict[str, Any]:
    """A page of hits with this company's prices, as of SearchPage; `args` as of SearchArgs. Raises CursorUnknown,
    PageTooFar, SearchAway."""
    request = queries.request_of(actor, args)
    page = showing.shown(actor, request, ask(request))
    typed, first = request.words.text, not request.offset
    page["query_id"] = insight.note_query(actor, typed, page["total"]) if typed and first else None
    return page


def ask(request: SearchRequest) -> SearchResult:
    """What the engine finds."""
    _let_go()
    return queries.engine().search(request)


def complete(actor: Actor, prefix: str, limit: int, language: str = "en") -> dict[str, Any]:
    """Products, categories and vendors that begin so, as of CompletionsOut. Raises SearchAway."""
    vendors = queries.vendors_by_text(prefix, limit)
    categories = queries.categories_by_text(prefix, limit)
    buyer = Buyer(actor.company_id, hidden=queries.hidden_vendors())
    _let_go()
    products = queries.engine().complete(prefix, buyer, limit, language)
    names = queries.offered(products, vendors, language)
    return {
        "products": [{"id": str(one), "name": names[one]} for one in products if one in names],
        "categories": [{"path": path, "name": name} for path, name in categories],
        "vendors": [{"id": str(one), "name": names[one]} for one in vendors if one in names],
    }


def related(actor: Actor, product_id: uuid.UUID, limit: int, currency: str | None = None) -> dict[str, Any]:
    """Others like it and what was bought with it, as of RelatedOut. Raises ProductUnknown, SearchAway."""
    own = catalogue.product(actor, product_id)
    buyer = queries.buyer_of(actor, currency)
    together = queries.bought_together(own.id, limit)
    _let_go()
    alike = queries.engine().related(own.id, buyer, limit)
    return {"alike": _hits(actor, buyer, alike), "bought_together": _hits(actor, buyer, together)}


def _hits(actor: Actor, buyer: Buyer, ids: Sequence[uuid.UUID]) -> list[dict[str, Any]]:
    offers = offers_of_products(actor, ids, currency=buyer.currency)
    return [showing.item(offers[one]) for one in ids if one in offers]


def visit(actor: Actor, query_id: uuid.UUID, product_id: uuid.UUID) -> None:
    """A hit was opened. Raises ProductUnknown."""
    insight.visit(actor, query_id, catalogue.product(actor, product_id).id)


def duplicates(actor: Actor, product_id: uuid.UUID) -> dict[str, Any]:
    """Products that may be the same, with a score from 0 to 1, as of DuplicatesOut: a proposal, nothing is changed.

    Vendors meet by EAN, or by manufacturer and part number; this is for what those do not tell. Raises ProductUnknown.
    """
    own = catalogue.product(actor, product_id)
    words = rules.understand(own.name[:300], None, ())
    found = ask(SearchRequest(words=words, buyer=queries.buyer_of(actor), limit=50))
    ids = [own.id, *(hit.product_id for hit in found.items if hit.product_id != own.id)]
    items = proposing.items_of(ids)
    others = [one for one in ids[1:] if one in items]
    compared = Groups([items[one] for one in (own.id, *others)])
    scored = [(compared.score(0, at), one) for at, one in enumerate(others, 1) if not compared.apart(0, at)]
    likely = sorted(((score, one) for score, one in scored if score >= PROPOSED), reverse=True)
    return {"items": [{"id": str(one), "name": items[one].name, "score": round(score, 3)} for score, one in likely]}


def preview(actor: Actor, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The first hits of a text without a rule and with it, as of PreviewOut. Raises the refusals of add_rule."""
    facts = {name: wanted[name] for name in ("kind", "words", "one_way", "category_path", "weight") if name in wanted}
    drafted = rules.of_rows([actions.draft(facts)])
    category = wanted.get("category")
    present = rules.in_force()
    request = SearchRequest(
        words=rules.understand(wanted["q"], category, present),
        category=category,
        buyer=queries.buyer_of(actor),
        limit=min(wanted["limit"], 20),
    )
    changed = replace(request, words=rules.understand(wanted["q"], category, (*present, *drafted)))
    before, after = ask(request), ask(changed)
    names = queries.product_names([hit.product_id for found in (before, after) for hit in found.items])
    return {
        "readings": list(changed.words.readings),
        "before": _named(before, names),
        "after": _named(after, names),
        "total_before": before.total,
        "total_after": after.total,
    }


def _named(found: SearchResult, names: Mapping[uuid.UUID, str]) -> list[dict[str, str]]:
    ids = [hit.product_id for hit in found.items]
    return [{"id": str(one), "name": names[one]} for one in ids if one in names]


def _let_go() -> None:
    """A connection is not held while another system is waited for."""
    if queries.engine().outside and not in_transaction():
        read_only_end()
