"""Feeds as pages: a file is chosen, looked at and taken in; then its progress, and what was wrong with which row."""

import uuid
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from marshmallow import ValidationError, fields
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Refusal
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from vendors.feeds import actions, mappings, queries, storage, trying, uploads
from vendors.feeds.columns import COLUMNS
from vendors.feeds.files import ENCODINGS
from vendors.feeds.models import Feed, FeedReportLine
from vendors.feeds.schemas import FeedOptions
from vendors.feeds.states import FeedState
from vendors.feeds.uploads import AtHand

routes = pages_blueprint("feeds", __name__)
navigation = [NavItem("Feeds", "feeds_pages.feeds", Permission.OFFER_EDIT, Side.VENDOR, "Selling")]
SHOWN, MOST_CHOICES = 10, 200
NOTICES_SHOWN = 25  # the rest is in the CSV
_UPLOADS = {"feeds_pages.take_in"}


@routes.url_value_preprocessor
def allow_large_uploads(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything reads the body: an upload may be larger than other requests."""
    if endpoint in _UPLOADS:
        request.max_content_length = current_app.extensions["kontor_settings"].max_upload_bytes


class FeedsAsked(forms.ListAsked):
    state = fields.Enum(FeedState, by_value=True, load_default=None)


class Upload(forms.PageForm, FeedOptions):
    file = Text(load_default="", max_length=2000, allow_empty=True)
    look = fields.Boolean(load_default=False)


class Look(forms.PageForm, FeedOptions):
    file = Text(required=True, max_length=2000)


@routes.get("/desk/feeds")
@requires(Permission.OFFER_EDIT)
def feeds() -> str:
    """What was taken in, newest first; a file to take in; the mappings by which files are read."""
    asked = forms.load(FeedsAsked(), request.args)
    actor = current_actor()
    page = paginate(queries.feeds(actor, asked["state"]), asked, Feed.id)
    return render_template(
        "feeds/feeds.html",
        page=page,
        asked=asked,
        states=FeedState,
        mappings=queries.mappings_to_choose(actor, MOST_CHOICES),
        encodings=ENCODINGS,
    )


@routes.post("/desk/feeds")
@requires(Permission.FEED_RUN)
@forms.refused_on(feeds, queries.MappingUnknown, actions.VendorMayNotSell)
def take_in() -> Response:
    """A file is kept: to look at what its first rows would become, or to be taken in."""
    wanted = forms.load(Upload())
    actor = current_actor()
    if wanted["file"]:
        return _received(uploads.at_hand(actor, wanted["file"]), wanted)
    file = request.files.get("file")
    if file is None or not file.filename:
        raise ValidationError({"file": "Choose a file."})
    with storage.kept(file.stream) as stored:
        held = AtHand(stored, actions.named(file.filename))
        if not wanted["look"]:
            return _received(held, wanted)
    how = {name: value for name, value in wanted.items() if value and name not in {"file", "look"}}
    return redirect(url_for(".look", file=uploads.token(actor, held), **how), 303)


def _received(file: AtHand, how: dict[str, Any]) -> Response:
    with transaction():
        feed = actions.receive(current_actor(), file.stored, file.filename, how)
    return forms.done("The file is on its way in.", url_for(".feed", feed_id=feed.id))


@routes.get("/desk/feeds/look")
@requires(Permission.FEED_RUN)
def look() -> str:
    """What the first rows of a kept file would become, as they are read now, and what is wrong with each."""
    asked = forms.load(Look(), request.args)
    actor = current_actor()
    file = uploads.at_hand(actor, asked["file"])
    path = storage.path_of(file.stored.stored_as)
    trial, refused = None, ""
    try:
        mapping = mappings.chosen(actor, asked["mapping"])
        trial = trying.tried(actor, path, asked, mapping, SHOWN)
    except Refusal as refusal:
        refused = refusal.text
    return render_template(
        "feeds/look.html",
        file=file,
        asked=asked,
        trial=trial,
        refused=refused,
        mappings=queries.mappings_to_choose(actor, MOST_CHOICES),
        encodings=ENCODINGS,
        order=list(COLUMNS),
    )


@routes.get("/desk/feeds/<uuid:feed_id>")
@requires(Permission.OFFER_EDIT)
def feed(feed_id: uuid.UUID) -> str:
    """How far a feed has come, and why rows were not taken."""
    asked = forms.load(FeedsAsked(), request.args)
    actor = current_actor()
    row = queries.feed(actor, feed_id)
    refused, noted = queries.report(actor, row.id, taken=False), queries.report(actor, row.id, taken=True)
    lines = paginate(refused, asked, FeedReportLine.row_number, descending=False)
    notices = paginate(noted, {"limit": NOTICES_SHOWN}, FeedReportLine.row_number, descending=False).items
    return render_template("feeds/feed.html", feed=row, lines=lines, notices=notices)


@routes.post("/desk/feeds/<uuid:feed_id>/<any(cancel, resume):verb>")
@requires(Permission.FEED_RUN)
@forms.refused_on(feed)
def tell(feed_id: uuid.UUID, verb: str) -> Response:
    """Stop a feed after the batch under way, or go on with it."""
    with transaction():
        (actions.cancel if verb == "cancel" else actions.resume)(current_actor(), feed_id)
    return redirect(url_for(".feed", feed_id=feed_id), 303)
