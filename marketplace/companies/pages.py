"""The way in: the start page, signing in and out, and for which of their companies a person acts."""

from flask import redirect, render_template, request, url_for
from marshmallow import fields, validate
from werkzeug.wrappers import Response

from marketplace.companies import actions, queries, throttle
from marketplace.companies.actions.signing_in import SignedIn
from marketplace.companies.schemas import AddAddress, ForgottenPassword, KnownCountry, NewPerson
from marketplace.companies.sessions import clear_cookie, set_cookie
from marketplace.kernel import forms, pages
from marketplace.kernel.access import Permission, SignInRequired, current_actor, public, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Forbidden
from marketplace.kernel.fields import StrictSchema, Text
from marketplace.kernel.web import pages_blueprint

routes = pages_blueprint("companies", __name__)
MAX_ADDRESSES = 200


class SignInForm(StrictSchema):
    email = fields.String(required=True, validate=validate.Length(max=254))
    password = fields.String(required=True, validate=validate.Length(max=1000))
    next = fields.String(load_default="")


class RegisterForm(NewPerson):
    """A company, and the person who manages it; who is signed in says nothing of himself."""

    company = Text(required=True)
    country = KnownCountry(required=True)
    vat_id = Text(max_length=40)
    next = fields.String(load_default="")


class JoinForm(StrictSchema):
    name = Text()
    password = fields.String(validate=validate.Length(max=1000))


class NewPasswordForm(StrictSchema):
    password = fields.String(required=True, validate=validate.Length(max=1000))


class ChooseForm(StrictSchema):
    company_id = fields.UUID(required=True)
    next = fields.String(load_default="")


class AddressForm(AddAddress):
    back = fields.String(load_default="")


@routes.get("/")
@public
def start() -> Response | str:
    """What Kontor is; who is signed in goes to the first page of his side."""
    entries = pages.entries_for(current_actor())
    return redirect(url_for(entries[0].endpoint)) if entries else render_template("companies/start.html")


@routes.get("/sign-in")
@public
def sign_in() -> str:
    """The form to sign in."""
    return render_template("companies/sign_in.html", next=pages.local_path(request.values.get("next")))


@routes.post("/sign-in")
@public
@forms.refused_on(sign_in, SignInRequired, Forbidden)
def enter() -> Response:
    """Sign in, and go on to where the person was sent here from."""
    wanted = forms.load(SignInForm())
    throttle.sign_in_try(wanted["email"])
    with transaction():
        entered = actions.sign_in(wanted["email"], wanted["password"], replaced=current_actor().session_id)
        several = len(queries.belongings(entered.person.id)) > 1
    address = pages.local_path(wanted["next"])
    return _entered(entered, url_for(".companies", next=address) if several else address)


@routes.post("/sign-out")
@requires(Permission.SESSION)
def sign_out() -> Response:
    """The session ends."""
    with transaction():
        actions.sign_out(current_actor())
    response = redirect(url_for(".start"), 303)
    clear_cookie(response)
    return response


@routes.get("/companies")
@requires(Permission.SESSION)
def companies() -> str:
    """The companies the person may act for."""
    actor = current_actor()
    found = queries.belongings(actor.person_id)
    return render_template("companies/companies.html", companies=found, next=pages.local_path(request.args.get("next")))


@routes.post("/companies")
@requires(Permission.SESSION)
def choose_company() -> Response:
    """Act for another company from now on."""
    wanted = forms.load(ChooseForm())
    if wanted["company_id"] == current_actor().company_id:
        return redirect(pages.local_path(wanted["next"]), 303)
    with transaction():
        entered = actions.switch_company(current_actor(), wanted["company_id"])
    return _entered(entered, pages.local_path(wanted["next"]))


@routes.get("/addresses")
@requires(Permission.ADDRESS_READ)
def addresses() -> str:
    """The company's addresses in use, and a form for another one."""
    found = queries.addresses(current_actor(), {"limit": MAX_ADDRESSES}).items
    return render_template("companies/addresses.html", addresses=found, back=request.values.get("back", ""))


