"""The API of prices and terms, and every read of offers that shows a buyer's prices: what a buyer sees of the catalogue
is the catalogue with what was agreed with him, so it stands here, one floor above it."""

from marketplace.agreements import queries
from marketplace.agreements.schemas import ComparedProductOut, CurrencyFilter, OfferFilter, OfferOut
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.web import ProblemOut, api_blueprint, page_of, raw_json, tagged

routes = api_blueprint("agreements", "Offers with a company's own prices, price lists, and vendors' terms.")


@routes.get("/offers")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(OfferFilter(), location="query")
@routes.response(200, page_of(OfferOut))
def list_offers(args):
    """Live offers with this company's prices, newest first."""
    return raw_json(queries.offers_page(current_actor(), args))


@routes.get("/offers/<uuid:offer_id>")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(CurrencyFilter, location="query")
@routes.response(200, OfferOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown, not live, or of a vendor who may not sell.")
def show_offer(args, offer_id):
    """A live offer with this company's price; `price` is null where there is none in the currency."""
    return raw_json(queries.offer_for_buyer(current_actor(), offer_id, args["currency"]))


@routes.get("/products/<uuid:product_id>")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(CurrencyFilter, location="query")
@routes.response(200, ComparedProductOut)
def compare_product(args, product_id):
    """A product with its documents and its offers compared, this company's best price first."""
    compared = queries.product_with_offers(current_actor(), product_id, args["currency"])
    return tagged(ComparedProductOut().dump(compared), compared.product)
