"""Rules over the API: each party its own promotions and delivery rates, the operator taxes and return policies."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import ProblemOut, api_blueprint, check_match, page_of, paginate, tagged
from marketplace.rules import actions, promotions, queries
from marketplace.rules.models import DeliveryRate, Promotion, ReturnPolicy, TaxRate
from marketplace.rules.schemas import (
    DeliveryRateEdit,
    DeliveryRateIn,
    DeliveryRateOut,
    PromotionEdit,
    PromotionIn,
    PromotionOut,
    ReturnPolicyFilter,
    ReturnPolicyIn,
    ReturnPolicyOut,
    TaxRateFilter,
    TaxRateIn,
    TaxRateOut,
)

routes = api_blueprint("rules", "Promotions, tax rates, delivery rates and return policies.")
_CHANGED = "Changed since it was read."


@routes.get("/promotions")
@requires(Permission.RULES_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(PromotionOut))
def list_promotions(args):
    """List promotions, newest first: a vendor's own, the operator's are all."""
    return paginate(queries.promotions(current_actor()), args, Promotion.id)


@routes.post("/promotions")
@requires(Permission.PROMOTION_EDIT)
@routes.arguments(PromotionIn)
@routes.response(201, PromotionOut)
@routes.alt_response(409, schema=ProblemOut, description="The code is taken.")
def create_promotion(wanted):
    """Make a promotion; a vendor's reaches his own lines and is his to pay."""
    with transaction():
        row = promotions.create(current_actor(), wanted)
    return tagged(PromotionOut().dump(row), row, 201)


@routes.get("/promotions/<uuid:promotion_id>")
@requires(Permission.RULES_READ)
@routes.response(200, PromotionOut)
def show_promotion(promotion_id):
    """Read a promotion."""
    row = queries.promotion(current_actor(), promotion_id)
    return tagged(PromotionOut().dump(row), row)


@routes.patch("/promotions/<uuid:promotion_id>")
@requires(Permission.PROMOTION_EDIT)
@routes.arguments(PromotionEdit)
@routes.response(200, PromotionOut)
@routes.alt_response(409, schema=ProblemOut, description="It has started, or the code is taken.")
@routes.alt_response(412, schema=ProblemOut, description=_CHANGED)
def edit_promotion(wanted, promotion_id):
    """Change a promotion that has not started, by If-Match."""
    with transaction():
        check_match(queries.promotion(current_actor(), promotion_id))
        row = promotions.edit(current_actor(), promotion_id, wanted)
    return tagged(PromotionOut().dump(row), row)


@routes.post("/promotions/<uuid:promotion_id>/end")
@requires(Permission.PROMOTION_EDIT)
@routes.response(200, PromotionOut)
@routes.alt_response(409, schema=ProblemOut, description="It is over already.")
def end_promotion(promotion_id):
    """End a promotion now."""
    with transaction():
        row = promotions.end(current_actor(), promotion_id)
    return tagged(PromotionOut().dump(row), row)


@routes.get("/tax-rates")
@requires(Permission.RULES_READ)
@routes.arguments(TaxRateFilter, location="query")
@routes.response(200, page_of(TaxRateOut))
def list_tax_rates(args):
    """List tax rates by country, past and future ones too."""
    statement = queries.all_tax_rates(current_actor(), args.get("country"))
    return paginate(statement, args, TaxRate.country, TaxRate.category, TaxRate.id, descending=False)


@routes.post("/tax-rates")
@requires(Permission.POLICY_EDIT)
@routes.arguments(TaxRateIn)
@routes.response(201, TaxRateOut)
@routes.alt_response(409, schema=ProblemOut, description="A rate that begins on this day exists.")
def add_tax_rate(wanted):
    """Add the rate of a country from a day on."""
    with transaction():
        return actions.add_tax_rate(wanted)


@routes.get("/delivery-rates")
@requires(Permission.RULES_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(DeliveryRateOut))
def list_delivery_rates(args):
    """List delivery rates, newest first; those out of use are seen by whose they are."""
    return paginate(queries.all_delivery_rates(current_actor()), args, DeliveryRate.id)


@routes.post("/delivery-rates")
@requires(Permission.DELIVERY_RATE_EDIT)
@routes.arguments(DeliveryRateIn)
@routes.response(201, DeliveryRateOut)
def create_delivery_rate(wanted):
    """Offer a delivery: a vendor of his own lines, the operator of any."""
    with transaction():
        row = actions.add_delivery_rate(current_actor(), wanted)
    return tagged(DeliveryRateOut().dump(row), row, 201)


@routes.get("/delivery-rates/<uuid:rate_id>")
@requires(Permission.RULES_READ)
@routes.response(200, DeliveryRateOut)
def show_delivery_rate(rate_id):
    """Read a delivery rate."""
    row = queries.delivery_rate(current_actor(), rate_id)
    return tagged(DeliveryRateOut().dump(row), row)


@routes.patch("/delivery-rates/<uuid:rate_id>")
@requires(Permission.DELIVERY_RATE_EDIT)
@routes.arguments(DeliveryRateEdit)
@routes.response(200, DeliveryRateOut)
@routes.alt_response(412, schema=ProblemOut, description=_CHANGED)
def edit_delivery_rate(wanted, rate_id):
    """Change a delivery rate or take it out of use, by If-Match."""
    with transaction():
        check_match(queries.delivery_rate(current_actor(), rate_id))
        row = actions.edit_delivery_rate(current_actor(), rate_id, wanted)
    return tagged(DeliveryRateOut().dump(row), row)


@routes.get("/return-policies")
@requires(Permission.RULES_READ)
@routes.arguments(ReturnPolicyFilter, location="query")
@routes.response(200, page_of(ReturnPolicyOut))
def list_return_policies(args):
    """List the versions of return policies, newest first."""
    return paginate(queries.return_policies(current_actor(), args.get("profile")), args, ReturnPolicy.id)


@routes.post("/return-policies")
@requires(Permission.POLICY_EDIT)
@routes.arguments(ReturnPolicyIn)
@routes.response(201, ReturnPolicyOut)
def publish_return_policy(wanted):
    """Publish the next version; it holds for orders placed from now on."""
    with transaction():
        return actions.publish_policy(current_actor(), **wanted)


@routes.get("/return-policies/<uuid:policy_id>")
@requires(Permission.RULES_READ)
@routes.response(200, ReturnPolicyOut)
def show_return_policy(policy_id):
    """Read a version of a return policy."""
    return queries.return_policy_version(current_actor(), policy_id)
