"""What was agreed in the demonstration: terms, price lists, promotions and deliveries."""

from datetime import date, timedelta
from decimal import Decimal

from marketplace.agreements.models import VendorTerms
from marketplace.kernel import clock
from marketplace.kernel.db import db
from marketplace.rules.models import DeliveryRate, Promotion
from settlements.demo import acting, cast


def agree() -> None:
    for v in cast.of_side("vendor"):
        vid = acting.chief(v.key).company_id
        db.session.add(
            VendorTerms(
                vendor_id=vid,
                valid_from=date(2026, 1, 1) if False else (clock.now() - timedelta(days=5)).date(),
                commission_rate=Decimal(v.commission),
                commission_by_category=v.commission_by_category,
            )
        )
        db.session.add(
            DeliveryRate(vendor_id=vid, name="Parcel", currency="EUR", price_minor=690, free_from_minor=15000)
        )
    db.session.add(
        Promotion(
            vendor_id=acting.chief("nordschraube").company_id,
            name="x",
            code="SCHRAUBE15",
            currency="EUR",
            steps=[{"from_minor": 15000, "amount_minor": 1500}],
            vendor_share=Decimal(1),
            starts_at=clock.now(),
        )
    )
    db.session.flush()
