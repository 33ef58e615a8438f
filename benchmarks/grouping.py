"""How well offers of one product are put together by their titles alone: pairwise precision and recall.

35,311 offers of 306 merchants (pricerunner), each known to be of one of 13,233 products. Two count as put together
if their score reaches the threshold at which nobody is asked (`sure`), or at which the operator is (`proposed`).

Run alone: python benchmarks/grouping.py [--offers N]. The last line is one JSON object.
"""

import argparse
import csv
import io
import subprocess
from collections import Counter

import _catalogues as catalogues
import _common as bench

from search.grouping import PROPOSED, SURE, Titles


def main() -> None:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--offers", type=int)
    chosen = wanted.parse_args()
    path = catalogues.DATA / "pricerunner" / "pricerunner_aggregate.csv.zst"
    text = subprocess.run(["zstdcat", str(path)], check=True, capture_output=True).stdout.decode()
    rows = list(csv.DictReader(io.StringIO(text), skipinitialspace=True))[: chosen.offers]
    products = [row["Cluster ID"] for row in rows]
    true = sum(n * (n - 1) // 2 for n in Counter(products).values())
    found = {"proposed": [0, 0], "sure": [0, 0]}
    categories: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        categories.setdefault(row["Category ID"], []).append(at)
    for members in categories.values():
        titles = Titles([rows[at]["Product Title"] for at in members])
        for one, other, score in titles.pairs(PROPOSED):
            right = products[members[one]] == products[members[other]]
            for name, least in (("proposed", PROPOSED), ("sure", SURE)):
                if score >= least:
                    found[name][0] += 1
                    found[name][1] += right
    figures: dict[str, object] = {"offers": len(rows), "pairs": true}
    for name, (together, right) in found.items():
        figures |= {f"{name}_precision": round(right / max(1, together), 4), f"{name}_recall": round(right / true, 4)}
    bench.finish(figures)


if __name__ == "__main__":
    main()
