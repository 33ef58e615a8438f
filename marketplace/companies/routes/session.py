"""Sign in, ask who is signed in, act for another company, sign out."""

from typing import Any

from flask import Response, current_app
from flask_wtf.csrf import generate_csrf

from marketplace.companies import actions, queries, throttle
from marketplace.companies.actions import SignedIn
from marketplace.companies.credentials import token_hash
from marketplace.companies.schemas import (
    ChangePassword,
    ChoosePassword,
    ForgottenPassword,
    SessionOut,
    SignIn,
    SwitchCompany,
)
from marketplace.companies.sessions import clear_cookie, set_cookie
from marketplace.kernel.access import Actor, Permission, current_actor, public, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.web import ProblemOut, api_blueprint

routes = api_blueprint("session", "Who is signed in, and for which company.")


@routes.post("/session")
@public
@routes.arguments(SignIn)
@routes.response(201, SessionOut)
@routes.alt_response(401, schema=ProblemOut, description="The e-mail address or the password is wrong.")
@routes.alt_response(403, schema=ProblemOut, description="The person does not belong to the company.")
@routes.alt_response(429, schema=ProblemOut, description="Too many tries; Retry-After says when to try again.")
def sign_in(wanted: dict[str, Any]) -> Response:
    """Sign in: the answer sets a cookie that keeps a browser signed in."""
    throttle.sign_in_try(wanted["email"])
    with transaction():
        signed_in = actions.sign_in(**wanted, replaced=current_actor().session_id)
    return _answer(signed_in, 201)


@routes.get("/session")
@requires(Permission.SESSION)
@routes.response(200, SessionOut)
def who_am_i() -> dict[str, Any]:
    """Who asks, for which company, with which roles and permissions."""
    return _present(current_actor())


@routes.post("/session/company")
@requires(Permission.SESSION)
@routes.arguments(SwitchCompany)
@routes.response(200, SessionOut)
@routes.alt_response(403, schema=ProblemOut, description="The person does not belong to the company.")
@routes.alt_response(409, schema=ProblemOut, description="The request came with an API key.")
def switch_company(wanted: dict[str, Any]) -> Response:
    """Act for another company of the same person; the cookie is renewed."""
    with transaction():
        signed_in = actions.switch_company(current_actor(), wanted["company_id"])
    return _answer(signed_in, 200)


@routes.post("/session/password")
@requires(Permission.SESSION)
@routes.arguments(ChangePassword)
@routes.response(200, SessionOut)
@routes.alt_response(409, schema=ProblemOut, description="The request came with an API key.")
@routes.alt_response(429, schema=ProblemOut, description="Too many tries; Retry-After says when to try again.")
def change_password(wanted: dict[str, Any]) -> Response:
    """Choose another password; every other session of the person ends."""
    throttle.password_try(current_actor())
    with transaction():
        signed_in = actions.change_password(current_actor(), **wanted)
    return _answer(signed_in, 200)


@routes.post("/password-resets")
@public
@routes.arguments(ForgottenPassword)
@routes.response(202)
@routes.alt_response(429, schema=ProblemOut, description="Too many tries; Retry-After says when to try again.")
def ask_for_reset(wanted: dict[str, Any]) -> Response:
    """Forgotten: a letter with a link goes to this address, if it is known; the answer does not tell."""
    throttle.reset_try(wanted["email"])
    with transaction():
        actions.ask_for_reset(wanted["email"])
    return Response(status=202)


@routes.post("/password-resets/use")
@public
@routes.arguments(ChoosePassword)
@routes.response(204)
@routes.alt_response(404, schema=ProblemOut, description="No letter has this token.")
@routes.alt_response(409, schema=ProblemOut, description="The link was used already or is too old.")
@routes.alt_response(429, schema=ProblemOut, description="Too many tries; Retry-After says when to try again.")
def choose_password(wanted: dict[str, Any]) -> Response:
    """Choose another password with the token of the letter; every session of the person ends."""
    throttle.registration_try()
    with transaction():
        actions.choose_password(wanted["token"], wanted["password"])
    return Response(status=204)


@routes.delete("/session")
@requires(Permission.SESSION)
@routes.response(204)
@routes.alt_response(409, schema=ProblemOut, description="The request came with an API key.")
def sign_out() -> Response:
    """Sign out: the session ends here and everywhere its token went."""
    with transaction():
        actions.sign_out(current_actor())
    response = Response(status=204)
    clear_cookie(response)
    return response


def _answer(signed_in: SignedIn, status: int) -> Response:
    actor = queries.actor_of_session(token_hash(signed_in.token))
    assert actor is not None
    response = Response(status=status, content_type="application/json")
    set_cookie(response, signed_in.token)
    response.set_data(current_app.json.dumps(SessionOut().dump(_present(actor))))
    return response


def _present(actor: Actor) -> dict[str, Any]:
    """The shape of SessionOut."""
    assert actor.person_id is not None
    return {
        "person": queries.person(actor.person_id),
        "company_id": actor.company_id,
        "companies": queries.belongings(actor.person_id),
        "roles": sorted(actor.roles),
        "permissions": sorted(p for p in Permission if actor.may(p)),
        "csrf_token": generate_csrf() if actor.session_id else None,
    }
