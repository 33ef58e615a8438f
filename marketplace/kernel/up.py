"""One command that runs the whole marketplace: what it starts it keeps alive, and it leaves nothing behind."""

import multiprocessing
import os
import secrets
import shlex
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Protocol
from urllib.parse import urlsplit

import click
from flask import Flask

from marketplace.kernel import migrations
from marketplace.kernel.children import Child, Family, Program
from marketplace.kernel.db import db
from marketplace.kernel.local import LocalServerFailed, start_postgres, start_valkey
from marketplace.kernel.settings import SettingMissing, Settings, from_environment

WORKERS = {  # commands of `flask --app wsgi`
    "worker-short": ["worker", "--queue", "short"],
    "worker-long": ["worker", "--queue", "long"],
    "dispatcher": ["dispatcher"],
}
WEBHOOK_PATH = "/webhooks/stripe"
READY_WITHIN_S = 60.0


class Sandbox(Child, Protocol):
    """A payment provider on this machine."""

    @property
    def url(self) -> str: ...
    @property
    def api_key(self) -> str: ...


class StartSandbox(Protocol):
    """The same folder and port give the same data, address and key again."""

    def __call__(self, folder: Path, *, port: int, webhook_url: str, webhook_secret: str) -> Sandbox: ...


@dataclass(frozen=True)
class Ports:
    """What the rooms upstairs lend to the command.

    `load_demo` runs in an app context and fills an empty database; it returns the lines that tell how to sign in, also
    when the demonstration was there before, and none when the database holds something else.
    """

    create_app: Callable[[Settings], Flask]
    load_demo: Callable[[], Sequence[str]]
    start_sandbox: StartSandbox


@dataclass(frozen=True)
class Wish:
    """What the caller of the command asked for."""

    host: str
    port: int
    demo: bool
    worker: bool

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


def up_command(ports: Ports) -> click.Command:
    """The command `up`, for `app.cli.add_command`."""

    @click.command("up")
    @click.option("--host", default="127.0.0.1", show_default=True)
    @click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
    @click.option("--demo", is_flag=True, help="Load the demonstration also into a database of your own.")
    @click.option("--no-worker", is_flag=True, help="Start the web server only.")
    def up(host: str, port: int, demo: bool, no_worker: bool) -> None:
        """Start what the marketplace needs, keep it running, stop it all on Ctrl-C."""
        try:
            run_up(ports, Wish(host, port, demo, not no_worker), os.environ)
        except (LocalServerFailed, SettingMissing) as failure:
            raise click.ClickException(str(failure)) from failure

    return up


class Stopped(BaseException):
    """Somebody asked the command to stop."""


def run_up(ports: Ports, wish: Wish, environment: Mapping[str, str]) -> None:
    """Run until SIGINT or SIGTERM. When it cannot start: click.ClickException, LocalServerFailed or SettingMissing."""
    if wish.demo and environment.get("STRIPE_API_KEY"):
        raise click.ClickException("the demonstration pays in its own sandbox: unset STRIPE_API_KEY or omit --demo")
    _refuse_port_in_use(wish)
    ears, family = Ears(), Family()
    ears.listen()
    try:
        with ExitStack() as leave:
            leave.callback(family.stop)
            leave.callback(ears.close)
            servers = _start_servers(ports, wish, dict(environment), family)
            env = servers.env
            # Another start: the web server imports while we look at the schema; /ready tells when that is right.
            early = _start_web(wish, env, family) if servers.known else None
            signs = _prepare(ports, servers, leave)
            _await_web(wish, env, early or _start_web(wish, env, family))
            _start_workers(wish, env, family)
            _announce(wish, env, signs)
            while not ears.closed:
                family.look()
                time.sleep(0.2)
    except Stopped:
        pass
    click.echo("Stopped.")


class Ears:
    """Whoever asks to stop is heard once, as Stopped wherever we are. Stopping is not to be interrupted: an impatient
    second Ctrl-C would leave servers behind."""

    ASKING = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.closed = False

    def listen(self) -> None:
        for number in self.ASKING:
            signal.signal(number, self._hear)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if not self.closed:
            self.closed = True
            raise Stopped

    def close(self) -> None:
        """For us and for whatever helps us to stop. The handler stays: a signal that came before it was answered would
        be complained of if it were ignored from now on."""
        self.closed = True
        signal.pthread_sigmask(signal.SIG_BLOCK, self.ASKING)


@dataclass(frozen=True)
class Servers:
    """The environment of the children; is the database ours, was it here before, is it for the demonstration?"""

    env: dict[str, str]
    embedded: bool
    known: bool
    demo: bool


