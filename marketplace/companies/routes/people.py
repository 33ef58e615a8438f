"""The people of a company: invite, change roles, remove; and the keys by which programs act for them."""

import uuid
from typing import Any

from flask import Response, jsonify

from marketplace.companies import actions, queries, throttle
from marketplace.companies.models import Person
from marketplace.companies.queries import Member
from marketplace.companies.schemas import (
    AcceptInvitation,
    ChangeRoles,
    CreateKey,
    InvitationOut,
    InvitationPage,
    Invite,
    KeyOut,
    KeyPage,
    MemberOut,
    MemberPage,
    NewInvitationOut,
    NewKeyOut,
    PersonOut,
)
from marketplace.kernel.access import Permission, current_actor, public, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import Page, ProblemOut, api_blueprint

routes = api_blueprint("people", "People, invitations and API keys of a company.")


@routes.get("/people")
@requires(Permission.PEOPLE_MANAGE)
@routes.arguments(PageArgs, location="query")
@routes.response(200, MemberPage)
def list_people(args: dict[str, Any]) -> Page:
    """The people of the company one acts for, with their roles."""
    return queries.people(current_actor(), args)


@routes.patch("/people/<uuid:person_id>")
@requires(Permission.PEOPLE_MANAGE)
@routes.arguments(ChangeRoles)
@routes.response(200, MemberOut)
@routes.alt_response(404, schema=ProblemOut)
@routes.alt_response(409, schema=ProblemOut, description="Nobody else manages the company's people.")
def change_roles(wanted: dict[str, Any], person_id: uuid.UUID) -> Member:
    """Give a person exactly these roles; his sessions for the company end."""
    with transaction():
        return actions.change_roles(current_actor(), person_id, wanted["roles"])


@routes.delete("/people/<uuid:person_id>")
@requires(Permission.PEOPLE_MANAGE)
@routes.response(204)
@routes.alt_response(404, schema=ProblemOut)
@routes.alt_response(409, schema=ProblemOut, description="Nobody else manages the company's people.")
def remove_member(person_id: uuid.UUID) -> None:
    """Remove a person from the company; his sessions and keys for it end."""
    with transaction():
        actions.remove_member(current_actor(), person_id)


@routes.get("/invitations")
@requires(Permission.PEOPLE_MANAGE)
@routes.arguments(PageArgs, location="query")
@routes.response(200, InvitationPage)
def list_invitations(args: dict[str, Any]) -> Page:
    """The invitations of the company one acts for, the newest first."""
    return queries.invitations(current_actor(), args)


@routes.post("/invitations")
@requires(Permission.PEOPLE_MANAGE)
@routes.arguments(Invite)
@routes.response(201, NewInvitationOut)
@routes.alt_response(409, schema=ProblemOut, description="The person belongs to the company already.")
def invite(wanted: dict[str, Any]) -> tuple[Response, int]:
    """Invite an address with roles; a letter with the link of the answer follows. Open for seven days."""
    with transaction():
        invitation, link = actions.invite(current_actor(), wanted["email"], wanted["roles"])
    return jsonify({**InvitationOut().dump(invitation), "link": link}), 201


@routes.delete("/invitations/<uuid:invitation_id>")
@requires(Permission.PEOPLE_MANAGE)
@routes.response(204)
@routes.alt_response(404, schema=ProblemOut)
@routes.alt_response(409, schema=ProblemOut, description="It was accepted already.")
def revoke_invitation(invitation_id: uuid.UUID) -> None:
    """Close an invitation that nobody accepted yet."""
    with transaction():
        actions.revoke_invitation(current_actor(), invitation_id)


@routes.post("/invitations/accept")
@public
@routes.arguments(AcceptInvitation)
@routes.response(200, PersonOut)
@routes.alt_response(401, schema=ProblemOut, description="The person exists, and the password is wrong.")
@routes.alt_response(404, schema=ProblemOut)
@routes.alt_response(409, schema=ProblemOut, description="It was used already or is too old.")
@routes.alt_response(429, schema=ProblemOut, description="Too many tries; Retry-After says when to try again.")
def accept_invitation(wanted: dict[str, Any]) -> Person:
    """Join: a new person sends name and password, a known one his password, or comes signed in."""
    throttle.registration_try()
    with transaction():
        return actions.accept_invitation(current_actor(), wanted.pop("token"), wanted)


@routes.get("/keys")
@requires(Permission.KEY_MANAGE)
@routes.arguments(PageArgs, location="query")
@routes.response(200, KeyPage)
def list_keys(args: dict[str, Any]) -> Page:
    """One's own API keys; those who manage people see all of the company."""
    return queries.api_keys(current_actor(), args)


@routes.post("/keys")
@requires(Permission.KEY_MANAGE)
@routes.arguments(CreateKey)
@routes.response(201, NewKeyOut)
@routes.alt_response(403, schema=ProblemOut, description="Keys are not made by keys.")
def create_key(wanted: dict[str, Any]) -> tuple[Response, int]:
    """Make an API key that acts as oneself in this company; its secret is in this answer only."""
    with transaction():
        key, secret = actions.create_key(current_actor(), wanted["name"])
    return jsonify({**KeyOut().dump(key), "secret": secret}), 201


@routes.delete("/keys/<uuid:key_id>")
@requires(Permission.KEY_MANAGE)
@routes.response(204)
@routes.alt_response(404, schema=ProblemOut)
def revoke_key(key_id: uuid.UUID) -> None:
    """Revoke an API key: it opens nothing from now on."""
    with transaction():
        actions.revoke_key(current_actor(), key_id)
