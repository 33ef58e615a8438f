"""Every pair of state and verb: what the tables allow and what they refuse."""

from itertools import product

import pytest

from marketplace.kernel.states import IllegalMove, advance
from vendors.feeds.states import FEED_STATES, FeedState, FeedVerb
from vendors.onboarding.states import (
    APPLICATION_STATES,
    VENDOR_STATES,
    ApplicationState,
    ApplicationVerb,
    VendorState,
    VendorVerb,
)

ALLOWED = {
    ("draft", "submit"): "submitted",
    ("questions", "submit"): "submitted",
    ("submitted", "ask"): "questions",
    ("submitted", "approve"): "approved",
    ("submitted", "decline"): "declined",
    ("active", "suspend"): "suspended",
    ("suspended", "reinstate"): "active",
    ("active", "close"): "closed",
    ("suspended", "close"): "closed",
    ("received", "start"): "running",
    ("running", "start"): "running",
    ("running", "resume"): "running",
    ("failed", "resume"): "running",
    ("running", "finish"): "finished",
    ("running", "fail"): "failed",
    ("received", "cancel"): "cancelled",
    ("running", "cancel"): "cancelled",
}
PAIRS = [
    *product([APPLICATION_STATES], ApplicationState, ApplicationVerb),
    *product([VENDOR_STATES], VendorState, VendorVerb),
    *product([FEED_STATES], FeedState, FeedVerb),
]


@pytest.mark.parametrize(("table", "state", "verb"), PAIRS)
def test_each_pair(table, state, verb):
    expected = ALLOWED.get((state.value, verb.value))
    if expected is None:
        with pytest.raises(IllegalMove):
            advance(table, state, verb)
    else:
        assert advance(table, state, verb) == expected