def _start_servers(ports: Ports, wish: Wish, env: dict[str, str], family: Family) -> Servers:
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # else every child compiles all that it imports, at every start
    env.setdefault("VAR_FOLDER", "var")
    env.setdefault("BASE_URL", wish.url)
    var = Path(env["VAR_FOLDER"]).resolve()
    (var / "log").mkdir(parents=True, exist_ok=True)
    embedded = not env.get("DATABASE_URL")
    known = embedded and (var / "secret_key").exists()
    demo = wish.demo or (embedded and not env.get("STRIPE_API_KEY"))
    if embedded:
        env["DATABASE_URL"] = family.keep("postgres", lambda: start_postgres(var / "postgres")).url
        env.setdefault("SECRET_KEY", _kept_secret(var / "secret_key"))
    if not env.get("REDIS_URL"):
        env["REDIS_URL"] = family.keep("valkey", lambda: start_valkey(var / "valkey")).url
    if demo:
        _keep_sandbox(ports, wish, env, var, family)
    return Servers(env, embedded, known, demo)


def _prepare(ports: Ports, servers: Servers, leave: ExitStack) -> Sequence[str]:
    """Schema and demonstration; returns how to sign in."""
    settings = from_environment(servers.env).require()
    signs = _aside(partial(_filled, ports, settings, demo=servers.demo))
    if servers.embedded:
        kept = Path(servers.env["VAR_FOLDER"]).resolve() / "environment"
        _write_private(kept, _as_shell(servers.env))
        leave.callback(kept.unlink, missing_ok=True)
    return signs


def _filled(ports: Ports, settings: Settings, *, demo: bool) -> Sequence[str]:
    with ports.create_app(settings).app_context():
        migrations.upgrade()
        signs = ports.load_demo() if demo else []
        db.engine.dispose()
    return signs


def _aside(work: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What `work` returns, done in a fork: what it took to do stays out of the memory of all that is forked later."""
    forking = multiprocessing.get_context("fork")
    told, tells = forking.Pipe(duplex=False)
    child = forking.Process(target=_tell, args=(work, tells), daemon=True)
    child.start()
    tells.close()
    try:
        found: Sequence[str] = told.recv()
    except EOFError:
        raise click.ClickException("the database could not be prepared") from None
    finally:
        child.terminate()
        child.join()
        told.close()
    return found


def _tell(work: Callable[[], Sequence[str]], tells: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches it too; who waits for it ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tells.send(list(work()))


def _keep_sandbox(ports: Ports, wish: Wish, env: dict[str, str], var: Path, family: Family) -> None:
    secret = env["STRIPE_WEBHOOK_SECRET"] = f"whsec_{_kept_secret(var / 'webhook_secret')}"

    def start() -> Sandbox:
        port = urlsplit(env.get("STRIPE_API_BASE", "")).port or 0
        hooks = wish.url + WEBHOOK_PATH
        return ports.start_sandbox(var / "sandbox", port=port, webhook_url=hooks, webhook_secret=secret)

    try:
        running = family.keep("sandbox", start)
    except RuntimeError as failure:
        raise LocalServerFailed(f"the payment sandbox did not start: {failure}") from failure
    env["STRIPE_API_BASE"], env["STRIPE_API_KEY"] = running.url, running.api_key


def _start_web(wish: Wish, env: dict[str, str], family: Family) -> Child:
    web = ["--config", "gunicorn.conf.py", "--bind", f"{wish.host}:{wish.port}"]
    web += ["--graceful-timeout", "3"]  # people who press Ctrl-C wait; idle connections are no reason to
    return family.keep("web", partial(Program.fork, "gunicorn", web, env, _logs(env) / "web.log"))


def _await_web(wish: Wish, env: dict[str, str], web: Child) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while not _answers(f"{wish.url}/ready"):
        if not web.lives() or time.monotonic() > until:
            raise click.ClickException(f"the web server did not start:\n{_tail(_logs(env) / 'web.log')}")
        time.sleep(0.05)


def _start_workers(wish: Wish, env: dict[str, str], family: Family) -> None:
    """When the web server is ready, so that they do not fight for the processor."""
    for name, command in (WORKERS if wish.worker else {}).items():
        family.keep(name, partial(Program.fork, "flask", ["--app", "wsgi", *command], env, _logs(env) / f"{name}.log"))


def _logs(env: Mapping[str, str]) -> Path:
    return Path(env["VAR_FOLDER"]).resolve() / "log"


def _announce(wish: Wish, env: Mapping[str, str], signs: Sequence[str]) -> None:
    lines = [f"The marketplace runs at {wish.url}/ (API: {wish.url}/docs)."]
    lines += ["Sign in as:", *(f"  {line}" for line in signs)] if signs else []
    lines += [f"Data and logs are in {env['VAR_FOLDER']}/. Stop with Ctrl-C."]
    click.echo("\n".join(lines))


def _refuse_port_in_use(wish: Wish) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wish.host, wish.port))
        except OSError as failure:
            reason = failure.strerror or str(failure)
            raise click.ClickException(
                f"port {wish.port} on {wish.host}: {reason}; choose another with --port"
            ) from None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _kept_secret(path: Path) -> str:
    """A random secret that outlives a restart, made on the first call."""
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    fresh.rename(path)


def _as_shell(env: Mapping[str, str]) -> str:
    """The settings of this start as lines for a shell, so that other commands find the embedded servers."""
    names = [item.name.upper() for item in fields(Settings)]
    return "".join(f"export {name}={shlex.quote(env[name])}\n" for name in names if name in env)
