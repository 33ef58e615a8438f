"""Mappings over the API: list, make, edit, copy, remove, and try on rows before use."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.web import ProblemOut, api_blueprint, check_match, page_of, paginate, tagged
from vendors.feeds import mappings, queries, trying
from vendors.feeds.mapping_schemas import FeedMappingCopy, FeedMappingEdit, FeedMappingIn, FeedMappingOut
from vendors.feeds.models import FeedMapping
from vendors.feeds.schemas import FeedMappingFilter, FeedTrialIn, FeedTrialOut

routes = api_blueprint("feed-mappings", "How the fields of vendors' own files become the columns of a feed.")
_UNKNOWN = {"schema": ProblemOut, "description": "There is no such mapping."}
_NOT_YOURS = {"schema": ProblemOut, "description": "It is shared, or another's: copy it."}
_TAKEN = {"schema": ProblemOut, "description": "The name is taken, or there are too many."}


@routes.get("/feed-mappings")
@requires(Permission.OFFER_EDIT)
@routes.arguments(FeedMappingFilter, location="query")
@routes.response(200, page_of(FeedMappingOut))
def list_mappings(args):
    """List one's own mappings and the shared ones, newest first."""
    return paginate(queries.mappings(current_actor(), args.get("format")), args, FeedMapping.id)


@routes.post("/feed-mappings")
@requires(Permission.FEED_MAPPING_EDIT)
@routes.arguments(FeedMappingIn)
@routes.response(201, FeedMappingOut)
@routes.alt_response(409, **_TAKEN)
def create_mapping(wanted):
    """Keep a mapping: a vendor's is his own, the operator's is shared."""
    with transaction():
        row = mappings.create(current_actor(), wanted)
    return tagged(FeedMappingOut().dump(row), row, 201)


@routes.get("/feed-mappings/<uuid:mapping_id>")
@requires(Permission.OFFER_EDIT)
@routes.response(200, FeedMappingOut)
@routes.alt_response(404, **_UNKNOWN)
def show_mapping(mapping_id):
    """A mapping with its ETag."""
    row = queries.mapping(current_actor(), mapping_id)
    return tagged(FeedMappingOut().dump(row), row)


@routes.patch("/feed-mappings/<uuid:mapping_id>")
@requires(Permission.FEED_MAPPING_EDIT)
@routes.arguments(FeedMappingEdit)
@routes.response(200, FeedMappingOut)
@routes.alt_response(403, **_NOT_YOURS)
@routes.alt_response(404, **_UNKNOWN)
@routes.alt_response(409, **_TAKEN)
@routes.alt_response(412, schema=ProblemOut, description="Edited meanwhile.")
@routes.alt_response(428, schema=ProblemOut, description="If-Match is missing.")
def edit_mapping(wanted, mapping_id):
    """Change a mapping, by If-Match; what is sent is replaced whole. Feeds that came before keep what they had."""
    with transaction():
        check_match(queries.mapping(current_actor(), mapping_id))
        row = mappings.edit(current_actor(), mapping_id, wanted)
    return tagged(FeedMappingOut().dump(row), row)


@routes.post("/feed-mappings/<uuid:mapping_id>/copy")
@requires(Permission.FEED_MAPPING_EDIT)
@routes.arguments(FeedMappingCopy)
@routes.response(201, FeedMappingOut)
@routes.alt_response(404, **_UNKNOWN)
@routes.alt_response(409, **_TAKEN)
def copy_mapping(wanted, mapping_id):
    """Make a mapping of one's own that begins as this one."""
    with transaction():
        row = mappings.copy(current_actor(), mapping_id, wanted["name"])
    return tagged(FeedMappingOut().dump(row), row, 201)


@routes.delete("/feed-mappings/<uuid:mapping_id>")
@requires(Permission.FEED_MAPPING_EDIT)
@routes.response(204)
@routes.alt_response(403, **_NOT_YOURS)
@routes.alt_response(404, **_UNKNOWN)
def remove_mapping(mapping_id):
    """Take a mapping away; feeds that were read by it keep it."""
    with transaction():
        mappings.remove(current_actor(), mapping_id)


@routes.post("/feed-mappings/preview")
@requires(Permission.OFFER_EDIT)
@routes.arguments(FeedTrialIn)
@routes.response(200, FeedTrialOut)
@routes.alt_response(404, schema=ProblemOut, description="There is no such mapping or feed.")
@routes.alt_response(409, schema=ProblemOut, description="The file of the feed is no longer kept.")
def try_mapping(wanted):
    """Read what rows would become by a mapping, kept or not, and what is wrong with each; nothing is written."""
    return trying.tried_as_asked(current_actor(), wanted)
