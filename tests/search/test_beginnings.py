"""Names by the beginnings of their words: as a look at each of them would find them."""

from hypothesis import given
from hypothesis import strategies as st

from search.beginnings import Beginnings

NAMES = st.text(alphabet="aAbß é\U0010ffff", max_size=8)


@given(st.lists(NAMES, max_size=12), NAMES, st.integers(1, 5))
def test_names_are_found_from_the_beginning_of_each_word_on(names, prefix, limit):
    beginnings = Beginnings((name, at) for at, name in enumerate(names))
    looked_at = [at for at, name in enumerate(names) if f" {prefix.lower()}" in f" {name.lower()}"]
    assert beginnings.of(prefix, limit) == looked_at[:limit]
