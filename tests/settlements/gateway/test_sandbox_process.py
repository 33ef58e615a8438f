"""The sandbox keeps what it answered when it is killed, ends with its launcher, and knows the SDK's shapes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import stripe

from settlements.gateway.port import PaymentState
from settlements.gateway.sandbox import generate_parameters, launcher
from settlements.gateway.stripe_gateway import API_VERSION
from tests.settlements.gateway.servers import SECRET, Receiver, gateway_at, order_payment, wait_until

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.processes
def test_a_killed_sandbox_has_lost_nothing(tmp_path: Path, receiver: Receiver) -> None:
    first = launcher.start(tmp_path, webhook_secret=SECRET)
    first.script(webhooks={"url": receiver.url, "hold": True})
    taken = gateway_at(first.url).take_payment(order_payment())
    before = first.state()
    children = psutil.Process(first.process.pid).children()

    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    psutil.wait_procs(children, timeout=5)
    second = launcher.start(tmp_path, port=int(first.url.rpartition(":")[2]), webhook_secret=SECRET)

    try:
        gateway = gateway_at(second.url)
        assert second.state() == before
        assert gateway.payment(taken.provider_id) == taken
        assert gateway.take_payment(order_payment()).provider_id == taken.provider_id
        second.script(webhooks={"hold": False}, release="in_order")
        assert len(receiver.wait_for(2)) == 2
    finally:
        second.stop()


@pytest.mark.processes
def test_what_was_begun_before_the_kill_ends_after_it(tmp_path: Path) -> None:
    first = launcher.start(tmp_path, webhook_secret=SECRET)
    first.script(later_s=0.8)
    begun = gateway_at(first.url).take_payment(order_payment(payment_method="pm_success_de"))
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    second = launcher.start(tmp_path, webhook_secret=SECRET)

    try:
        gateway = gateway_at(second.url)
        wait_until(lambda: gateway.payment(begun.provider_id).state is PaymentState.CAPTURED)
    finally:
        second.stop()


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_the_sandbox_ends_with_its_launcher(tmp_path: Path) -> None:
    program = (
        "import pathlib, time; from settlements.gateway.sandbox import launcher;"
        f"running = launcher.start(pathlib.Path({str(tmp_path)!r}), webhook_secret='whsec_x');"
        "print(running.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        master = psutil.Process(int(parent.stdout.readline()))
        family = [master, *master.children()]
        parent.kill()

    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


@pytest.mark.processes
def test_a_sandbox_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "sandbox.sqlite3").mkdir()

    with pytest.raises(launcher.SandboxDidNotStart, match="unable to open database file"):
        launcher.start(tmp_path, webhook_secret=SECRET)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"nonsense": 1}, "Unknown script"),
        ({"later_s": -1}, "Invalid later_s"),
        ({"fault": {"kind": "flood"}}, "A fault needs a kind"),
        ({"fault": {"kind": "error", "times": "often"}}, "cannot be read"),
        ({"webhooks": {"colour": "red"}}, "Unknown setting"),
        ({"webhooks": {"copies": "many"}}, "Invalid copies"),
        ({"authenticate": {}}, "cannot be read"),
        ({"dispute": "ch_of_nobody"}, "No such charge"),
    ],
)
def test_a_script_that_makes_no_sense_changes_nothing(sandbox: launcher.Running, wanted: dict, reason: str) -> None:
    before = sandbox.state()

    with pytest.raises(ValueError, match=reason):
        sandbox.script(**wanted)

    assert sandbox.state() == before


def test_the_shipped_shapes_are_those_of_the_sdk() -> None:
    generated = generate_parameters.render(generate_parameters.read_operations())

    assert generate_parameters.TARGET.read_text(encoding="utf-8") == generated


def test_the_version_of_the_interface_is_the_one_of_the_sdk() -> None:
    assert stripe.api_version == API_VERSION


def test_the_sandbox_needs_nothing_of_the_marketplace() -> None:
    script = (
        "import sys, settlements.gateway.sandbox.app, settlements.gateway.sandbox.launcher;"
        "print([name for name in sys.modules if name.split('.')[0] in ('marketplace', 'vendors', 'search', 'stripe')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
