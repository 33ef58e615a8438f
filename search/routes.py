"""The API of search: hits, completions, relatives and comparisons for buyers; rules, insight and the index for the
operator."""

from flask import jsonify, request

from marketplace.catalogue import queries as catalogue
from marketplace.catalogue.schemas import ProductOut
from marketplace.kernel import csv_files, queue
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import read_only_end, transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import ProblemOut, api_blueprint, check_match, page_of, tagged
from search import actions, compare, finding, indexing, insight, proposals, queries
from search.schemas import (
    AcceptIn,
    CompareArgs,
    ComparisonOut,
    CompletionArgs,
    CompletionsOut,
    DuplicatesOut,
    InsightArgs,
    InsightOut,
    MergeIn,
    ProposalFilter,
    ProposalOut,
    RejectIn,
    RelatedArgs,
    RelatedOut,
    SearchArgs,
    SearchIndexOut,
    SearchPage,
    SearchPreviewIn,
    SearchPreviewOut,
    SearchRuleEdit,
    SearchRuleIn,
    SearchRuleOut,
    VisitIn,
)

routes = api_blueprint("search", "Products found by words or part number, with a company's own prices.")
_AWAY = {"schema": ProblemOut, "description": "Search is away; everything else works."}
_QUERIES = ("words", "searches", "companies", "without_result", "found", "clicks", "orders", "last_at")


@routes.get("/search")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(SearchArgs(), location="query")
@routes.response(200, SearchPage)
@routes.alt_response(422, schema=ProblemOut, description="Too long, not text, or paged too far.")
@routes.alt_response(503, **_AWAY)
def search_products(args):
    """Products that are offered now, the best hit first; without `q` all of the category or vendor."""
    return jsonify(finding.search(current_actor(), args))


@routes.get("/search/completions")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(CompletionArgs(), location="query")
@routes.response(200, CompletionsOut)
@routes.alt_response(503, **_AWAY)
def complete_search(args):
    """Products, categories and vendors that begin so."""
    return jsonify(finding.complete(current_actor(), args["q"], args["limit"], args["language"]))


