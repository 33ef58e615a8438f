"""What crosses the API about companies and people; a view per party, and no secret in any that is read twice."""

from typing import Any

import pycountry
from marshmallow import ValidationError, fields, validate

from marketplace.companies.credentials import MAX_PASSWORD
from marketplace.kernel.access import Permission, Role
from marketplace.kernel.fields import Country, Currency, StrictSchema, Text
from marketplace.kernel.web import page_of

_ROLES = [role.value for role in Role]


def known_country(code: str) -> None:
    """Raises ValidationError for two letters that are no country."""
    if pycountry.countries.get(alpha_2=code) is None:
        raise ValidationError("No country has this code (ISO 3166).")


class KnownCountry(Country):
    """A country that exists."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(known_country)


class Email(fields.Email):
    """An e-mail address, in small letters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=254), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return str(super()._deserialize(value, attr, data, **kwargs)).lower()


class Password(fields.String):
    """A password on its way in; its rules are checked where it is set."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(load_only=True, validate=validate.Length(min=1, max=MAX_PASSWORD), **kwargs)


class Roles(fields.List):
    """At least one role, each once."""

    def __init__(self, **kwargs: Any) -> None:
        role = fields.Enum(Role, by_value=True)
        super().__init__(role, validate=validate.Length(min=1, max=len(_ROLES)), **kwargs)


class NewPerson(StrictSchema):
    name = Text(required=True)
    email = Email(required=True)
    password = Password(required=True)


class RegisterCompany(StrictSchema):
    name = Text(required=True)
    country = KnownCountry(required=True)
    currency = Currency()
    vat_id = Text(max_length=40, allow_none=True)
    registration_number = Text(max_length=60, allow_empty=True)
    email = Email()
    phone = Text(max_length=40, allow_empty=True)
    person = fields.Nested(NewPerson)


class EditCompany(StrictSchema):
    name = Text()
    vat_id = Text(max_length=40, allow_none=True)
    registration_number = Text(max_length=60, allow_empty=True)
    email = Email()
    phone = Text(max_length=40, allow_empty=True)


class CompanyPublicOut(StrictSchema):
    """What everyone may know of a company that sells."""

    id = fields.UUID()
    name = fields.String()
    country = fields.String()
    may_sell = fields.Boolean()


class CompanyOut(CompanyPublicOut):
    """A company as its own people and the operator see it."""

    currency = fields.String()
    vat_id = fields.String(allow_none=True)
    vat_checked_at = fields.AwareDateTime(allow_none=True)
    registration_number = fields.String()
    email = fields.String()
    phone = fields.String()
    is_operator = fields.Boolean()
    created_at = fields.AwareDateTime()
    version = fields.Integer()


class AddAddress(StrictSchema):
    recipient = Text(required=True)
    line1 = Text(required=True)
    line2 = Text(allow_empty=True)
    postal_code = Text(required=True, max_length=20)
    city = Text(required=True)
    region = Text(allow_empty=True)
    country = KnownCountry(required=True)
    phone = Text(max_length=40, allow_empty=True)
    is_default = fields.Boolean()


class EditAddress(AddAddress):
    """The same fields, each optional."""

    recipient = Text()
    line1 = Text()
    postal_code = Text(max_length=20)
    city = Text()
    country = KnownCountry()


class CompanyAddressOut(StrictSchema):
    id = fields.UUID()
    company_id = fields.UUID()
    recipient = fields.String()
    line1 = fields.String()
    line2 = fields.String()
    postal_code = fields.String()
    city = fields.String()
    region = fields.String()
    country = fields.String()
    phone = fields.String()
    is_default = fields.Boolean()
    archived_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()


class ForgottenPassword(StrictSchema):
    email = Email(required=True)


class ChoosePassword(StrictSchema):
    token = Text(required=True, max_length=100)
    password = Password(required=True)


class SignIn(StrictSchema):
    email = Email(required=True)
    password = Password(required=True)
    company_id = fields.UUID(allow_none=True)


class SwitchCompany(StrictSchema):
    company_id = fields.UUID(required=True)


class ChangePassword(StrictSchema):
    present = Password(required=True)
    wanted = Password(required=True)


class RoleList(fields.List):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.String(validate=validate.OneOf(_ROLES)), **kwargs)


class PersonOut(StrictSchema):
    id = fields.UUID()
    name = fields.String()
    email = fields.String()


class BelongingOut(StrictSchema):
    company_id = fields.UUID()
    name = fields.String()
    may_sell = fields.Boolean()
    is_operator = fields.Boolean()
    roles = RoleList()


class SessionOut(StrictSchema):
    """Who asks, for which company, and what that allows; `csrf_token` goes into X-CSRFToken where a cookie signs in."""

    person = fields.Nested(PersonOut)
    company_id = fields.UUID()
    companies = fields.List(fields.Nested(BelongingOut))
    roles = RoleList()
    permissions = fields.List(fields.String(validate=validate.OneOf([p.value for p in Permission])))
    csrf_token = fields.String(allow_none=True)


class MemberOut(StrictSchema):
    person_id = fields.UUID()
    name = fields.String()
    email = fields.String()
    roles = RoleList()


class ChangeRoles(StrictSchema):
    roles = Roles(required=True)


class CreateKey(StrictSchema):
    name = Text(required=True)


class KeyOut(StrictSchema):
    """A key to recognise it by; never its secret."""

    id = fields.UUID()
    person_id = fields.UUID()
    name = fields.String()
    prefix = fields.String()
    created_at = fields.AwareDateTime()
    last_used_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class NewKeyOut(KeyOut):
    """The one answer that holds the secret."""

    secret = fields.String()


class Invite(StrictSchema):
    email = Email(required=True)
    roles = Roles(required=True)


class InvitationOut(StrictSchema):
    id = fields.UUID()
    company_id = fields.UUID()
    email = fields.String()
    roles = RoleList()
    invited_by = fields.UUID()
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    accepted_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class NewInvitationOut(InvitationOut):
    """The one answer that holds the link; whoever has it can join."""

    link = fields.String()


class AcceptInvitation(StrictSchema):
    token = Text(required=True, max_length=100)
    name = Text()
    password = Password()


CompanyPage = page_of(CompanyPublicOut)
AddressPage = page_of(CompanyAddressOut)
MemberPage = page_of(MemberOut)
KeyPage = page_of(KeyOut)
InvitationPage = page_of(InvitationOut)
