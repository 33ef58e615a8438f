"""Words and quantities in Elasticsearch's words: pure. See search/dsl.py."""

from collections.abc import Iterable
from typing import Any

from search import kinds
from search.engine import SearchRequest, Words
from search.spelling import MOST_NEAR, SHORTEST, Spelling
from search.words import thing_measured

Clause = dict[str, Any]
_ALL_WORDS = 6.0  # for having all words, wherever; beside a score of 3 to 15 for how well name and description fit
_ALTERNATIVE = 0.8  # what a synonym reads counts less than what was typed
_SERVES = 0.7
_MAKER = 0.5
_THING = 4.0  # for being what a quantity is of, where no word says what is wanted
_MEASURED = 20.0  # for having the quantity, where that is not needed; beyond what words come to
_TOLD = ["name", "kind", "manufacturer"]
_IS_A, _CALLED, _VALUES = 1.0, 0.5, 0.12  # beside the score for words: that the thing is one, and not one for it


def readings(request: SearchRequest, *, loosely: bool, measured: bool) -> list[Clause]:
    """The ways in which a text is read, each with the quantities it asks for; see dsl.searches."""
    ways = []
    for at, reading in enumerate(request.words.readings):
        boost = _ALTERNATIVE if at else 1.0
        for rest, needed in _parted(reading, request):
            if not rest:
                ways.append(_only_measures(request.words, needed, boost, measured=measured))
            elif measured:
                ways += _reading(rest, needed, request, boost, loosely=loosely)
            else:
                brought = [constant(one, _MEASURED) for one in needed]
                for found in _reading(rest, [], request, boost, loosely=loosely):
                    ways.append({"bool": {"must": [found], "should": brought}})
    return ways


def matching(request: SearchRequest, *, loosely: bool, measured: bool) -> Clause:
    """What the readings find, without any score."""
    ways: list[Clause] = []
    for reading in request.words.readings:
        for rest, needed in _parted(reading, request):
            if not rest:
                ways.append({"bool": _kept(needed, measured=measured)})
            else:
                some, every = _some_words(rest, request.language), _all_words(rest, request.language)
                there = _any([*some, _joined(rest)]) if loosely else every
                ways.append(_all([*(needed if measured else []), there]))
    return _any(ways)


def _only_measures(words: Words, needed: list[Clause], boost: float, *, measured: bool) -> Clause:
    """Nothing but quantities: first the kind of thing that is told by them, then what says them first."""
    said = " ".join(said for said, _ in words.measures)
    tokens = [token for _, ways in words.measures for way in ways for token in way]
    liked: list[Clause] = [{"match_all": {}}, *_of_quantity(words)]
    liked.append(constant({"terms": {"measures": tokens}}, _MEASURED))  # before what has only its digits
    liked += [{"match": {"name": said}}, {"match": {"values": {"query": said, "boost": _VALUES}}}]
    return {"bool": {"must": [{"bool": _kept(needed, measured=measured)}], "should": liked, "boost": boost}}


def _kept(needed: list[Clause], *, measured: bool) -> Clause:
    """All that is needed, or some of it."""
    return {"filter": needed} if measured else {"should": needed, "minimum_should_match": 1}


def _of_quantity(words: Words) -> list[Clause]:
    thing = thing_measured(words.measures)
    where = {"multi_match": {"query": thing, "fields": ["name", "kind"]}}
    return [constant(where, _THING)] if thing else []


def _parted(reading: str, request: SearchRequest) -> Iterable[tuple[str, list[Clause]]]:
    """The words of a reading, and the quantities it asks for: by what they measure, or else as they are written."""
    rest, needed = reading, []
    for said, ways in request.words.measures:
        if said in rest:
            rest = rest.replace(said, " ", 1)
            meant = [_all([{"term": {"measures": token}} for token in way]) for way in ways]
            needed.append({"bool": {"should": [*meant, _everywhere(said, request.language)]}})
    yield rest.strip(), needed


def _all(clauses: list[Clause]) -> Clause:
    return clauses[0] if len(clauses) == 1 else {"bool": {"filter": clauses}}


def _best_of(clauses: list[Clause]) -> Clause:
    return clauses[0] if len(clauses) == 1 else {"dis_max": {"queries": clauses}}


def _any(clauses: list[Clause]) -> Clause:
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses}}


