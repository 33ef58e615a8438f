"""The search protocol on Elasticsearch. What does not answer in time is away.

The alias names the index that serves, another the one that is built beside it; writes go to both, by these names, so
that none goes to an index that was dropped meanwhile. Each is the write index of its alias, of which the server allows
one. Documents carry the product's version as an external one; a removed product stays as an empty document of its last
version.
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import structlog

from marketplace.kernel.db import new_id
from marketplace.kernel.forks import shared_out
from search import answers, dsl, mapping, wording
from search.documents import Document, as_source
from search.engine import (
    DEEPEST,
    Buyer,
    IndexNotWhole,
    PageTooFar,
    Reader,
    Refused,
    SearchAway,
    SearchRequest,
    SearchResult,
)
from search.spelling import Spelling
from search.wire import AWAY, Deadline, Refusal, Server

log = structlog.get_logger("search")
BULK_TIMEOUT_S, BULK_BYTES = 30.0, 4_000_000
ENOUGH = 10  # hits with all words; of fewer, those with some of them follow
FORKS = 3  # of a rebuild: two cores are busy while one of them waits
SAMPLE, SAMPLED = 200, 5  # documents looked at before a new index serves, and those of a batch to choose them from
_LIVE = ("refresh_interval", "number_of_replicas", "translog.durability")  # as of an index that serves
GONE = b'{"gone":true}'
_CONFLICT, _NOT_THERE = 409, 404


class ElasticEngine:
    """See SearchEngine. Calls outside: with no transaction open."""

    name = "elasticsearch"
    outside = True

    def __init__(self, server: Server, alias: str = "kontor-products", *, timeout_s: float = 1.5) -> None:
        self.server = server
        self.alias = alias
        self.timeout_s = timeout_s

    def search(self, request: SearchRequest) -> SearchResult:
        if request.offset + request.limit > DEEPEST:
            raise PageTooFar(pointer="/cursor")
        until = Deadline(self.timeout_s)
        found = self._ask(until, *dsl.searches(request))
        words = request.words
        early = " " in words.text and (words.exactly or not words.key)
        ways = self._ways(request, until) if early and not answers.total(found) else []
        if meant := self._corrected(ways, until):  # before some of the words do: one of them is misspelt
            return meant
        if words.text and answers.total(found) < ENOUGH and " " in words.text:
            found = self._ask(until, *dsl.searches(request, loosely=True))
        if words.measures and not answers.total(found):
            found = self._ask(until, *dsl.searches(request, loosely=True, measured=False))
        if answers.total(found) or not words.text:
            return answers.result(request, found)
        if words.key and not words.exactly:
            near = self._ask(until, dsl.nothing_like_it(request))
            if answers.total(near):
                return answers.result(request, near)
        if early:
            return self._corrected(ways[:1], until, loosely=True) or answers.result(request, found)
        return self._corrected(self._ways(request, until), until) or answers.result(request, found)

    def _ways(self, request: SearchRequest, until: Deadline) -> list[SearchRequest]:
        """What may be meant of what was mistyped."""
        spelt = Spelling(request)
        if not spelt.words:
            return []
        looked_up = self._ask(until, wording.spellings(spelt))
        return spelt.ways(answers.known(spelt, looked_up), answers.near(looked_up))

    def _corrected(
        self, ways: Sequence[SearchRequest], until: Deadline, *, loosely: bool = False
    ) -> SearchResult | None:
        """What is found of the first that finds something."""
        for way in ways:
            found = self._ask(until, *dsl.searches(way, loosely=loosely, measured=not loosely))
            if answers.total(found):
                return replace(answers.result(way, found), meant=way.words.text)
        return None

    def complete(self, prefix: str, buyer: Buyer, limit: int, language: str = "en") -> tuple[uuid.UUID, ...]:
        hits = self._ask(Deadline(self.timeout_s), dsl.completion(prefix, buyer, limit, language))["hits"]["hits"]
        return tuple(answers.product_id(hit) for hit in hits)

    def related(self, product_id: uuid.UUID, buyer: Buyer, limit: int) -> tuple[uuid.UUID, ...]:
        until = Deadline(self.timeout_s)
        known = self._known(f"/{self.alias}/_doc/{product_id}?_source_includes=name,category,pairs", until.left())
        if known is None:
            return ()
        hits = self._ask(until, dsl.related(str(product_id), known["_source"], buyer, limit))["hits"]["hits"]
        return tuple(answers.product_id(hit) for hit in hits)

    def write(self, documents: Sequence[Document]) -> list[Refused]:
        return self.store(_sources(documents))

    def remove(self, gone: Sequence[tuple[uuid.UUID, int]]) -> None:
        self.store([(str(product_id), version, GONE) for product_id, version in gone])

    def store(self, sources: Sequence[tuple[str, int, bytes]], *, only: str | None = None) -> list[Refused]:
        """Store ready documents (id, version, JSON) in all indexes that serve or are being built, or in `only` one."""
        if not sources:
            return []
        refused: dict[str, Refused] = {}
        for index in [only] if only else self._targets():
            for body in _bulks(sources):
                answer = self._tell("POST", f"/{index}/_bulk{'' if only else '?require_alias=true'}", body)
                for one in _faults(answer, may_be_gone=index == self.building):
                    refused[str(one.product_id)] = one
        return list(refused.values())

    def refresh(self) -> None:
        """Let what was written be found now; for tests and tools."""
        self._tell("POST", f"/{self.alias},{self.alias}-*/_refresh?ignore_unavailable=true")

    def rebuild(self, batches: Iterator[Sequence[Any]], read: Reader = list) -> int:
        for index, names in self._named().items():
            if self.alias not in names:
                self._forget(index)  # one that was never finished: there is one rebuild at a time
        fresh = f"{self.alias}-{new_id().hex}"
        self._tell("PUT", f"/{fresh}", mapping.index_body(self.building, serving=False))
        try:
            given, some = self._fill(fresh, batches, read)
            self._check(fresh, given, some)
            self._serve(fresh)
        except BaseException:
            self._abandon(fresh)
            raise
        return given

    @property
    def building(self) -> str:
        """The alias of the index that is being built."""
        return f"{self.alias}-building"

    def versions(self, after: uuid.UUID | None, limit: int) -> list[tuple[uuid.UUID, int]]:
        asked: dict[str, Any] = {
            "query": {"exists": {"field": "product_id"}},
            "sort": [{"product_id": "asc"}],
            "size": limit,
            "version": True,
            "_source": False,
            "track_total_hits": False,
        }
        if after is not None:
            asked["search_after"] = [str(after)]
        answer = self._known(f"/{self.alias}/_search", BULK_TIMEOUT_S, asked)
        if answer is None:
            return []  # a new server: the first write makes the index
        return [(uuid.UUID(hit["_id"]), hit["_version"]) for hit in answer["hits"]["hits"]]

    def outdated(self) -> bool:
        found = self._known(f"/{self.alias}/_mapping?filter_path=*.mappings._meta", BULK_TIMEOUT_S)
        if found is None:
            return False  # there is none yet
        formats = [entry["mappings"]["_meta"].get("format", 0) for entry in found.values()]
        return min(formats, default=0) < mapping.FORMAT

    def clear(self) -> None:
        """Forget everything and begin with an empty index."""
        for index in self._named():
            self._forget(index)
        self._first()

    def _fill(self, fresh: str, batches: Iterator[Sequence[Any]], read: Reader) -> tuple[int, list[tuple[str, int]]]:
        """How many were given, without what was refused, and some of them: (id, version)."""
        given, some = 0, list[tuple[str, int]]()
        for count, sampled in shared_out(lambda batch: self._give(fresh, read(batch)), batches, FORKS):
            given += count
            some.extend(sampled)
        return given, some

    def _give(self, fresh: str, documents: Sequence[Document]) -> tuple[int, list[tuple[str, int]]]:
        """How many the new index took, and some of them: (id, version)."""
        sources = _sources(documents)
        refused = self.store(sources, only=fresh)
        for one in refused:
            log.warning("document refused", product_id=str(one.product_id), reason=one.reason)
        out = {str(one.product_id) for one in refused}
        taken = [(one, version) for one, version, _ in sources if one not in out]
        return len(taken), taken[:: max(1, len(taken) // SAMPLED)]

    def _check(self, fresh: str, given: int, some: Sequence[tuple[str, int]]) -> None:
        """The new index holds as many as it was given, and of a sample each in the version given or a later one."""
        self._tell("POST", f"/{fresh}/_refresh")
        count = self._tell("GET", f"/{fresh}/_count")["count"]
        if count < given:
            raise IndexNotWhole(given=given, held=count)
        sample = dict(some[:: max(1, len(some) // SAMPLE)][:SAMPLE])
        if not sample:
            return
        answer = self._tell("POST", f"/{fresh}/_mget?_source=false", {"ids": list(sample)})
        held = {doc["_id"]: doc.get("_version", 0) for doc in answer["docs"] if doc.get("found")}
        wrong = [one for one, version in sample.items() if held.get(one, 0) < version]
        if wrong:
            raise IndexNotWhole(wrong=wrong[:10])

    def _serve(self, fresh: str) -> None:
        """Swap the alias in one step, then drop the indexes that served."""
        serving = mapping.index_body(self.alias)["settings"]
        live = {"index": {name: serving[name] for name in _LIVE}}
        self._tell("PUT", f"/{fresh}/_settings", live)
        self._tell("POST", f"/{fresh}/_flush")
        served = {"index": f"{self.alias}-*", "alias": self.alias, "must_exist": False}  # also by one made just now
        swap: list[dict[str, Any]] = [
            {"remove": served},
            {"add": {"index": fresh, "alias": self.alias, "is_write_index": True}},
            {"remove": {"index": fresh, "alias": self.building}},
        ]
        self._tell("POST", "/_aliases", {"actions": swap})
        for index in self._named().keys() - {fresh}:
            self._forget(index)

    def _abandon(self, fresh: str) -> None:
        """Drop an index that was not finished, unless it serves: the answer to the swap may have been lost. What cannot
        be dropped now, the next rebuild drops."""
        try:
            names = self._named().get(fresh, {self.alias})
        except SearchAway:
            return
        if self.alias not in names:
            self._forget(fresh)

    def _targets(self) -> list[str]:
        """The alias of the index that serves, of a first one where none does, and of one that is being built."""
        found = {name for names in self._named().values() for name in names}
        if self.alias not in found:
            self._first()
        return [self.alias, self.building] if self.building in found else [self.alias]

    def indexes(self) -> list[str]:
        """The indexes of this engine, whatever they are for."""
        return list(self._named())

    def holds(self, count: int) -> bool:
        """Does an index serve that has so many documents?"""
        held = self._known(f"/{self.alias}/_count", BULK_TIMEOUT_S)
        return held is not None and held["count"] == count

    def _named(self) -> dict[str, set[str]]:
        """The indexes of this engine with their aliases."""
        found = self.server.ask("GET", f"/{self.alias}-*/_alias", seconds=self.timeout_s)
        own = re.compile(rf"{re.escape(self.alias)}-(first|[0-9a-f]{{32}})")
        return {index: set(entry["aliases"]) for index, entry in found.items() if own.fullmatch(index)}

    def _first(self) -> None:
        """The first index, made with its alias; by its one name the second of two makers finds it made. Where a rebuild
        ended meanwhile, the server refuses a second index that serves: SearchAway."""
        try:
            self.server.ask("PUT", f"/{self.alias}-first", mapping.index_body(self.alias), seconds=BULK_TIMEOUT_S)
        except Refusal as failure:
            if failure.kind != "resource_already_exists_exception":
                raise

    def _forget(self, index: str) -> None:
        try:
            self._tell("DELETE", f"/{index}?ignore_unavailable=true")
        except SearchAway as failure:
            log.warning("an index was not removed", index=index, error=repr(failure))

    def _ask(self, until: Deadline, *searches: dict[str, Any]) -> Any:
        """A search that ends in time: the server gives up shortly before we do. What is counted may be a search of its
        own: both go in one request and come to one answer."""
        seconds = until.left()
        limit = {"timeout": f"{max(1, int(seconds * 90))}0ms"}  # alike for all: what the server keeps, it knows by this
        bodies = [asked | limit for asked in searches]
        if len(bodies) == 1:
            found = self._known(f"/{self.alias}/_search", seconds, *bodies)
        else:
            found = self._known(f"/{self.alias}/_msearch", seconds, bodies)
        if found is None:
            raise SearchAway("The search index is not there yet; it is made by `flask search rebuild`.")
        answer = found if len(bodies) == 1 else answers.together(*found)
        if answer["timed_out"]:
            raise SearchAway("The search took too long; ask for something narrower.")
        return answer

    def _known(self, target: str, seconds: float, body: Any = None) -> Any:
        """What is read there, by several searches where `body` is a list of them; None where there is no such thing."""
        try:
            if isinstance(body, list):
                return self.server.ask_several(target, body, seconds=seconds)
            return self.server.ask("POST" if body else "GET", target, body, seconds=seconds)
        except Refusal as failure:
            if failure.status != _NOT_THERE:
                raise _not_as_agreed(failure) from failure
            return None

    def _tell(self, method: str, target: str, body: Any = None) -> Any:
        """What changes the index may take its time: nobody waits for it at a desk."""
        try:
            return self.server.ask(method, target, body, seconds=BULK_TIMEOUT_S)
        except Refusal as failure:
            raise _not_as_agreed(failure) from failure


def _not_as_agreed(failure: Refusal) -> SearchAway:
    """The server does not take what we ask, such as with the index of an older release: for whoever operates it."""
    log.error("elasticsearch does not take what it is asked", error=str(failure))
    return SearchAway()


def _sources(documents: Sequence[Document]) -> list[tuple[str, int, bytes]]:
    """What is stored of them: (id, version, JSON)."""
    return [(str(one.product_id), one.version, orjson.dumps(as_source(one))) for one in documents]


def _bulks(sources: Sequence[tuple[str, int, bytes]]) -> Iterator[bytes]:
    """Bodies of bulk requests of a bounded size."""
    lines: list[bytes] = []
    size = 0
    for product_id, version, source in sources:
        head = b'{"index":{"_id":"%s","version":%d,"version_type":"external_gte"}}' % (product_id.encode(), version)
        if size and size + len(source) > BULK_BYTES:
            yield b"\n".join([*lines, b""])
            lines, size = [], 0
        lines += [head, source]
        size += len(source)
    yield b"\n".join([*lines, b""])


def _faults(answer: Any, *, may_be_gone: bool = False) -> Iterator[Refused]:
    """What the server could not take. A newer version that is there already is no fault; nor, where that may be, that
    nothing is being built any more."""
    if not answer["errors"]:
        return
    for item in answer["items"]:
        done = item["index"]
        if done["status"] == _NOT_THERE and may_be_gone:
            continue
        if done["status"] in AWAY or done["status"] == _NOT_THERE:
            raise SearchAway(reason=str(done["error"].get("type")))
        if done["status"] >= 400 and done["status"] != _CONFLICT:
            reason = done["error"].get("caused_by", done["error"]).get("reason", done["error"].get("reason", ""))
            yield Refused(uuid.UUID(done["_id"]), str(reason)[:500])
