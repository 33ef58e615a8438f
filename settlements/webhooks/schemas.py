"""Stored events as the operator reads them."""

from marshmallow import fields

from marketplace.kernel.fields import PageArgs, StrictSchema
from settlements.webhooks.models import Outcome


class WebHookArgs(PageArgs):
    outcome = fields.Enum(Outcome, by_value=True, load_default=None)


class WebHookOut(StrictSchema):
    id = fields.UUID()
    event_id = fields.String()
    name = fields.String()
    object_id = fields.String()
    account = fields.String(allow_none=True)
    created_at = fields.DateTime()
    received_at = fields.DateTime()
    outcome = fields.String()
    reason = fields.String(allow_none=True)
    handled_at = fields.DateTime(allow_none=True)
