"""One product as a buyer compares it: what each vendor asks of his company, by quantity, and what comes with it."""

import uuid

from flask import render_template

from marketplace.agreements import queries
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.web import pages_blueprint

routes = pages_blueprint("agreements", __name__)


@routes.get("/products/<uuid:product_id>")
@requires(Permission.CATALOGUE_READ)
def product(product_id: uuid.UUID) -> str:
    """A product with its facts, its documents and its offers, the best price first."""
    return render_template("agreements/product.html", found=queries.product_with_offers(current_actor(), product_id))
