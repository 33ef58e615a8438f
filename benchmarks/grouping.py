"""How well offers of one product are put together by their titles alone: pairwise precision and recall.

35,311 offers of 306 merchants (pricerunner), each known to be of one of 13,233 products; the code is that which
proposes pairs to the operator. Its weights were fitted on the products with an even number (`--fit` prints them from
those alone); both halves are reported. A pair that joins products of both halves is wrong in each.

Run alone: python benchmarks/grouping.py [--offers N] [--fit]. The last line is one JSON object.
"""

import argparse
import csv
import io
import math
import random
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

import _catalogues as catalogues
import _common as bench

from search.grouping import Groups, groups_of
from search.likeness import WEIGHTS, Item

HALVES = ("fitted", "other")


def offers(limit: int | None) -> list[dict[str, str]]:
    path = catalogues.DATA / "pricerunner" / "pricerunner_aggregate.csv.zst"
    text = subprocess.run(["zstdcat", str(path)], check=True, capture_output=True).stdout.decode()
    return list(csv.DictReader(io.StringIO(text), skipinitialspace=True))[:limit]


def categories(rows: list[dict[str, str]]) -> Iterator[tuple[list[dict[str, str]], Groups]]:
    by_category: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_category[row["Category ID"]].append(row)
    for members in by_category.values():
        items = [Item(row["Product Title"], sellers=frozenset([row["Merchant ID"]])) for row in members]
        yield members, Groups(items)


def half(row: dict[str, str]) -> str:
    return HALVES[int(row["Cluster ID"]) % 2]


def fit(rows: list[dict[str, str]], rounds: int = 4) -> None:
    """Logistic regression (AdaGrad) on the near pairs within the fitted half."""
    known = []
    for members, groups in categories(rows):
        for _, one, other in groups.pairs():
            left, right = members[one], members[other]
            if half(left) == half(right) == HALVES[0]:
                known.append((groups.facts(one, other), float(left["Cluster ID"] == right["Cluster ID"])))
    random.Random(0).shuffle(known)
    weights, moved = [0.0] * len(WEIGHTS), [1e-6] * len(WEIGHTS)
    for _ in range(rounds):
        for facts, right in known:
            told = sum(map(float.__mul__, weights, map(float, facts)))
            slip = 1 / (1 + math.exp(-max(-30.0, min(30.0, told)))) - right
            for at, fact in enumerate(facts):
                if fact:
                    moved[at] += (slip * fact) ** 2
                    weights[at] -= 0.5 * slip * fact / math.sqrt(moved[at])
    for name, weight in zip(WEIGHTS, weights, strict=True):
        print(f'    "{name}": {weight:.2f},')


def main() -> None:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--offers", type=int)
    wanted.add_argument("--fit", action="store_true")
    chosen = wanted.parse_args()
    rows = offers(chosen.offers)
    if chosen.fit:
        fit(rows)
        return
    started = time.process_time()
    sizes = Counter(row["Cluster ID"] for row in rows)
    names = ("all", *HALVES)
    true, together, right = (dict.fromkeys(names, 0) for _ in range(3))
    for cluster, size in sizes.items():
        for name in ("all", HALVES[int(cluster) % 2]):
            true[name] += size * (size - 1) // 2
    for members, groups in categories(rows):
        for group in groups_of(len(members), groups.meetings()):
            for at, one in enumerate(group):
                for other in group[:at]:
                    left, same = members[one], members[one]["Cluster ID"] == members[other]["Cluster ID"]
                    for name in {"all", half(left), half(members[other])}:
                        together[name] += 1
                        right[name] += same
    figures: dict[str, object] = {"offers": len(rows), "pairs": true["all"]}
    for name in names:
        prefix = "" if name == "all" else f"{name}_"
        figures[f"{prefix}precision"] = round(right[name] / max(1, together[name]), 4)
        figures[f"{prefix}recall"] = round(right[name] / max(1, true[name]), 4)
        figures[f"{prefix}f1"] = round(2 * right[name] / max(1, together[name] + true[name]), 4)
    bench.finish(figures | {"cpu_s": round(time.process_time() - started, 1)})


if __name__ == "__main__":
    main()
