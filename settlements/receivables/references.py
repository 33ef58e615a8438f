"""The numbers that a bank's reference names, whatever the payer or his bank did to their spelling; pure."""

import re
from collections.abc import Collection, Iterable, Iterator

_ATOM = re.compile(r"[A-Z]+|[0-9]+")
_LONGEST = 7  # atoms of the longest number, that of a claim for paying late: K101-I26-000003/L2


def key_of(number: str) -> str:
    """`K-100042-2` and `K 100042/2` are the same: letters and digits, taken apart."""
    return "-".join(_ATOM.findall(number.upper()))


def keys_in(reference: str) -> frozenset[str]:
    """Every number that a text may mean: each run of up to so many neighbouring atoms."""
    return frozenset(key for runs in _runs(reference) for key in runs)


def named_in(reference: str, keys: Collection[str]) -> frozenset[str]:
    """Which of these numbers a text names: at each place the longest. Who names a claim for paying late does not name
    its invoice by that; who names both does."""
    longest = (next((key for key in reversed(runs) if key in keys), None) for runs in _runs(reference))
    return frozenset(key for key in longest if key is not None)


def _runs(reference: str) -> Iterator[list[str]]:
    """The runs of atoms that begin at each place of a text, the shortest first, those without a digit left out."""
    atoms = _ATOM.findall(reference.upper()[:1000])
    for start in range(len(atoms)):
        runs = (atoms[start : start + size] for size in range(1, min(_LONGEST, len(atoms) - start) + 1))
        yield ["-".join(run) for run in runs if any(atom.isdigit() for atom in run)]


def longest_only(keys: Iterable[str]) -> frozenset[str]:
    """Without those that are the beginning of a longer one among them: `K-100042-2` is meant, not all of `K-100042`."""
    found = frozenset(keys)
    return frozenset(key for key in found if not any(other.startswith(key + "-") for other in found))
