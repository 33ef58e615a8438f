"""The lines of a cart as the formula's order, and what an order keeps of each beside the formula's facts."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketplace.agreements.queries import OfferPrice
from marketplace.carts.models import Cart
from marketplace.carts.queries import Item, OfferFacts, Party
from marketplace.orders.actions import DeliveryTerms, LineTerms
from marketplace.pricing import facts as pricing
from marketplace.rules.queries import OfferedDelivery, RunningPromotion
from marketplace.rules.tax import Rates, tax_facts


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that are delivered together: a vendor's, or those of several vendors whom the operator delivers."""

    id: uuid.UUID
    rate: OfferedDelivery
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Taxes:
    """Who buys from whom to where, for the tax facts of every line and delivery."""

    buyer: Party
    operator: Party | None
    country: str
    rates: Rates

    def of_goods(self, offer: OfferFacts, tax_category: str) -> dict[str, Any]:
        """Of a line, or of a delivery that its vendor sells with it."""
        return self._facts(offer.vendor_country, offer.vendor_vat_id, offer, tax_category, service=False)

    def of_operator_delivery(self, offer: OfferFacts, tax_category: str) -> dict[str, Any]:
        """Of a delivery that the operator sells."""
        country = self.operator.country if self.operator else offer.vendor_country
        vat_id = self.operator.vat_id if self.operator else None
        return self._facts(country, vat_id, offer, tax_category, service=True)

    def _facts(
        self, country: str, vat_id: str | None, offer: OfferFacts, tax_category: str, *, service: bool
    ) -> dict[str, Any]:
        return tax_facts(
            supplier_country=country,
            supplier_vat_id=vat_id,
            ship_from=offer.ship_from_country,
            ship_to=self.country,
            buyer_country=self.buyer.country,
            buyer_vat_id=self.buyer.vat_id,
            buyer_vat_checked_at=self.buyer.vat_checked_at,
            buyer_vat_valid=bool(self.buyer.vat_id),
            tax_category=tax_category,
            rates=self.rates,
            service=service,
        )


class OrderFacts:
    """The formula's order of the lines that can be ordered, and the terms that an order keeps beside it."""

    def __init__(
        self,
        cart: Cart,
        items: Sequence[Item],
        prices: Mapping[uuid.UUID, OfferPrice],
        groups: Sequence[Group],
        promotions: Sequence[RunningPromotion],
        taxes: Taxes,
        commissions: Mapping[tuple[uuid.UUID, str | None], Decimal],
    ) -> None:
        self.cart, self.prices, self.groups, self.commissions = cart, prices, groups, commissions
        self.pairs = [(item, item.offer) for item in items if item.offer is not None]
        self.taxes = [taxes.of_goods(offer, offer.tax_category) for _, offer in self.pairs]
        self.delivery_taxes = [self._delivery_tax(group, taxes) for group in groups]
        self.delivery_of = {item.line.id: str(group.id) for group in groups for item in group.items}
        scoped = [(row, self._scope(row)) for row in promotions]
        self.scoped = [(row, lines) for row, lines in scoped if lines]
        self.applied = [row for row, _ in self.scoped]

    def order(self) -> pricing.Order:
        return pricing.Order(
            currency=self.cart.currency,
            prices_include_tax=self.cart.prices_include_tax,
            lines=tuple(
                self._line(item, offer, tax) for (item, offer), tax in zip(self.pairs, self.taxes, strict=True)
            ),
            promotions=tuple(self._promotion(row, lines) for row, lines in self.scoped),
            deliveries=tuple(
                pricing.Delivery(
                    id=str(group.id),
                    seller=str(group.rate.vendor_id) if group.rate.vendor_id else pricing.MARKETPLACE,
                    price_minor=group.rate.price_minor,
                    free_from_minor=group.rate.free_from_minor,
                    free_basis=pricing.FreeBasis(group.rate.free_basis),
                    tax_rate=Decimal(tax["rate"]),
                )
                for group, tax in zip(self.groups, self.delivery_taxes, strict=True)
            ),
        )

    def line_terms(self) -> list[LineTerms]:
        return [
            LineTerms(
                id=item.line.id,
                vendor_id=offer.vendor_id,
                offer_id=offer.id,
                product_id=offer.product_id,
                sku=offer.sku,
                name=offer.name,
                unit=offer.unit,
                price_source=source_of(self.prices[offer.id]),
                tax=tax,
                pointer=item.pointer,
            )
            for (item, offer), tax in zip(self.pairs, self.taxes, strict=True)
        ]

    def delivery_terms(self) -> list[DeliveryTerms]:
        return [
            DeliveryTerms(id=group.id, vendor_id=group.rate.vendor_id, name=group.rate.name, tax=tax)
            for group, tax in zip(self.groups, self.delivery_taxes, strict=True)
        ]

    def _line(self, item: Item, offer: OfferFacts, tax: Mapping[str, Any]) -> pricing.Line:
        return pricing.Line(
            id=str(item.line.id),
            vendor=str(offer.vendor_id),
            quantity=item.line.quantity,
            prices=tuple(pricing.PriceTier(quantity, price) for quantity, price in self.prices[offer.id].tiers),
            tax_rate=Decimal(tax["rate"]),
            commission_rate=self.commissions[offer.vendor_id, offer.category_path],
            delivery=self.delivery_of.get(item.line.id),
            restocking_rate=offer.restocking_rate,
        )

    @staticmethod
    def _delivery_tax(group: Group, taxes: Taxes) -> dict[str, Any]:
        first = next(item.offer for item in group.items if item.offer is not None)
        by = taxes.of_goods if group.rate.vendor_id else taxes.of_operator_delivery
        return by(first, group.rate.tax_category)

    def _scope(self, row: RunningPromotion) -> tuple[str, ...]:
        return tuple(str(item.line.id) for item, offer in self.pairs if in_scope(row, offer))

    def _promotion(self, row: RunningPromotion, lines: tuple[str, ...]) -> pricing.Promotion:
        return pricing.Promotion(
            id=str(row.id),
            steps=tuple(
                pricing.PromotionStep(
                    from_minor=step["from_minor"],
                    rate=Decimal(step["rate"]) if step.get("rate") is not None else None,
                    amount_minor=step.get("amount_minor"),
                )
                for step in row.steps
            ),
            vendor_share=row.vendor_share,
            lines=None if len(lines) == len(self.pairs) else lines,
        )


def in_scope(row: RunningPromotion, offer: OfferFacts) -> bool:
    """Does a promotion reach an offer? Each part of its scope that is not empty has to name it."""
    if row.vendor_id is not None and row.vendor_id != offer.vendor_id:
        return False
    vendors, offers = row.scope.get("vendors"), row.scope.get("offers")
    categories: Sequence[str] = row.scope.get("categories") or ()
    path = offer.category_path or ""
    return (
        (not vendors or str(offer.vendor_id) in vendors)
        and (not offers or str(offer.id) in offers)
        and (not categories or any(path == one or path.startswith(f"{one}/") for one in categories))
    )


def source_of(price: OfferPrice) -> dict[str, Any]:
    """Where a price came from, as plain JSON values."""
    return {"list_id": str(price.list_id), "kind": price.kind, "name": price.list_name}
