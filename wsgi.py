"""The roof: builds the app, and is the only file that sees every room."""

import logging
import os
from functools import partial
from pathlib import Path

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace.agreements import pages as agreements_pages
from marketplace.agreements import routes as agreements_routes
from marketplace.carts import pages as carts_pages
from marketplace.carts import routes as carts_routes
from marketplace.catalogue import events as catalogue
from marketplace.catalogue import pages as catalogue_pages
from marketplace.catalogue import routes as catalogue_routes
from marketplace.companies import events as companies
from marketplace.companies import jobs as _company_jobs  # noqa: F401  registers the end of old sessions
from marketplace.companies import pages as companies_pages
from marketplace.companies import routes as companies_routes
from marketplace.companies import sessions
from marketplace.credit import pages as credit_pages
from marketplace.credit import routes as credit_routes
from marketplace.kernel import (
    access,
    description,
    docs,
    health,
    limits,
    migrations,
    operations,
    outbox,
    pages,
    problems,
    queue,
    reads,
    settings,
    up,
    web,
)
from marketplace.kernel import db as database
from marketplace.kernel.settings import Settings
from marketplace.notifications import events as notifications
from marketplace.notifications import handlers as letters
from marketplace.notifications import mailer
from marketplace.orders import events as orders
from marketplace.orders import jobs as _order_jobs  # noqa: F401  registers what time does to orders
from marketplace.orders import pages as orders_pages
from marketplace.orders import routes as orders_routes
from marketplace.returns import commands as returns
from marketplace.returns import events as return_events
from marketplace.returns import handlers as return_handlers
from marketplace.returns import jobs as _return_jobs  # noqa: F401  registers what time does to returns
from marketplace.returns import order_pages, replacement_pages, replacement_routes
from marketplace.returns import pages as returns_pages
from marketplace.returns import routes as returns_routes
from marketplace.rules import commands as rules_commands
from marketplace.rules import handlers as rule_handlers
from marketplace.rules import pages as rules_pages
from marketplace.rules import routes as rules_routes
from marketplace.shipments import handlers as shipment_handlers
from marketplace.shipments import routes as shipments_routes
from search import commands as search_commands
from search import handlers as search_handlers
from search import indexing
from search import jobs as _search_jobs  # noqa: F401  registers what the index does by itself
from search import pages as search_pages
from search import provider as search_provider
from search import routes as search_routes
from settlements.demo.loading import load_demo
from settlements.disputes import handlers as dispute_handlers
from settlements.disputes import pages as disputes_pages
from settlements.disputes import routes as disputes_routes
from settlements.earnings import handlers as earning_handlers
from settlements.earnings import jobs as _earning_jobs  # noqa: F401  registers what time does to vendors' money
from settlements.gateway import provider as payment_provider
from settlements.gateway.port import PaymentGateway
from settlements.gateway.sandbox import launcher
from settlements.invoices import events as invoices
from settlements.invoices import handlers as invoice_handlers
from settlements.invoices import pages as invoices_pages
from settlements.invoices import routes as invoices_routes
from settlements.ledger import commands as books_commands
from settlements.ledger import jobs as _books_jobs  # noqa: F401  registers the nightly proof
from settlements.ledger import pages as books_pages
from settlements.ledger import routes as books_routes
from settlements.payments import events as payments
from settlements.payments import pages as payments_pages
from settlements.payments import routes as payments_routes
from settlements.provider_accounts import events as provider_accounts
from settlements.provider_accounts import handlers as provider_account_handlers
from settlements.provider_accounts import pages as provider_accounts_pages
from settlements.provider_accounts import routes as provider_accounts_routes
from settlements.receivables import events as receivables
from settlements.receivables import handlers as receivable_handlers
from settlements.receivables import jobs as _receivable_jobs  # noqa: F401  registers matching and reminders
from settlements.receivables import pages as receivables_pages
from settlements.receivables import routes as receivables_routes
from settlements.reconciliation import commands as reconciliation_commands
from settlements.reconciliation import pages as reconciliation_pages
from settlements.reconciliation import routes as reconciliation_routes
from settlements.refunds import events as refunds
from settlements.refunds import handlers as refund_handlers
from settlements.refunds import routes as refunds_routes
from settlements.runs import commands as run_commands
from settlements.runs import events as runs
from settlements.runs import handlers as run_handlers
from settlements.runs import jobs as _run_jobs  # noqa: F401  registers the work of runs
from settlements.runs import pages as run_pages
from settlements.runs import routes as run_routes
from settlements.transfers import events as transfers
from settlements.transfers import handlers as transfer_handlers
from settlements.transfers import pages as transfers_pages
from settlements.transfers import routes as transfers_routes
from settlements.webhooks import events as webhooks
from settlements.webhooks import handlers as webhook_handlers
from settlements.webhooks import routes as webhooks_routes
from vendors.desk import jobs as _desk_jobs  # noqa: F401  registers what time does to parcels
from vendors.desk import pages as desk_pages
from vendors.feeds import events as feeds
from vendors.feeds import handlers as feed_handlers
from vendors.feeds import jobs as _feed_jobs  # noqa: F401  registers the runs of feeds
from vendors.feeds import mapping_pages as feed_mapping_pages
from vendors.feeds import mapping_routes as feed_mapping_routes
from vendors.feeds import pages as feeds_pages
from vendors.feeds import routes as feeds_routes
from vendors.onboarding import events as onboarding
from vendors.onboarding import handlers as onboarding_handlers
from vendors.onboarding import pages as onboarding_pages
from vendors.onboarding import routes as onboarding_routes

