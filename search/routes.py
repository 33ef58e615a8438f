"""The API of search."""

from flask import jsonify

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.web import ProblemOut, api_blueprint
from search import queries
from search.schemas import SearchArgs, SearchPage

routes = api_blueprint("search", "Products found by words or part number, with a company's own prices.")


@routes.get("/search")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(SearchArgs(), location="query")
@routes.response(200, SearchPage)
@routes.alt_response(422, schema=ProblemOut, description="Too long, not text, or paged too far.")
def search_products(args):
    """Products that are offered now, the best hit first; without `q` all of the category or vendor."""
    return jsonify(queries.results(current_actor(), args))
