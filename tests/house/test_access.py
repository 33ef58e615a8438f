"""Every view says who may use it, every permission belongs to somebody, and every permission is known to a view."""

import pytest

from marketplace.kernel.access import WHO_MAY_WHAT, Permission, Role, check, requires

LIBRARY_VIEWS = {"static", "api-docs.openapi_json"}  # the design's files, and the API's description: no data


def views(app):
    """(endpoint, view) of everything that answers, without the libraries' own."""
    return [(name, view) for name, view in app.view_functions.items() if name not in LIBRARY_VIEWS]


def test_every_view_says_who_may_use_it(app):
    silent = [name for name, view in views(app) if not hasattr(view, "__access__")]
    assert silent == []


def test_the_declared_access_is_the_outermost_of_the_view(app):
    """A decorator above @requires would run, and read the body, before the refusal."""
    late = [name for name, view in views(app) if getattr(view, "__access__", ()) and not _is_guard(view)]
    assert late == []


def _is_guard(view):
    return view.__code__.co_qualname.startswith("requires.")


def test_every_permission_is_held_by_somebody():
    held = frozenset().union(*WHO_MAY_WHAT.values())
    assert held == set(Permission)


def test_every_role_has_its_permissions():
    assert set(WHO_MAY_WHAT) == set(Role)
    assert all(WHO_MAY_WHAT[role] for role in Role)


def test_an_empty_list_of_permissions_lets_nobody_in(cast):
    with pytest.raises(ValueError, match="@public"):
        requires()
    with pytest.raises(ValueError, match="at least one"):
        check(cast.operator)
