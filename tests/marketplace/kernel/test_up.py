"""The command that runs everything: it refuses clearly, keeps its children alive and leaves none of them behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import wsgi
from marketplace.kernel import up
from marketplace.kernel.children import Family, Program
from marketplace.kernel.up import Ports, up_command
from settlements.gateway.sandbox import launcher

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[3]
DRIVER = """
import os, sys, wsgi
from marketplace.kernel.up import Ports, Wish, run_up
from settlements.gateway.sandbox import launcher
ports = Ports(wsgi.create_app, lambda: ["somebody@example.com, password"], launcher.start)
run_up(ports, Wish("127.0.0.1", int(sys.argv[1]), False, False), os.environ)
"""
SETTINGS = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STRIPE_API_KEY", "STRIPE_API_BASE", "BASE_URL"}


@pytest.fixture
def command():
    return up_command(Ports(wsgi.create_app, list, launcher.start))


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def family() -> Iterator[Family]:
    family = Family()
    yield family
    family.stop()


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def test_what_is_done_aside_is_told_and_leaves_no_memory_here():
    held = []

    def work():
        held.append(1)
        return [str(os.getppid())]

    assert up._aside(work) == [str(os.getpid())]
    assert held == []


def test_what_fails_aside_is_a_failure_here(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(click.ClickException, match="could not be prepared"):
        up._aside(lambda: [str(1 // 0)])
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_port_in_use_is_named(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        answer = CliRunner().invoke(command, ["--port", str(number)])
    assert answer.exit_code == 1
    assert answer.output == f"Error: port {number} on 127.0.0.1: Address already in use; choose another with --port\n"


def test_the_demonstration_never_pays_with_a_real_key(command, port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_x")
    answer = CliRunner().invoke(command, ["--demo", "--port", str(port)])
    assert answer.exit_code == 1
    assert "unset STRIPE_API_KEY" in answer.output


def test_a_child_that_dies_is_started_again(family: Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    child = family.keep("sleeper", lambda: Program.start(["sleep", "60"], os.environ, tmp_path / "log"))
    child.process.kill()
    child.process.wait()
    assert until(lambda: family.look() or family.kept[0].running is not child)
    assert family.kept[0].running.lives()
    assert capsys.readouterr().err == "sleeper ended by itself; it is started again in 0.5 s.\n"


def test_a_child_that_keeps_dying_is_started_ever_later(family: Family, tmp_path: Path):
    family.keep("broken", lambda: Program.start(["false"], os.environ, tmp_path / "log"))
    assert until(lambda: family.look() or family.kept[0].pause > 1)
    assert family.kept[0].pause == 2


def forked(folder: Path, text: str, arguments: list[str], env: dict[str, str]) -> Program:
    (folder / "forked_module.py").write_text(text)
    sys.path.insert(0, str(folder))
    try:
        (folder / "log").touch()
        return Program.fork("forked_module", arguments, env, folder / "log")
    finally:
        sys.path.remove(str(folder))


def test_a_fork_is_a_program_of_its_own(tmp_path: Path):
    text = "import os, sys; print(sys.argv[1], os.environ['WORD']); sys.exit(int(sys.argv[2]))"
    child = forked(tmp_path, text, ["said", "7"], {"WORD": "heard"})
    assert child.process.wait(10) == 7
    assert (not child.lives(), (tmp_path / "log").read_text()) == (True, "said heard\n")


def test_a_fork_ends_when_it_is_asked_to(tmp_path: Path):
    child = forked(tmp_path, "import time; print('sleeps', flush=True); time.sleep(60)", [], {})
    assert until(lambda: (tmp_path / "log").read_text() == "sleeps\n")
    child.stop()
    assert child.process.returncode == -signal.SIGTERM


def answer_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except OSError:
        return 0


def children_of(pid: int) -> set[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    direct = {int(line) for line in found.stdout.split()}
    return direct.union(*(children_of(child) for child in direct))


def valkey_of(pids: set[int]) -> int | None:
    return next((pid for pid in pids if "valkey-server" in name_of(pid)), None)


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_everything_starts_heals_and_stops(port: int, tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    running = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(port)],
        cwd=ROOT,
        env=environment | {"VAR_FOLDER": str(tmp_path), "WEB_CONCURRENCY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        said = [running.stdout.readline() for _ in range(4)]
        assert said == [
            f"The marketplace runs at http://127.0.0.1:{port}/ (API: http://127.0.0.1:{port}/docs).\n",
            "Sign in as:\n",
            "  somebody@example.com, password\n",
            f"Data and logs are in {tmp_path}/. Stop with Ctrl-C.\n",
        ]
        assert answer_of(f"http://127.0.0.1:{port}/ready") == 200
        assert (tmp_path / "environment").stat().st_mode & 0o777 == 0o600
        family = children_of(running.pid)
        killed = valkey_of(family)
        os.kill(killed, signal.SIGKILL)
        assert until(lambda: valkey_of(children_of(running.pid)) not in {killed, None})
        assert until(lambda: answer_of(f"http://127.0.0.1:{port}/ready") == 200)
        family |= children_of(running.pid)
        for asking in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):  # each of them, and at once
            running.send_signal(asking)
        assert running.stdout.read() == "Stopped.\n"
        assert "Traceback" not in running.stderr.read()
    assert running.returncode == 0
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []
    assert not (tmp_path / "environment").exists()
