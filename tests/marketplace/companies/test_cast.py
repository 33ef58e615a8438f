"""The cast stands for seven different positions."""

from tests.cast import NAMES


def test_the_cast_acts_for_five_companies(cast):
    companies = {actor.company_id for actor in cast.everyone.values()}
    assert len(cast.everyone) == len(NAMES) == 7
    assert len(companies) == 6  # five companies, and the stranger's None
    assert cast.buyer.company_id == cast.colleague.company_id
    assert cast.vendor.may_sell
    assert not cast.buyer.may_sell
