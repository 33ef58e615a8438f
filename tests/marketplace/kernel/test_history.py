"""A state moves by its table only, and each move leaves a line."""

import pytest

from marketplace.catalogue.states import OfferState, OfferVerb
from marketplace.kernel import history
from marketplace.kernel.db import transaction
from marketplace.kernel.states import IllegalMove
from tests.builders.catalogue import an_offer
from tests.cast import Cast


def test_a_move_leaves_a_line(cast: Cast) -> None:
    offer = an_offer(cast.vendor_company)
    with transaction():
        assert history.move(offer, OfferVerb.PAUSE, cast.vendor, note="holidays")
    (line,) = history.lines_of("offer", offer.id)
    assert (line.verb, line.from_state, line.to_state, line.note) == ("pause", "live", "paused", "holidays")
    assert (line.person_id, line.company_id) == (cast.vendor.person_id, cast.vendor_company.id)


def test_what_the_table_does_not_name_is_refused(cast: Cast) -> None:
    offer = an_offer(cast.vendor_company)
    with transaction(), pytest.raises(IllegalMove) as refused:
        history.move(offer, OfferVerb.PUBLISH, cast.vendor)
    assert refused.value.facts == {"state": "live", "verb": "publish", "possible": ["end", "pause"]}
    assert (offer.state, history.lines_of("offer", offer.id)) == (OfferState.LIVE, [])


def test_a_move_outside_a_transaction_is_a_defect(cast: Cast) -> None:
    with pytest.raises(RuntimeError):
        history.move(an_offer(cast.vendor_company), OfferVerb.PAUSE, cast.vendor)
