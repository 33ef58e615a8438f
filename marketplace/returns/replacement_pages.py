"""Replacements by forms of the case's page: shipped by the vendor, arrived or lost."""

import uuid

from marshmallow import fields, validate
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.fields import Text
from marketplace.kernel.web import pages_blueprint
from marketplace.returns import actions
from marketplace.returns.pages import case_page, once_in

routes = pages_blueprint("return_replacements", __name__)


class ReplacementForm(forms.PageForm):
    carrier = Text(required=True, max_length=80)
    tracking_number = Text(max_length=80, allow_empty=True, load_default="")
    quantity = fields.Integer(load_default=None, validate=validate.Range(min=1, max=10**9))


@routes.post("/returns/<uuid:case_id>/lines/<uuid:line_id>/replacements")
@requires(Permission.RETURN_ANSWER)
@forms.refused_on(case_page)
def ship(case_id: uuid.UUID, line_id: uuid.UUID) -> Response:
    """The replacement leaves the vendor."""
    form = forms.load(ReplacementForm())
    return once_in(case_id, lambda: actions.ship_replacement(current_actor(), case_id, line_id, form))


@routes.post("/returns/<uuid:case_id>/replacements/<uuid:replacement_id>/deliver")
@requires(Permission.RETURN_READ)
@forms.refused_on(case_page)
def deliver(case_id: uuid.UUID, replacement_id: uuid.UUID) -> Response:
    """It has arrived."""
    return once_in(case_id, lambda: actions.replacement_arrived(current_actor(), case_id, replacement_id))


@routes.post("/returns/<uuid:case_id>/replacements/<uuid:replacement_id>/lose")
@requires(Permission.RETURN_ANSWER)
@forms.refused_on(case_page)
def lose(case_id: uuid.UUID, replacement_id: uuid.UUID) -> Response:
    """It was lost on its way."""
    return once_in(case_id, lambda: actions.lose_replacement(current_actor(), case_id, replacement_id))
