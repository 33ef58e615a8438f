"""The tables of this room, pair by pair."""

import pytest

from settlements.transfers.states import (
    DEBT_STATES,
    PAYOUT_STATES,
    REVERSAL_STATES,
    TRANSFER_STATES,
    DebtState,
    DebtVerb,
    PayoutState,
    PayoutVerb,
    ReversalState,
    ReversalVerb,
    TransferState,
    TransferVerb,
)

TRANSFER = {
    "requested": {"send": "sent", "refuse": "refused", "withdraw": "withdrawn"},
    "sent": {"confirm": "made", "refuse": "refused", "doubt": "unknown", "postpone": "requested"},
    "unknown": {
        "look_up": "sent",
        "confirm": "made",
        "refuse": "refused",
        "doubt": "unknown",
        "postpone": "requested",
    },
    "made": {"confirm": "made", "reverse_part": "part_reversed", "reverse": "reversed"},
    "part_reversed": {"confirm": "part_reversed", "reverse_part": "part_reversed", "reverse": "reversed"},
    "reversed": {"confirm": "reversed"},
    "refused": {"refuse": "refused"},
    "withdrawn": {},
}
REVERSAL = {
    "requested": {"send": "sent", "withdraw": "withdrawn"},
    "sent": {"confirm": "made", "refuse": "refused", "doubt": "unknown", "postpone": "requested"},
    "unknown": TRANSFER["unknown"],
    "made": {"confirm": "made"},
    "refused": {"refuse": "refused"},
    "withdrawn": {},
}
PAYOUT = {
    "pending": {
        "await": "pending",
        "leave": "in_transit",
        "arrive": "paid",
        "fail": "failed",
        "cancel": "cancelled",
    },
    "in_transit": {
        "await": "in_transit",
        "leave": "in_transit",
        "arrive": "paid",
        "fail": "failed",
        "cancel": "cancelled",
    },
    "paid": {"await": "paid", "leave": "paid", "arrive": "paid", "fail": "failed", "cancel": "paid"},
    "failed": dict.fromkeys(("await", "leave", "arrive", "fail", "cancel"), "failed"),
    "cancelled": dict.fromkeys(("await", "leave", "arrive", "fail", "cancel"), "cancelled"),
}
DEBT = {
    "open": {"remind": "reminded", "escalate": "to_decide", "settle": "settled", "write_off": "written_off"},
    "reminded": {"remind": "reminded", "escalate": "to_decide", "settle": "settled", "write_off": "written_off"},
    "to_decide": {"settle": "settled", "write_off": "written_off"},
    "settled": {},
    "written_off": {},
}
TABLES = [
    (TRANSFER_STATES, TRANSFER, TransferState, TransferVerb),
    (REVERSAL_STATES, REVERSAL, ReversalState, ReversalVerb),
    (PAYOUT_STATES, PAYOUT, PayoutState, PayoutVerb),
    (DEBT_STATES, DEBT, DebtState, DebtVerb),
]


@pytest.mark.parametrize(
    ("table", "expected", "state", "verb"),
    [(table, expected, s, v) for table, expected, states, verbs in TABLES for s in states for v in verbs],
    ids=lambda value: value.value if hasattr(value, "value") else "",
)
def test_each_pair(table, expected, state, verb):
    assert table.get((state, verb)) == expected[state.value].get(verb.value)
