"""Offers are published, paused, ended; reservations are held until used, released or expired."""

from enum import StrEnum


class OfferState(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"


class OfferVerb(StrEnum):
    PUBLISH = "publish"
    PAUSE = "pause"
    END = "end"
    RELIST = "relist"  # its vendor offers the same product by the same SKU again


OFFER_STATES: dict[tuple[OfferState, OfferVerb], OfferState] = {
    (OfferState.DRAFT, OfferVerb.PUBLISH): OfferState.LIVE,
    (OfferState.PAUSED, OfferVerb.PUBLISH): OfferState.LIVE,
    (OfferState.LIVE, OfferVerb.PAUSE): OfferState.PAUSED,
    (OfferState.DRAFT, OfferVerb.END): OfferState.ENDED,
    (OfferState.LIVE, OfferVerb.END): OfferState.ENDED,
    (OfferState.PAUSED, OfferVerb.END): OfferState.ENDED,
    (OfferState.ENDED, OfferVerb.RELIST): OfferState.DRAFT,
}


class ReservationState(StrEnum):
    HELD = "held"
    USED = "used"
    EXPIRED = "expired"
    RELEASED = "released"


class ReservationVerb(StrEnum):
    USE = "use"
    EXPIRE = "expire"
    RELEASE = "release"
    RENEW = "renew"  # paid after its end, while stock lasts


RESERVATION_STATES: dict[tuple[ReservationState, ReservationVerb], ReservationState] = {
    (ReservationState.HELD, ReservationVerb.USE): ReservationState.USED,
    (ReservationState.HELD, ReservationVerb.EXPIRE): ReservationState.EXPIRED,
    (ReservationState.HELD, ReservationVerb.RELEASE): ReservationState.RELEASED,
    (ReservationState.EXPIRED, ReservationVerb.RENEW): ReservationState.HELD,
}
