"""The figure of settlement under fire, in small: three kills, and every cent where it belongs."""

import json

import pytest

from tests import forks
from tests.conftest import ROOT

RUN = f"""
import runpy, sys
sys.path.insert(0, "{ROOT}/benchmarks")
runpy.run_path("{ROOT}/benchmarks/settlement_kills.py", run_name="__main__")
"""


@pytest.mark.processes
def test_a_settlement_survives_kills(tmp_path):
    log = tmp_path / "log"
    assert forks.fork(RUN, "3", "6", "hurry", log=log).wait(400) == 0, log.read_text()[-2000:]
    figures = json.loads(log.read_text().splitlines()[-1])
    expected = {"kills": 3, "paid_twice": 0, "forgotten": 0, "cents_off": 0}
    assert {name: figures[name] for name in expected} == expected, log.read_text()