def _reading(
    rest: str, needed: list[Clause], request: SearchRequest, boost: float, *, loosely: bool
) -> Iterable[Clause]:
    language = request.language
    fits, every = _some_words(rest, language), constant(_all_words(rest, language), _ALL_WORDS)
    kept: Clause = {"filter": needed, "boost": boost}
    if loosely:
        kept |= {"must": [_best_of([*fits, constant(_joined(rest), 0.0)])], "should": [every]}
    else:  # as one of what may be there, what counts the same for all would let nothing be passed over
        kept |= {"must": [every], "should": [_best_of(fits)]}
    kept["should"] += [_of_maker(rest), {"match": {"values": {"query": rest, "boost": _VALUES}}}]
    kept["should"] += _of_kind(rest) or _of_quantity(request.words)
    for_it = {"match": {"serves": rest}}
    if request.words.key:  # few have the number: to ask twice costs more than to look at all of them
        yield {"boosting": {"positive": {"bool": kept}, "negative": for_it, "negative_boost": _SERVES}}
        return
    # The same scores as by `boosting`, of which the server cannot tell what they come to at most.
    yield {"bool": kept | {"must_not": [for_it]}}
    yield {"bool": kept | {"filter": [for_it, *kept["filter"]], "boost": boost * _SERVES}}


def foremost(request: SearchRequest) -> list[Clause]:
    """What is put before the rest where some of what is found stands for all of it: named so, and not for such a thing.
    For less than a score costs."""
    text = request.words.readings[0]
    named = {"match": {"name": {"query": text, "operator": "and"}}}
    return [constant(named, 1.0), constant({"bool": {"must_not": [{"match": {"serves": text}}]}}, 1.0)]


def _all_words(rest: str, language: str) -> Clause:
    """All words, each in any field, or written together."""
    return _any([_everywhere(rest, language), _joined(rest)])


def _joined(rest: str) -> Clause:
    return {"match": {"name.joined": {"query": rest, "operator": "and"}}}


def _some_words(rest: str, language: str) -> list[Clause]:
    return [{"multi_match": {"query": rest, "fields": fields, "type": "cross_fields"}} for fields in _fitting(language)]


def _of_kind(rest: str) -> list[Clause]:
    """Whoever asks for a monitor means what is one: not the arm, the cable and the screen protector for one."""
    kind = kinds.kind_asked(rest)
    ways = {"is_a": _IS_A, "called": _CALLED}
    return [constant({"match": {name: kind}}, boost) for name, boost in ways.items()] if kind else []


def _of_maker(rest: str) -> Clause:
    """Whoever asks for a maker asks for what his attributes make much of: what is for his things, beside those."""
    named = {"match": {"manufacturer": {"query": rest, "operator": "and"}}}
    return {"bool": {"filter": [named], "should": [{"match": {"attributes": {"query": rest, "boost": _MAKER}}}]}}


def _fitting(language: str) -> list[list[str]]:
    """Fields whose words make the score; those of the language first, the default's for what is not translated."""
    own = [] if language == "en" else [[f"texts.{language}.name", f"texts.{language}.description"]]
    return [*own, ["name", "description"]]


def _everywhere(text: str, language: str) -> Clause:
    """All words, each in any field."""
    ways = []
    if language != "en":
        ways.append(_cross(text, [f"texts.{language}.name", f"texts.{language}.description"]))
    ways.append(_cross(text, ["name", "description", "kind", "manufacturer", "part_number", "attributes", "papers"]))
    return _any(ways)


def _cross(text: str, fields: list[str]) -> Clause:
    """Fields of one analyzer are one field to this; those of several would each have to hold all words."""
    return {"multi_match": {"query": text, "fields": fields, "type": "cross_fields", "operator": "and"}}


def constant(clause: Clause, boost: float) -> Clause:
    return {"constant_score": {"filter": clause, "boost": boost}}


def looked_up(spelt: Spelling) -> tuple[str, ...]:
    """What `spellings` asks whether it is known, in its order."""
    return (*spelt.words, *spelt.phrases)


def spellings(spelt: Spelling) -> Clause:
    """A look for words and phrases that the catalogue has, and for words near those it has not."""
    ways: list[Clause] = [{"query": word, "fields": [*_TOLD, "name.plain"]} for word in spelt.words]
    where = [*_TOLD, "description", "attributes"]
    ways += [{"query": phrase, "fields": where, "type": "phrase"} for phrase in spelt.phrases]
    body: Clause = {
        "size": 0,
        "track_total_hits": False,
        "aggs": {"known": {"filters": {"filters": [{"multi_match": way} for way in ways]}}},
    }
    if spelt.asked:
        nearest = {"field": "name.plain", "size": MOST_NEAR, "min_word_length": SHORTEST, "prefix_length": 1}
        body["suggest"] = {"text": " ".join(spelt.asked), "word": {"term": nearest}}
    return body