@routes.get("/products/<uuid:product_id>/related")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(RelatedArgs(), location="query")
@routes.response(200, RelatedOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
@routes.alt_response(503, **_AWAY)
def related_products(args, product_id):
    """Others of the category that share most attributes, and what was bought together with it."""
    return jsonify(finding.related(current_actor(), product_id, args["limit"], args.get("currency")))


@routes.get("/products/<uuid:product_id>/duplicates")
@requires(Permission.SEARCH_STEER)
@routes.response(200, DuplicatesOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
@routes.alt_response(503, **_AWAY)
def list_duplicates(product_id):
    """Products that may be the same one, with a score: for what neither EAN nor part number tells."""
    return jsonify(finding.duplicates(current_actor(), product_id))


@routes.get("/product-proposals")
@requires(Permission.PRODUCT_MERGE)
@routes.arguments(ProposalFilter, location="query")
@routes.response(200, page_of(ProposalOut))
def list_proposals(args):
    """Pairs of products that may be one, the likeliest first."""
    return proposals.page_of(current_actor(), args)


@routes.get("/product-proposals/<uuid:proposal_id>")
@requires(Permission.PRODUCT_MERGE)
@routes.response(200, ProposalOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
def show_proposal(proposal_id):
    """A pair with its ETag."""
    return _proposal(proposals.proposal(current_actor(), proposal_id))


@routes.post("/product-proposals/<uuid:proposal_id>/accept")
@requires(Permission.PRODUCT_MERGE)
@routes.arguments(AcceptIn)
@routes.response(200, ProductOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
@routes.alt_response(409, schema=ProblemOut, description="Decided, merged meanwhile, or the numbers contradict.")
@routes.alt_response(412, schema=ProblemOut, description="It, or one of the products, changed since it was read.")
@routes.alt_response(428, schema=ProblemOut, description="If-Match or the versions of the products are missing.")
def accept_proposal(wanted, proposal_id):
    """They are one: merge them, by If-Match and the versions of both. Answers the one that stays; it is not undone."""
    with transaction():
        check_match(proposals.proposal(current_actor(), proposal_id, lock=True))
        survivor = proposals.accept(current_actor(), proposal_id, wanted.get("survivor_id"), _seen(wanted))
    return tagged(ProductOut().dump(survivor), survivor)


@routes.post("/product-proposals/<uuid:proposal_id>/reject")
@requires(Permission.PRODUCT_MERGE)
@routes.arguments(RejectIn)
@routes.response(200, ProposalOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
@routes.alt_response(409, schema=ProblemOut, description="Decided already.")
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
@routes.alt_response(428, schema=ProblemOut, description="If-Match is missing.")
def reject_proposal(wanted, proposal_id):
    """They are two, by If-Match: this pair is not proposed again."""
    with transaction():
        check_match(proposals.proposal(current_actor(), proposal_id, lock=True))
        row = proposals.reject(current_actor(), proposal_id, wanted["reason"])
    return _proposal(row)


def _proposal(row):
    (compared,) = proposals.compared(current_actor(), [row])
    return tagged(ProposalOut().dump(compared), row)


@routes.post("/products/<uuid:product_id>/merge")
@requires(Permission.PRODUCT_MERGE)
@routes.arguments(MergeIn)
@routes.response(200, ProductOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
@routes.alt_response(409, schema=ProblemOut, description="One product already, or the numbers contradict.")
@routes.alt_response(412, schema=ProblemOut, description="One of the products changed since it was read.")
@routes.alt_response(428, schema=ProblemOut, description="If-Match or the versions of the products are missing.")
def merge_product(wanted, product_id):
    """Merge a product into another, by If-Match and the versions of both. Answers the one that stays; not undone."""
    with transaction():
        check_match(catalogue.product(current_actor(), product_id))
        survivor = proposals.merge(current_actor(), product_id, wanted["into"], _seen(wanted))
    return tagged(ProductOut().dump(survivor), survivor)


def _seen(wanted):
    """The versions that were compared; None, whatever they are, is said by `If-Match: *`."""
    return wanted.get("product_versions", None if request.if_match.star_tag else {})


@routes.get("/products/compare")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(CompareArgs(), location="query")
@routes.response(200, ComparisonOut)
@routes.alt_response(404, schema=ProblemOut, description="One of them is unknown.")
def compare_products(args):
    """Two to six products by their attributes, with this company's prices."""
    return compare.compared(current_actor(), args["product"], args.get("currency"))


@routes.post("/search/visits")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(VisitIn)
@routes.response(204)
@routes.alt_response(404, schema=ProblemOut, description="Unknown product.")
def note_visit(wanted):
    """Say which hit of a search was opened."""
    with transaction():
        finding.visit(current_actor(), wanted["query_id"], wanted["product_id"])


@routes.get("/search/rules")
@requires(Permission.SEARCH_STEER)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(SearchRuleOut))
def list_rules(args):
    """Synonyms and boosts, newest first."""
    return queries.rules_of(current_actor(), args)


@routes.post("/search/rules")
@requires(Permission.SEARCH_STEER)
@routes.arguments(SearchRuleIn)
@routes.response(201, SearchRuleOut)
@routes.alt_response(
    409, schema=ProblemOut, description="There already, one-way synonyms in a circle, or too many rules."
)
def add_rule(wanted):
    """Add a synonym or a boost; in force at once."""
    with transaction():
        row = actions.add_rule(current_actor(), wanted)
    return tagged(SearchRuleOut().dump(row), row, 201)


@routes.get("/search/rules/<uuid:rule_id>")
@requires(Permission.SEARCH_STEER)
@routes.response(200, SearchRuleOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
def show_rule(rule_id):
    """A rule with its ETag."""
    row = queries.rule(current_actor(), rule_id)
    return tagged(SearchRuleOut().dump(row), row)


@routes.patch("/search/rules/<uuid:rule_id>")
@requires(Permission.SEARCH_STEER)
@routes.arguments(SearchRuleEdit)
@routes.response(200, SearchRuleOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
@routes.alt_response(409, schema=ProblemOut, description="There already, or one-way synonyms in a circle.")
@routes.alt_response(412, schema=ProblemOut, description="Edited meanwhile.")
@routes.alt_response(428, schema=ProblemOut, description="If-Match is missing.")
def edit_rule(wanted, rule_id):
    """Change a rule, by If-Match."""
    with transaction():
        check_match(queries.rule(current_actor(), rule_id))
        row = actions.edit_rule(current_actor(), rule_id, wanted)
    return tagged(SearchRuleOut().dump(row), row)


@routes.delete("/search/rules/<uuid:rule_id>")
@requires(Permission.SEARCH_STEER)
@routes.response(204)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
def remove_rule(rule_id):
    """Take a rule away."""
    with transaction():
        actions.remove_rule(current_actor(), rule_id)


@routes.post("/search/rules/preview")
@requires(Permission.SEARCH_STEER)
@routes.arguments(SearchPreviewIn)
@routes.response(200, SearchPreviewOut)
@routes.alt_response(409, schema=ProblemOut, description="One-way synonyms in a circle.")
@routes.alt_response(503, **_AWAY)
def preview_rule(wanted):
    """The first hits of a text without a rule and with it; nothing is saved."""
    return jsonify(finding.preview(current_actor(), wanted))


@routes.get("/search/queries")
@requires(Permission.SEARCH_STEER)
@routes.arguments(InsightArgs(), location="query")
@routes.response(200, InsightOut)
def list_queries(args):
    """What was searched: how often, with how many hits, opened and ordered."""
    return {"items": insight.told(args)}


@routes.get("/search/queries.csv")
@requires(Permission.SEARCH_STEER)
@routes.arguments(InsightArgs(), location="query")
@routes.doc(responses=csv_files.DESCRIBED)
def export_queries(args):
    """The same as CSV."""
    return csv_files.answered("queries", _QUERIES, insight.told(args))


@routes.get("/search/index")
@requires(Permission.OPERATE)
@routes.response(200, SearchIndexOut)
def show_index():
    """What waits for the index, and for how long."""
    return {"engine": queries.engine().name, **indexing.figures()}


@routes.post("/search/index/rebuild")
@requires(Permission.OPERATE)
@routes.response(202)
def rebuild_index():
    """Have the index made anew by the background; the present one serves until the new one is whole."""
    read_only_end()
    queue.enqueue("search.rebuild")
