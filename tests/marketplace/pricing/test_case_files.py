"""The published cases agree in every key of every state, and what must be refused is, with its reason."""

from pathlib import Path

import pytest

from marketplace.pricing.cases import answer, read_cases

CASES = Path(__file__).parents[3].parent / "shared" / "cases" / "split-returns"


def cases_of(name):
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"the published cases are not beside the repository: {path.name}")
    return read_cases(path.read_bytes())


@pytest.mark.parametrize(("name", "number"), [("worked.json", 45), ("random.json", 300)])
def test_published_cases_agree_in_every_key_of_every_state(name, number):
    cases = cases_of(name)
    assert len(cases) == number
    for case, answered in zip(cases, answer(cases)["cases"], strict=True):
        assert answered == {"name": case["name"], "expected": case["expected"]}


def test_published_refusals_have_their_reason():
    cases = cases_of("refused.json")
    assert len(cases) == 20
    answers = answer(cases)["cases"]
    assert answers == [{"name": case["name"], "refused": case["refused"]} for case in cases]