@routes.post("/addresses")
@requires(Permission.ADDRESS_EDIT)
@forms.refused_on(addresses)
def add_address() -> Response:
    """Another address of the company; then back to where it was missing."""
    wanted = forms.load(AddressForm())
    back = wanted.pop("back") or url_for(".addresses")
    with transaction():
        actions.add_address(current_actor(), wanted)
    return forms.done("The address can be used from now on.", pages.local_path(back))


@routes.get("/register")
@public
def new_company() -> str:
    """The form to register a company."""
    return render_template("companies/register.html", next=pages.local_path(request.values.get("next")))


@routes.post("/register")
@public
@forms.refused_on(new_company)
def register() -> Response:
    """A company and its first person are known from now on, and he acts for it."""
    throttle.registration_try()
    actor = current_actor()
    wanted = forms.load(RegisterForm(exclude=["name", "email", "password"] if actor.signed_in else []))
    facts = {"name": wanted["company"], "country": wanted["country"], "vat_id": wanted.get("vat_id")}
    with transaction():
        if actor.signed_in:
            entered = actions.switch_company(actor, actions.register_company(actor, facts).id)
        else:
            person = {name: wanted[name] for name in ("name", "email", "password")}
            company = actions.register_company(actor, facts | {"person": person})
            entered = actions.sign_in(person["email"], person["password"], company.id)
    return _entered(entered, pages.local_path(wanted["next"]))


@routes.get("/join/<token>")
@public
def join(token: str) -> str:
    """Who invites to which company, and what the invited person still has to say."""
    invitation = actions.opened_invitation(token)
    known = queries.person_by_email(invitation.email)
    return render_template(
        "companies/join.html",
        token=token,
        invitation=invitation,
        company=queries.companies_by_id([invitation.company_id])[invitation.company_id],
        inviter=queries.person(invitation.invited_by),
        known=known is not None,
        is_actor=known is not None and known.id == current_actor().person_id,
    )


@routes.post("/join/<token>")
@public
@forms.refused_on(join, SignInRequired)
def accept(token: str) -> Response:
    """Join the company, and act for it from now on."""
    throttle.registration_try()
    wanted, actor = forms.load(JoinForm()), current_actor()
    with transaction():
        company_id = actions.opened_invitation(token).company_id
        person = actions.accept_invitation(actor, token, wanted)
        if person.id == actor.person_id and actor.session_id is not None:
            entered = actions.switch_company(actor, company_id)
        else:
            entered = actions.sign_in(person.email, wanted.get("password", ""), company_id, actor.session_id)
    return _entered(entered, url_for(".start"))


@routes.get("/forgotten")
@public
def forgotten() -> str:
    """Where a letter with a link to choose another password shall go."""
    return render_template("companies/forgotten.html")


@routes.post("/forgotten")
@public
@forms.refused_on(forgotten)
def ask_for_reset() -> Response:
    """Write the letter, if the address is known; the page says the same where it is not."""
    wanted = forms.load(ForgottenPassword())
    throttle.reset_try(wanted["email"])
    with transaction():
        actions.ask_for_reset(wanted["email"])
    return forms.done("If we know this address, a letter with a link is on its way to it.", url_for(".sign_in"))


@routes.get("/new-password/<token>")
@public
def new_password(token: str) -> str:
    """The form to choose another password, for who opens the letter's link."""
    actions.opened_reset(token)
    return render_template("companies/new_password.html", token=token)


@routes.post("/new-password/<token>")
@public
@forms.refused_on(new_password)
def choose_password(token: str) -> Response:
    """Choose it; who forgot it signs in with it then."""
    throttle.registration_try()
    wanted = forms.load(NewPasswordForm())
    with transaction():
        actions.choose_password(token, wanted["password"])
    return forms.done("The new password is set. Sign in with it.", url_for(".sign_in"))


def _entered(entered: SignedIn, address: str) -> Response:
    response = redirect(address, 303)
    set_cookie(response, entered.token)
    return response