# Blueprints of the API and of the pages, room by room from the ground up.
API = [
    operations.routes,
    catalogue_routes.routes,
    rules_routes.routes,
    agreements_routes.routes,
    credit_routes.routes,
    *companies_routes.BLUEPRINTS,
    orders_routes.routes,
    shipments_routes.routes,
    returns_routes.routes,
    replacement_routes.routes,
    carts_routes.routes,
    search_routes.routes,
    books_routes.routes,
    payments_routes.routes,
    provider_accounts_routes.routes,
    receivables_routes.routes,
    refunds_routes.routes,
    transfers_routes.routes,
    invoices_routes.routes,
    disputes_routes.routes,
    run_routes.routes,
    reconciliation_routes.routes,
    webhooks_routes.routes,
    feeds_routes.routes,
    feed_mapping_routes.routes,
    onboarding_routes.routes,
]
PAGES = [
    health.routes,
    docs.pages,
    companies_pages.routes,
    catalogue_pages.routes,
    agreements_pages.routes,
    search_pages.routes,
    carts_pages.routes,
    orders_pages.routes,
    order_pages.routes,
    returns_pages.routes,
    replacement_pages.routes,
    rules_pages.routes,
    payments_pages.routes,
    credit_pages.routes,
    receivables_pages.routes,
    provider_accounts_pages.routes,
    transfers_pages.routes,
    invoices_pages.routes,
    disputes_pages.routes,
    run_pages.routes,
    books_pages.routes,
    reconciliation_pages.routes,
    desk_pages.routes,
    feeds_pages.routes,
    feed_mapping_pages.routes,
    onboarding_pages.routes,
]
# Who hears what: Subscription(Event, handler, inside=..., outside=...).
SUBSCRIPTIONS: list[outbox.Subscription] = [
    outbox.Subscription(companies.CompanyRegistered, letters.write_welcome),
    outbox.Subscription(companies.InvitationSent, letters.write_invitation),
    outbox.Subscription(companies.PasswordForgotten, letters.write_reset),
    outbox.Subscription(companies.SellingChanged, letters.write_selling),
    outbox.Subscription(notifications.LetterRequested, letters.send_letters, outside=True),
    outbox.Subscription(catalogue.OffersChanged, search_handlers.index_changed, outside=True),
    outbox.Subscription(catalogue.CategoryMoved, rule_handlers.follow_category, inside=True),
    outbox.Subscription(catalogue.CategoryMoved, search_handlers.follow_category, inside=True),
    outbox.Subscription(catalogue.CategoryMoved, feed_handlers.follow_category, inside=True),
    outbox.Subscription(companies.SellingChanged, search_handlers.hide_vendors, inside=True),
    outbox.Subscription(orders.OrderPlaced, search_handlers.count_orders),
    outbox.Subscription(feeds.FeedReceived, feed_handlers.start_feeds),
    outbox.Subscription(onboarding.ApplicationQuestioned, onboarding_handlers.write_questions),
    outbox.Subscription(onboarding.ApplicationDeclined, onboarding_handlers.write_declined),
    outbox.Subscription(companies.SellingChanged, onboarding_handlers.refresh_search),
    outbox.Subscription(orders.VendorOrderShipped, shipment_handlers.close_delivered, inside=True),
    outbox.Subscription(orders.OrderStepTaken, refund_handlers.follow_step, inside=True),
    outbox.Subscription(return_events.ReturnMoved, return_handlers.write_letters),
    outbox.Subscription(orders.OrderStepTaken, earning_handlers.earn_ended, inside=True),
    outbox.Subscription(orders.VendorOrderDelivered, earning_handlers.earn, inside=True),
    outbox.Subscription(receivables.BankTransfersArrived, receivable_handlers.match_arrived, outside=True),
    outbox.Subscription(payments.DeficitPaid, receivable_handlers.follow_paid_deficit, inside=True),
    outbox.Subscription(payments.PaymentExceeded, refund_handlers.refund_excess, inside=True),
    outbox.Subscription(refunds.RefundRequested, dispute_handlers.cover_refunds, inside=True),
    outbox.Subscription(refunds.RefundRequested, refund_handlers.send_requested, outside=True),
    outbox.Subscription(orders.VendorOrderShipped, invoice_handlers.follow_shipped, outside=True),
    outbox.Subscription(orders.OrderStepTaken, invoice_handlers.follow_steps, outside=True),
    outbox.Subscription(invoices.InvoiceIssued, earning_handlers.follow_invoice, inside=True),
    outbox.Subscription(receivables.ReceivableSettled, invoice_handlers.note_settled, inside=True),
    outbox.Subscription(receivables.ReceivableReopened, invoice_handlers.note_reopened, inside=True),
    outbox.Subscription(receivables.ReceivableSettled, earning_handlers.release_settled, inside=True),
    outbox.Subscription(invoices.InvoiceIssued, invoice_handlers.render_issued),
    outbox.Subscription(invoices.CommissionsIssued, invoice_handlers.render_commissions),
    outbox.Subscription(onboarding.VendorApproved, provider_account_handlers.request_account, inside=True),
    outbox.Subscription(
        provider_accounts.ProviderAccountRequested, provider_account_handlers.open_requested, outside=True
    ),
    outbox.Subscription(runs.RunOpened, run_handlers.start),
    outbox.Subscription(runs.StatementsClosed, run_handlers.pay),
    outbox.Subscription(transfers.TransferMade, run_handlers.follow_made, inside=True),
    outbox.Subscription(transfers.TransferRefused, run_handlers.follow_refused, inside=True),
    outbox.Subscription(transfers.TransferWithdrawn, run_handlers.follow_withdrawn, inside=True),
    outbox.Subscription(transfers.TransferRequested, transfer_handlers.send_requested, outside=True),
    outbox.Subscription(transfers.ReversalRequested, transfer_handlers.take_back_requested, outside=True),
    outbox.Subscription(orders.OrderStepTaken, transfer_handlers.recover_after_step, outside=True),
    outbox.Subscription(transfers.PayableLowered, transfer_handlers.recover_lowered, outside=True),
    outbox.Subscription(webhooks.WebHookStored, webhook_handlers.look_into, outside=True),
]
COMMANDS = [
    returns.returns,
    books_commands.commands,
    run_commands.commands,
    reconciliation_commands.reconcile,
    rules_commands.found,
    search_commands.commands,
]
# The main navigation, per side, in the order shown.
NAVIGATION: list[pages.NavItem] = [
    *search_pages.navigation,
    *carts_pages.navigation,
    *orders_pages.navigation,
    *desk_pages.navigation,
    *catalogue_pages.navigation,
    *feeds_pages.navigation,
    *returns_pages.navigation,
    *disputes_pages.navigation,
    *run_pages.navigation,
    *transfers_pages.navigation,
    *invoices_pages.navigation,
    *reconciliation_pages.navigation,
    *books_pages.navigation,
    *receivables_pages.navigation,
    *credit_pages.navigation,
    *onboarding_pages.navigation,
    *provider_accounts_pages.navigation,
    *rules_pages.navigation,
    *search_pages.steering_navigation,
    *feed_mapping_pages.navigation,
]


