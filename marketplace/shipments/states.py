"""A parcel is announced or under way until delivered, lost or sent back."""

from enum import StrEnum


class ParcelState(StrEnum):
    ANNOUNCED = "announced"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    LOST = "lost"
    RETURNED = "returned"


class ParcelVerb(StrEnum):
    DEPART = "depart"
    DELIVER = "deliver"
    ASSUME_DELIVERED = "assume_delivered"  # by time: nobody said anything
    LOSE = "lose"
    RETURN_TO_SENDER = "return_to_sender"


S, V = ParcelState, ParcelVerb
PARCEL_STATES: dict[tuple[ParcelState, ParcelVerb], ParcelState] = {
    (S.ANNOUNCED, V.DEPART): S.IN_TRANSIT,
    (S.IN_TRANSIT, V.DEPART): S.IN_TRANSIT,
    (S.IN_TRANSIT, V.DELIVER): S.DELIVERED,
    (S.DELIVERED, V.DELIVER): S.DELIVERED,
    (S.IN_TRANSIT, V.ASSUME_DELIVERED): S.DELIVERED,
    (S.IN_TRANSIT, V.LOSE): S.LOST,
    (S.IN_TRANSIT, V.RETURN_TO_SENDER): S.RETURNED,
}
