"""The figure of settlement under fire, in small: three kills, and every cent where it belongs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.processes
def test_a_settlement_survives_kills():
    command = [sys.executable, "benchmarks/settlement_kills.py", "3", "6", "hurry"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    expected = {"kills": 3, "paid_twice": 0, "forgotten": 0, "cents_off": 0}
    assert {name: figures[name] for name in expected} == expected, done.stdout
