"""Feeds over the API: upload, progress, report, cancel, resume."""

from flask import current_app, request

from marketplace.kernel import csv_files
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import ProblemOut, api_blueprint, page_of, paginate
from vendors.feeds import actions, mappings, queries, storage, trying
from vendors.feeds.columns import COLUMNS
from vendors.feeds.models import Feed, FeedReportLine
from vendors.feeds.schemas import (
    FeedFile,
    FeedFilter,
    FeedOptions,
    FeedOut,
    FeedReportLineOut,
    FeedTrialOptions,
    FeedTrialOut,
)

routes = api_blueprint("feeds", "Catalogue, price and stock files of vendors, taken in by the background.")
_REPORT = ("row", "column", "sku", "message", "taken")


@routes.url_value_preprocessor
def allow_large_uploads(endpoint, _values):
    """Before anything reads the body: an upload may be larger than other requests."""
    if endpoint in {"feeds.upload_feed", "feeds.try_feed"}:
        request.max_content_length = current_app.extensions["kontor_settings"].max_upload_bytes


@routes.post("/feeds")
@requires(Permission.FEED_RUN)
@routes.arguments(FeedOptions, location="query")
@routes.arguments(FeedFile, location="files")
@routes.response(202, FeedOut)
@routes.alt_response(404, schema=ProblemOut, description="There is no such mapping.")
@routes.alt_response(422, schema=ProblemOut, description="The file as a whole cannot be taken.")
def upload_feed(options, wanted):
    """Upload a catalogue, price and stock file; it is taken in by the background.

    Columns: sku, name and price are needed; see /v1/feeds/template.csv for the others. Tiers are columns named by the
    quantity from which they hold (price_from_100), attributes are columns as `attr:Length [mm]`. An empty cell leaves
    what is there. The same file twice changes nothing. A file with other headings, and JSON lines, are read by a
    mapping.
    """
    file = wanted["file"]
    with storage.kept(file.stream) as stored, transaction():
        return actions.receive(current_actor(), stored, file.filename or "", options)


@routes.post("/feeds/preview")
@requires(Permission.FEED_RUN)
@routes.arguments(FeedTrialOptions, location="query")
@routes.arguments(FeedFile, location="files")
@routes.response(200, FeedTrialOut)
@routes.alt_response(404, schema=ProblemOut, description="There is no such mapping.")
@routes.alt_response(422, schema=ProblemOut, description="The file as a whole cannot be taken.")
def try_feed(options, wanted):
    """Read what the first rows of a file would become, and what is wrong with each; nothing is kept."""
    mapping = mappings.chosen(current_actor(), options["mapping"])
    with storage.passing(wanted["file"].stream) as path:
        return trying.tried(current_actor(), path, options, mapping, options["rows"])


@routes.get("/feeds")
@requires(Permission.OFFER_EDIT)
@routes.arguments(FeedFilter, location="query")
@routes.response(200, page_of(FeedOut))
def list_feeds(args):
    """List feeds, newest first."""
    return paginate(queries.feeds(current_actor(), args.get("state")), args, Feed.id)


@routes.get("/feeds/template.csv")
@requires(Permission.OFFER_EDIT)
@routes.doc(responses=csv_files.DESCRIBED)
def feed_template():
    """Every column a feed may have, with an example."""
    return csv_files.answered("feed-template", list(COLUMNS), [COLUMNS])


@routes.get("/feeds/<uuid:feed_id>")
@requires(Permission.OFFER_EDIT)
@routes.response(200, FeedOut)
def show_feed(feed_id):
    """Read the progress of a feed."""
    return queries.feed(current_actor(), feed_id)


@routes.get("/feeds/<uuid:feed_id>/report")
@requires(Permission.OFFER_EDIT)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(FeedReportLineOut))
def list_feed_report(args, feed_id):
    """Read why rows were not taken, and with `taken` what of rows that were was not; one line a row."""
    feed = queries.feed(current_actor(), feed_id)
    return paginate(queries.report(current_actor(), feed.id), args, FeedReportLine.row_number, descending=False)


@routes.get("/feeds/<uuid:feed_id>/report.csv")
@requires(Permission.OFFER_EDIT)
@routes.doc(responses=csv_files.DESCRIBED)
def download_feed_report(feed_id):
    """Download why rows were not taken, and what of others was not, as CSV."""
    feed = queries.feed(current_actor(), feed_id)
    lines = queries.report_lines(current_actor(), feed.id)
    rows = (_as_row(line) for line in lines)
    return csv_files.answered(f"report-{feed.id}", _REPORT, rows)


def _as_row(line):
    taken = "yes" if line.taken else "no"
    return {"row": line.row_number, "column": line.column, "sku": line.sku, "message": line.message, "taken": taken}


@routes.post("/feeds/<uuid:feed_id>/cancel")
@requires(Permission.FEED_RUN)
@routes.response(200, FeedOut)
@routes.alt_response(409, schema=ProblemOut, description="The feed is over.")
def cancel_feed(feed_id):
    """Stop a feed after the batch under way; what was taken stays."""
    with transaction():
        return actions.cancel(current_actor(), feed_id)


@routes.post("/feeds/<uuid:feed_id>/resume")
@requires(Permission.FEED_RUN)
@routes.response(202, FeedOut)
@routes.alt_response(409, schema=ProblemOut, description="The feed is over, or its file is gone.")
def resume_feed(feed_id):
    """Go on with a feed from where it stopped."""
    with transaction():
        return actions.resume(current_actor(), feed_id)
