"""Which engine this app searches with: Elasticsearch where an address is set, else the database."""

from collections.abc import Sequence

from flask import Flask

from marketplace.kernel import operations
from marketplace.kernel.settings import Settings
from search import indexing, insight, remembering
from search.elastic import ElasticEngine
from search.engine import Finder, SearchEngine
from search.fallback import FallbackEngine
from search.postgres import PostgresEngine
from search.wire import Server


def init_app(app: Flask, settings: Settings) -> None:
    use(app, *chosen(settings))
    insight.init_app(app)
    remembering.init_app(app)
    operations.add_figures(app, "search", indexing.figures)


def use(app: Flask, searching: Finder, following: Sequence[SearchEngine]) -> None:
    """`searching` answers, and the indexes of those `following` are kept up to date."""
    app.extensions["kontor_search"] = searching
    app.extensions["kontor_search_engines"] = tuple(following)


def chosen(settings: Settings) -> tuple[Finder, Sequence[SearchEngine]]:
    """The engine that the settings describe, with those whose index follows."""
    embedded = PostgresEngine()
    if not settings.elasticsearch_url:
        return embedded, [embedded]
    server = Server(
        settings.elasticsearch_url, api_key=settings.elasticsearch_api_key, ca_certs=settings.elasticsearch_ca_certs
    )
    elastic = ElasticEngine(server, settings.elasticsearch_index, timeout_s=settings.search_timeout_ms / 1000)
    if settings.search_fallback:
        return FallbackEngine(elastic, embedded), [embedded, elastic]
    return elastic, [elastic]
