"""Completions of the embedded engine in a large catalogue, where looking at everything takes long."""

import uuid

import pytest

from marketplace.kernel.db import QueryCounter
from search import postgres
from search.documents import Document, OfferEntry
from search.engine import Buyer
from search.postgres import PostgresEngine


def a_document(name, number):
    offer = OfferEntry(uuid.UUID(int=number), uuid.UUID(int=1), f"S-{number}", 1, True)
    return Document(uuid.UUID(int=number), 1, name, "", f"PN{number}", None, "", "", "word " * 150, (), (offer,))


@pytest.fixture
def engine(session, monkeypatch):
    """800 documents of which it is believed that they are 12,000: a share of them, some 300, is looked at first."""
    made = PostgresEngine()
    made.write([a_document(f"Widget {number}", number) for number in range(1, 800)])
    made.write([a_document("Rarity", 800)])
    monkeypatch.setattr(postgres, "_count", lambda: 12_000.0)
    return made


def test_what_many_begin_with_is_found_among_some(engine):
    engine.complete("widg", Buyer(), 5)
    with QueryCounter() as seen:
        assert len(engine.complete("widg", Buyer(), 5)) == 5
    assert seen.count == 1


def test_what_few_begin_with_is_found_among_all(engine):
    assert engine.complete("rari", Buyer(), 5) == (uuid.UUID(int=800),)
    assert engine.complete("PN800", Buyer(), 5) == (uuid.UUID(int=800),)
    assert engine.complete("rari", Buyer(), 5, "fr") == (uuid.UUID(int=800),)
