"""The API of categories, shared products and a vendor's own offers. What a buyer sees of an offer has prices in it, and
prices are agreed one floor up: those reads are in marketplace/agreements/routes.py."""

from marketplace.catalogue import actions, categories, products, queries
from marketplace.catalogue.schemas import (
    CategoryEdit,
    CategoryIn,
    CategoryOut,
    CategoryTree,
    DocumentIn,
    DocumentOut,
    OfferEdit,
    OfferIn,
    OwnOfferFilter,
    OwnOfferOut,
    ProductEdit,
    ProductFilter,
    ProductIn,
    ProductOut,
    ProductTextIn,
    ProductTextOut,
    ProductTexts,
    StockIn,
)
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.web import ProblemOut, api_blueprint, check_match, check_put, page_of, tagged

routes = api_blueprint("catalogue", "Categories, products, and the vendors' own offers.")


@routes.get("/categories")
@requires(Permission.CATALOGUE_READ)
@routes.response(200, CategoryTree)
def list_categories():
    """The tree of categories, each before those below it."""
    return {"items": queries.categories(current_actor())}


@routes.get("/categories/<uuid:category_id>")
@requires(Permission.CATALOGUE_READ)
@routes.response(200, CategoryOut)
def show_category(category_id):
    """One category."""
    return queries.category(current_actor(), category_id)


@routes.post("/categories")
@requires(Permission.CATALOGUE_EDIT, Permission.OPERATE)
@routes.arguments(CategoryIn)
@routes.response(201, CategoryOut)
@routes.alt_response(409, schema=ProblemOut, description="The slug is taken at this place.")
def create_category(wanted):
    """Add a category to the tree."""
    with transaction():
        return categories.create(current_actor(), wanted)


@routes.patch("/categories/<uuid:category_id>")
@requires(Permission.CATALOGUE_EDIT, Permission.OPERATE)
@routes.arguments(CategoryEdit)
@routes.response(200, CategoryOut)
@routes.alt_response(409, schema=ProblemOut, description="The slug is taken at this place.")
def edit_category(wanted, category_id):
    """Rename, reorder or move a category with all below it."""
    with transaction():
        return categories.edit(current_actor(), category_id, wanted)


@routes.delete("/categories/<uuid:category_id>")
@requires(Permission.CATALOGUE_EDIT, Permission.OPERATE)
@routes.response(204)
@routes.alt_response(409, schema=ProblemOut, description="Products or categories stand below it.")
def remove_category(category_id):
    """Remove an empty category."""
    with transaction():
        categories.remove(current_actor(), category_id)


@routes.get("/products")
@requires(Permission.CATALOGUE_READ)
@routes.arguments(ProductFilter, location="query")
@routes.response(200, page_of(ProductOut))
def list_products(args):
    """Products by EAN, manufacturer, part number or category: look here before bringing a new one."""
    return queries.products(current_actor(), args)


@routes.post("/products")
@requires(Permission.CATALOGUE_EDIT)
@routes.arguments(ProductIn)
@routes.response(201, ProductOut)
@routes.alt_response(409, schema=ProblemOut, description="Known already: `product_id` says which.")
def create_product(wanted):
    """Bring a product that nobody offers yet."""
    with transaction():
        product = products.create(current_actor(), wanted)
    return tagged(ProductOut().dump(product), product, 201)


@routes.patch("/products/<uuid:product_id>")
@requires(Permission.CATALOGUE_EDIT)
@routes.arguments(ProductEdit)
@routes.response(200, ProductOut)
@routes.alt_response(403, schema=ProblemOut, description="Another's, or shared by several vendors.")
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
def edit_product(wanted, product_id):
    """Change a product, by If-Match."""
    with transaction():
        check_match(queries.product(current_actor(), product_id))
        product = products.edit(current_actor(), product_id, wanted)
    return tagged(ProductOut().dump(product), product)


@routes.get("/products/<uuid:product_id>/texts")
@requires(Permission.CATALOGUE_READ)
@routes.response(200, ProductTexts)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
def list_product_texts(product_id):
    """Name and description of a product in other languages."""
    product = queries.product(current_actor(), product_id)
    return {"items": queries.product_texts(current_actor(), product.id)}


