"""Real servers for every test; each test in a transaction that is rolled back, or in a database of its own."""

import copy
import importlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import scoped_session, sessionmaker

import wsgi
from marketplace.kernel import local, reads
from marketplace.kernel.access import ANONYMOUS, Actor
from marketplace.kernel.db import Row, db
from marketplace.kernel.settings import Settings
from settlements.gateway.port import PaymentGateway
from tests.cast import cast  # noqa: F401 - the fixture

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
# Foreign keys cross rooms: the schema is whole only when every room's rows are known.
for room in ("marketplace", "vendors", "search", "settlements"):
    for models in sorted(ROOT.glob(f"{room}/**/models.py")):
        importlib.import_module(".".join(models.relative_to(ROOT).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what mostly waits for programs beside it: at the end nothing else would go on meanwhile, and a fork of a
    process that has not done much yet is a light one."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(database url, redis url) for this test process: those given, or embedded ones of its own."""
    folder = tmp_path_factory.mktemp("servers")
    started = []
    database, redis = os.environ.get("KONTOR_TEST_DATABASE_URL"), os.environ.get("KONTOR_TEST_REDIS_URL")
    if not database:
        started.append(local.start_postgres(folder / "pg", durable=False))
        database = started[-1].url
    if not redis:
        started.append(local.start_valkey(folder / "valkey"))
        redis = started[-1].url
    else:  # one server for all test processes: a numbered database for each
        redis = redis.replace("?db=0", f"?db={os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw')}")
    yield database, redis
    for server in reversed(started):
        server.stop()


@pytest.fixture(scope="session")
def make_empty_database(servers: tuple[str, str]) -> Iterator[Callable[..., str]]:
    """Makes databases, empty or copied from a template; dropped at the end."""
    admin = create_engine(servers[0], isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def create(template: str | None = None) -> str:
        name = f"kontor_test_{uuid.uuid4().hex[:12]}"
        with admin.connect() as connection:
            # As files: to write a schema of its size into the log costs three times as much.
            copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
            connection.execute(text(f'CREATE DATABASE "{name}"{copied}'))
        made.append(name)
        return make_url(servers[0]).set(database=name).render_as_string(hide_password=False)

    yield create
    with admin.connect() as connection:
        for name in reversed(made):
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture(scope="session")
def make_database(make_empty_database: Callable[..., str]) -> Callable[[], str]:
    """Makes databases with the schema of the models, which a house test holds to that of the migrations."""
    url = make_empty_database()
    engine = create_engine(url)
    Row.metadata.create_all(engine)
    engine.dispose()
    return lambda: make_empty_database(make_url(url).database)


@pytest.fixture(scope="session")
def make_settings(servers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Settings]:
    """Settings of a test app: `make_settings(database_url, **others)`."""

    def make(database_url: str, **others: object) -> Settings:
        values = {
            "database_url": database_url,
            "redis_url": servers[1],
            "secret_key": "only-for-tests",
            "var_folder": str(tmp_path_factory.mktemp("var")),
            "log_level": "ERROR",
            "password_memory_kib": 8,
            "password_rounds": 1,
            "sign_in_limit": "10000 per minute",
            "sign_in_address_limit": "10000 per minute",
            "registration_limit": "10000 per minute",
        }
        return Settings(**(values | others))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def make_app(make_settings: Callable[..., Settings]) -> Iterator[Callable[..., Flask]]:
    """Makes apps: `make_app(database_url, gateway=None, **settings)`; whoever asks for one gives it back by `close`.

    To build all rooms takes longer than most tests: it is done once, and what differs is given to a copy. Routes are
    the same in all of them: a test that adds one builds an app of its own.
    """
    pattern = wsgi.create_app(make_settings(""))

    def make(database_url: str, gateway: PaymentGateway | None = None, **others: object) -> Flask:
        app = copy.copy(pattern)
        app.config = copy.copy(pattern.config)
        app.extensions = {name: value for name, value in pattern.extensions.items() if name != "sqlalchemy"}
        app.teardown_appcontext_funcs = []
        app.before_request_funcs = {of: list(calls) for of, calls in pattern.before_request_funcs.items()}
        wsgi.equip(app, make_settings(database_url, **others), gateway)
        return app

    yield make
    close(pattern)


@pytest.fixture(scope="session")
def app(make_database: Callable[[], str], make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """The app that the rolled-back tests share."""
    app = make_app(make_database())
    app.extensions["kontor_search_notes"].after_s = None  # nothing writes beside the test's own transaction
    app.before_request_funcs.setdefault(None, []).insert(0, _forget_the_last_request)
    yield app
    close(app)


def _forget_the_last_request() -> None:
    """The fixture `session` holds one app context around all requests of a test, and with it one `g` and one session.

    What the test wrote before a request is kept (in its outer transaction), so that a refusal rolls back no more than
    the request itself.
    """
    for name in list(g):
        g.pop(name)
    db.session.commit()


def close(app: Flask) -> None:
    """Give back the connections of an app."""
    app.extensions["kontor_search_notes"].end()
    with app.app_context():
        db.engine.dispose()
    app.extensions["kontor_redis"].close()


@pytest.fixture
def session(app: Flask) -> Iterator[scoped_session]:
    """The database session of this test, inside a transaction that ends in a rollback; pushes an app context."""
    original, read = db.session, app.extensions["kontor_read"]
    app.extensions["kontor_read"] = reads.in_session
    app.extensions["kontor_search_remembered"].clear()  # of rows that were rolled back
    with app.app_context():
        connection = db.engine.connect()
        outer = connection.begin()
        db.session = scoped_session(
            sessionmaker(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        )
        try:
            yield db.session
        finally:
            db.session.remove()
            db.session, app.extensions["kontor_read"] = original, read
            outer.rollback()
            connection.close()


@pytest.fixture
def client_as(app: Flask, session: scoped_session) -> Iterator[Callable[[Actor], FlaskClient]]:
    """`client_as(actor)`: an HTTP client whose requests come from that actor, whoever else asks in between."""
    original = app.extensions["kontor_actor_loader"]

    class ActingClient(app.test_client_class or FlaskClient):  # type: ignore[misc]
        actor: Actor = ANONYMOUS

        def open(self, *args: object, **kwargs: object) -> object:
            app.extensions["kontor_actor_loader"] = lambda: self.actor
            return super().open(*args, **kwargs)

    def make(actor: Actor) -> FlaskClient:
        client = ActingClient(app, app.response_class, use_cookies=True)
        client.actor = actor
        return client

    yield make
    app.extensions["kontor_actor_loader"] = original


@pytest.fixture
def own_database(make_database: Callable[[], str]) -> str:
    """The URL of a database of this test's own, for tests that really commit or use several processes."""
    return make_database()


@pytest.fixture
def own_app(own_database: str, make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """An app on a database of its own, where commits are real."""
    app = make_app(own_database)
    yield app
    close(app)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared cases and data; a test that needs it is left out where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared is not here")
    return SHARED
