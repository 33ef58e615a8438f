"""What companies and their people can do; every verb takes the actor and runs inside the caller's transaction."""

from marketplace.companies.actions.addresses import add_address, address_to_edit, archive_address, edit_address
from marketplace.companies.actions.invitations import (
    accept_invitation,
    invitation_link,
    invite,
    opened_invitation,
    revoke_invitation,
)
from marketplace.companies.actions.keys import create_key, note_use, revoke_key
from marketplace.companies.actions.passwords import (
    ask_for_reset,
    choose_password,
    forget_old_resets,
    opened_reset,
    reset_link,
)
from marketplace.companies.actions.people import change_roles, remove_member
from marketplace.companies.actions.profile import allow_selling, edit_company, found_operator, register_company
from marketplace.companies.actions.signing_in import (
    SignedIn,
    change_password,
    forget_old_sessions,
    sign_in,
    sign_out,
    switch_company,
)

__all__ = [
    "SignedIn",
    "accept_invitation",
    "add_address",
    "address_to_edit",
    "allow_selling",
    "archive_address",
    "ask_for_reset",
    "change_password",
    "change_roles",
    "choose_password",
    "create_key",
    "edit_address",
    "edit_company",
    "forget_old_resets",
    "forget_old_sessions",
    "found_operator",
    "invitation_link",
    "invite",
    "note_use",
    "opened_invitation",
    "opened_reset",
    "register_company",
    "remove_member",
    "reset_link",
    "revoke_invitation",
    "revoke_key",
    "sign_in",
    "sign_out",
    "switch_company",
]