@routes.get("/products/<uuid:product_id>/texts/<any(fr, es, zh, ru):language>")
@requires(Permission.CATALOGUE_READ)
@routes.response(200, ProductTextOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown, or not said in this language.")
def show_product_text(product_id, language):
    """Name and description of a product in one other language, with its ETag."""
    row = queries.product_text_seen(current_actor(), product_id, language)
    return tagged(ProductTextOut().dump(row), row)


@routes.put("/products/<uuid:product_id>/texts/<any(fr, es, zh, ru):language>")
@requires(Permission.CATALOGUE_EDIT)
@routes.arguments(ProductTextIn)
@routes.response(200, ProductTextOut)
@routes.alt_response(404, schema=ProblemOut, description="Unknown.")
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read, or said by somebody meanwhile.")
def set_product_text(wanted, product_id, language):
    """Say name and description of a product in another language; what was said before is changed by If-Match."""
    with transaction():
        product = queries.product(current_actor(), product_id, lock=True)
        check_put(queries.product_text(product.id, language))
        row = products.set_text(current_actor(), product.id, language, wanted)
    return tagged(ProductTextOut().dump(row), row)


@routes.post("/products/<uuid:product_id>/documents")
@requires(Permission.CATALOGUE_EDIT)
@routes.arguments(DocumentIn)
@routes.response(201, DocumentOut)
def add_document(wanted, product_id):
    """Add a data sheet, manual or certificate by its address."""
    with transaction():
        return products.add_document(current_actor(), product_id, wanted)


@routes.delete("/documents/<uuid:document_id>")
@requires(Permission.CATALOGUE_EDIT)
@routes.response(204)
def remove_document(document_id):
    """Remove a document that this company added."""
    with transaction():
        products.remove_document(current_actor(), document_id)


@routes.get("/vendor/offers")
@requires(Permission.OFFER_EDIT)
@routes.arguments(OwnOfferFilter, location="query")
@routes.response(200, page_of(OwnOfferOut))
def list_own_offers(args):
    """The vendor's own offers in every state with their stock; for the operator those of all vendors."""
    return queries.own_offers(current_actor(), args)


@routes.get("/vendor/offers/<uuid:offer_id>")
@requires(Permission.OFFER_EDIT)
@routes.response(200, OwnOfferOut)
def show_own_offer(offer_id):
    """One of the vendor's own offers, in whatever state, with its stock."""
    own = queries.own_offer(current_actor(), offer_id)
    return tagged(OwnOfferOut().dump(own), own.offer)


@routes.post("/vendor/offers")
@requires(Permission.OFFER_EDIT)
@routes.arguments(OfferIn)
@routes.response(201, OwnOfferOut)
@routes.alt_response(403, schema=ProblemOut, description="The operator ended the offer of this SKU.")
@routes.alt_response(409, schema=ProblemOut, description="The SKU is taken.")
def create_offer(wanted):
    """Draft an offer of a product. One of the same SKU and product that has ended is a draft again, under its id."""
    with transaction():
        own = actions.create(current_actor(), wanted)
    return tagged(OwnOfferOut().dump(own), own.offer, 201)


@routes.patch("/vendor/offers/<uuid:offer_id>")
@requires(Permission.OFFER_EDIT)
@routes.arguments(OfferEdit)
@routes.response(200, OwnOfferOut)
@routes.alt_response(409, schema=ProblemOut, description="The SKU is taken, or the offer has ended.")
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
def edit_offer(wanted, offer_id):
    """Change an offer, by If-Match."""
    with transaction():
        check_match(queries.offer(current_actor(), offer_id))
        own = actions.edit(current_actor(), offer_id, wanted)
    return tagged(OwnOfferOut().dump(own), own.offer)


@routes.post("/vendor/offers/<uuid:offer_id>/publish")
@requires(Permission.OFFER_EDIT)
@routes.response(200, OwnOfferOut)
@routes.alt_response(403, schema=ProblemOut, description="The company may not sell at present.")
@routes.alt_response(409, schema=ProblemOut, description="Not possible in this state.")
def publish_offer(offer_id):
    """Make an offer live."""
    with transaction():
        return actions.publish_offer(current_actor(), offer_id)


@routes.post("/vendor/offers/<uuid:offer_id>/pause")
@requires(Permission.OFFER_EDIT)
@routes.response(200, OwnOfferOut)
@routes.alt_response(409, schema=ProblemOut, description="Not possible in this state.")
def pause_offer(offer_id):
    """Take an offer out of sale for a while."""
    with transaction():
        return actions.pause(current_actor(), offer_id)


@routes.post("/vendor/offers/<uuid:offer_id>/end")
@requires(Permission.OFFER_EDIT)
@routes.response(200, OwnOfferOut)
@routes.alt_response(409, schema=ProblemOut, description="Not possible in this state.")
def end_offer(offer_id):
    """Take an offer out of sale until its SKU is offered again."""
    with transaction():
        return actions.end(current_actor(), offer_id)


@routes.put("/vendor/offers/<uuid:offer_id>/stock")
@requires(Permission.OFFER_EDIT)
@routes.arguments(StockIn)
@routes.response(200, OwnOfferOut)
def set_stock(wanted, offer_id):
    """Say how much lies in store; what orders hold stays held."""
    with transaction():
        return actions.set_stock(current_actor(), offer_id, wanted["on_hand"])
