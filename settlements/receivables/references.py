"""The numbers that a bank's reference names, whatever the payer or his bank did to their spelling; pure."""

import re
from collections.abc import Iterable

_ATOM = re.compile(r"[A-Z]+|[0-9]+")
_LONGEST = 7  # atoms of the longest number, that of a claim for paying late: K101-I26-000003/L2


def key_of(number: str) -> str:
    """`K-100042-2` and `K 100042/2` are the same: letters and digits, taken apart."""
    return "-".join(_ATOM.findall(number.upper()))


def keys_in(reference: str) -> frozenset[str]:
    """Every number that a text may mean: each run of up to so many neighbouring atoms."""
    atoms = _ATOM.findall(reference.upper()[:1000])
    runs = (atoms[start : start + size] for start in range(len(atoms)) for size in range(1, _LONGEST + 1))
    return frozenset("-".join(run) for run in runs if any(atom.isdigit() for atom in run))


def longest_only(keys: Iterable[str]) -> frozenset[str]:
    """Without those that are the beginning of a longer one among them: `K-100042-2` is meant, not all of `K-100042`."""
    found = frozenset(keys)
    return frozenset(key for key in found if not any(other.startswith(key + "-") for other in found))