def create_app(configured: Settings | None = None, gateway: PaymentGateway | None = None) -> Flask:
    """The app with all its rooms. Without arguments, settings come from the environment.

    `gateway` stands in for the payment provider that the settings describe.
    """
    chosen = configured or settings.from_environment(os.environ)
    _log(chosen.log_level)
    app = Flask("kontor", static_folder="marketplace/kernel/static", template_folder="marketplace/kernel/templates")
    app.root_path = str(Path(__file__).parent)
    equip(app, chosen, gateway)
    migrations.init_app(app, Path(__file__).parent / "migrations")
    access.load_actors_with(app, sessions.load_actor)
    outbox.subscribe(app, SUBSCRIPTIONS)
    problems.init_app(app)
    api = web.init_app(app)
    pages.init_app(app, NAVIGATION)
    for routes in API:
        api.register_blueprint(routes)
    description.complete(app, api)
    for blueprint in PAGES:
        app.register_blueprint(blueprint)
    if chosen.stripe_webhook_secret:
        app.register_blueprint(webhooks_routes.door)
    for command in COMMANDS:
        app.cli.add_command(command)
    app.cli.add_command(up.up_command(up.Ports(create_app, partial(load_demo, indexing.rebuild), launcher.start)))
    return app


def equip(app: Flask, chosen: Settings, gateway: PaymentGateway | None = None) -> None:
    """Give the app its settings, and the servers and the payment provider that they describe."""
    app.config.update(
        SECRET_KEY=chosen.secret_key or None,
        MAX_CONTENT_LENGTH=chosen.max_body_bytes,
        SESSION_COOKIE_NAME="kontor_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=chosen.secure_cookies,
    )
    app.extensions["kontor_settings"] = chosen
    if chosen.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=chosen.trusted_proxies, x_proto=chosen.trusted_proxies)  # type: ignore[method-assign]
    database.init_app(app, chosen.database_url, chosen.database_pool)
    reads.init_app(app)
    limits.init_app(app, chosen.redis_url or "memory://")
    queue.init_app(app, chosen.redis_url or "redis://localhost")
    mailer.init_app(app, chosen)
    payment_provider.init_app(app, chosen, gateway)
    search_provider.init_app(app, chosen)


def serve() -> Flask:
    """What a web server loads: refuses to start without what is unsafe to lack."""
    return create_app(settings.from_environment(os.environ).require())


def _log(level: str) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
