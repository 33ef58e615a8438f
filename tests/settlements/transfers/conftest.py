"""A vendor with an account at the provider in memory."""

import pytest

from marketplace.kernel.db import transaction
from tests.builders.transfers import an_account


@pytest.fixture
def vendor(cast):
    """The id of the vendor of the cast."""
    return cast.vendor_company.id


@pytest.fixture
def account(session, cast, gateway):
    """The provider's id of the vendor's account."""
    with transaction():
        return an_account(gateway, cast.vendor_company)
