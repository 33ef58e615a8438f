"""The API of prices and terms, and every read of offers that shows a buyer's prices: what a buyer sees of the catalogue
is the catalogue with what was agreed with him, so it stands here, one floor above it."""

from marketplace.agreements import actions, queries, views
from marketplace.agreements.schemas import (
    ComparedProductOut,
    CurrencyFilter,
    ListCompaniesIn,
    ListCompaniesOut,
    OfferFilter,
    OfferOut,
    PriceListEdit,
    PriceListIn,
    PriceListOut,
    PriceRowOut,
    PricesIn,
    TermsIn,
    TermsOut,
)
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, check_match, page_of, raw_json, tagged

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


@routes.get("/price-lists")
@requires(Permission.PRICE_EDIT)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(PriceListOut))
def list_price_lists(args):
    """The vendor's price lists; for the operator those of all vendors."""
    return queries.price_lists(current_actor(), args)


@routes.post("/price-lists")
@requires(Permission.PRICE_EDIT)
@routes.arguments(PriceListIn)
@routes.response(201, PriceListOut)
@routes.alt_response(409, schema=ProblemOut, description="There is a public list in this currency.")
def create_price_list(wanted):
    """Begin a public, company, campaign or contract list."""
    with transaction():
        row = actions.create_list(current_actor(), wanted)
    return tagged(PriceListOut().dump(row), row, 201)


@routes.get("/price-lists/<uuid:list_id>")
@requires(Permission.PRICE_EDIT)
@routes.response(200, PriceListOut)
def show_price_list(list_id):
    """One price list."""
    row = queries.price_list(current_actor(), list_id)
    return tagged(PriceListOut().dump(row), row)


@routes.patch("/price-lists/<uuid:list_id>")
@requires(Permission.PRICE_EDIT)
@routes.arguments(PriceListEdit)
@routes.response(200, PriceListOut)
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
def edit_price_list(wanted, list_id):
    """Rename a list or set its days, by If-Match."""
    with transaction():
        check_match(queries.price_list(current_actor(), list_id))
        row = actions.edit_list(current_actor(), list_id, wanted)
    return tagged(PriceListOut().dump(row), row)


@routes.delete("/price-lists/<uuid:list_id>")
@requires(Permission.PRICE_EDIT)
@routes.response(204)
def remove_price_list(list_id):
    """Take a list with its prices away; orders keep theirs."""
    with transaction():
        actions.remove_list(current_actor(), list_id)


@routes.get("/price-lists/<uuid:list_id>/companies")
@requires(Permission.PRICE_EDIT)
@routes.response(200, ListCompaniesOut)
def show_list_companies(list_id):
    """The companies that a list is for."""
    return {"company_ids": [row.company_id for row in queries.companies_of(current_actor(), list_id)]}


@routes.put("/price-lists/<uuid:list_id>/companies")
@requires(Permission.PRICE_EDIT)
@routes.arguments(ListCompaniesIn)
@routes.response(200, ListCompaniesOut)
@routes.alt_response(409, schema=ProblemOut, description="Public and campaign lists are for everyone.")
def set_list_companies(wanted, list_id):
    """Say for which companies a contract or company list is."""
    with transaction():
        rows = actions.set_companies(current_actor(), list_id, wanted["company_ids"])
    return {"company_ids": [row.company_id for row in rows]}


@routes.get("/price-lists/<uuid:list_id>/prices")
@requires(Permission.PRICE_EDIT)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(PriceRowOut))
def show_prices(args, list_id):
    """The prices in a list, by offer and quantity."""
    return queries.prices_in(current_actor(), list_id, args)


@routes.put("/price-lists/<uuid:list_id>/prices")
@requires(Permission.PRICE_EDIT)
@routes.arguments(PricesIn)
@routes.response(200, PriceListOut)
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
@routes.alt_response(
    422, schema=ProblemOut, description="Some rows are wrong: each with its pointer; none was written."
)
def set_prices(wanted, list_id):
    """Set the prices of up to 1,000 offers in a list, by If-Match; the other offers keep theirs."""
    with transaction():
        check_match(queries.price_list(current_actor(), list_id))
        row = actions.set_prices(current_actor(), list_id, wanted["prices"])
    return tagged(PriceListOut().dump(row), row)


@routes.get("/vendors/<uuid:vendor_id>/terms")
@requires(Permission.TERMS_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(TermsOut))
def list_terms(args, vendor_id):
    """A vendor's terms, the latest first."""
    page = queries.terms_of(current_actor(), vendor_id, args)
    return Page(views.terms(page.items), page.next)


@routes.post("/vendors/<uuid:vendor_id>/terms")
@requires(Permission.TERMS_EDIT)
@routes.arguments(TermsIn)
@routes.response(201, TermsOut)
@routes.alt_response(409, schema=ProblemOut, description="Terms that begin on this day exist.")
def agree_terms(wanted, vendor_id):
    """Agree new terms with a vendor from a day on; what was agreed before is never changed."""
    with transaction():
        row = actions.agree_terms(current_actor(), vendor_id, wanted)
        return views.terms([row])[0]
