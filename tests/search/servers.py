"""A real Elasticsearch for the tests: the one at ELASTICSEARCH_URL; without it they are left out and say so."""

import os
import uuid
from collections.abc import Sequence

import pytest

from search import indexing, queries
from search.elastic import ElasticEngine
from search.wire import Server
from tests import needs


def index_products(product_ids: Sequence[uuid.UUID]) -> None:
    """Write these products into every index, in the caller's transaction."""
    documents = queries.documents(product_ids)
    for engine in indexing.engines():
        engine.write(documents)


@pytest.fixture(scope="session")
def elasticsearch_url() -> str:
    """The address of a real server."""
    url = os.environ.get("ELASTICSEARCH_URL")
    if not url:
        needs.missing("elasticsearch", "ELASTICSEARCH_URL is not set: `make elasticsearch` starts one")
    return url


def an_elastic_engine(url: str, name: str, *, timeout_s: float = 10.0) -> ElasticEngine:
    """An engine with an index of this test process's own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return ElasticEngine(Server(url), f"{name}-{worker}-{os.getpid()}", timeout_s=timeout_s)


def drop(engine: ElasticEngine) -> None:
    """Leave nothing of it on the server."""
    for name in engine.indexes():
        engine.server.ask("DELETE", f"/{name}", seconds=20)


def a_name() -> str:
    return f"kontor-{uuid.uuid4().hex[:10]}"
