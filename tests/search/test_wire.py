"""What is sent to Elasticsearch, seen by a server that tells it."""

import json
import os
import shutil
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from search.engine import SearchAway
from search.wire import Refusal, Server
from tests import needs

JSON, LINES = (f"application/vnd.elasticsearch+{kind};compatible-with=8" for kind in ("json", "x-ndjson"))


class Mirror(BaseHTTPRequestHandler):
    """Answers what it was sent, and from where."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        sent = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        seen = {
            "asked": f"{self.command} {self.path}",
            "sent": sent,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "port": self.client_address[1],
        }
        told = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - as the library calls them

    def log_message(self, *_):
        pass


@contextmanager
def a_server(handler, secret=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if secret:
        server.socket = secret.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def port():
    with a_server(Mirror) as listening:
        yield listening


@pytest.mark.parametrize(
    ("method", "body", "sent", "kind"),
    [
        ("GET", None, "", JSON),
        ("DELETE", None, "", JSON),
        ("POST", None, "", JSON),
        ("PUT", {"a": 1}, '{"a":1}', JSON),
        ("POST", {"a": "ü"}, '{"a":"ü"}', JSON),
        ("POST", b'{"index":{}}\n{}\n', '{"index":{}}\n{}\n', LINES),
    ],
)
def test_a_request_is_sent_as_it_was_meant_whatever_was_sent_before(port, method, body, sent, kind):
    server = Server(f"http://127.0.0.1:{port}/behind/")
    server.ask("POST", "/_bulk", b"{}\n", seconds=5)
    seen = server.ask(method, "/x/_search?a=b%20c", body, seconds=5)
    assert (seen["asked"], seen["sent"]) == (f"{method} /behind/x/_search?a=b%20c", sent)
    assert (seen["headers"]["accept"], seen["headers"]["content-type"]) == (JSON, kind)
    assert "expect" not in seen["headers"]


@pytest.mark.parametrize(
    ("address", "api_key", "authorization"),
    [
        ("http://127.0.0.1:{}", "", None),
        ("http://127.0.0.1:{}", "a2V5", "ApiKey a2V5"),
        ("http://eli:p%40ss@127.0.0.1:{}", "", "Basic ZWxpOnBAc3M="),
        ("http://eli:p%40ss@127.0.0.1:{}", "a2V5", "ApiKey a2V5"),
    ],
)
def test_whoever_has_a_key_or_a_name_says_it(port, address, api_key, authorization):
    seen = Server(address.format(port), api_key=api_key).ask("GET", "/", seconds=5)
    assert seen["headers"].get("authorization") == authorization


def test_a_thread_keeps_its_connection(port):
    server = Server(f"http://127.0.0.1:{port}")
    mine = {server.ask("GET", "/", seconds=5)["port"] for _ in range(3)}
    others = []
    thread = threading.Thread(target=lambda: others.append(server.ask("GET", "/", seconds=5)["port"]))
    thread.start()
    thread.join()
    assert len(mine) == 1
    assert mine.isdisjoint(others)


def test_a_fork_speaks_on_a_connection_of_its_own(port):
    server = Server(f"http://127.0.0.1:{port}")
    mine = server.ask("GET", "/", seconds=5)["port"]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writing, str(server.ask("GET", "/", seconds=5)["port"]).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) not in {b"", str(mine).encode()}
    assert server.ask("GET", "/", seconds=5)["port"] == mine


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (429, "es_rejected_execution_exception", SearchAway),
        (400, "x_content_parse_exception", Refusal),
        (404, "index_not_found_exception", Refusal),
    ],
)
def test_of_several_searches_none_may_be_refused(status, kind, raised):
    refused = {"status": status, "error": {"type": kind, "reason": "It is so."}}

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
            told = [{"status": 200, "asked": json.loads(line)} for line in lines[1::2]]
            if {"refused": True} in [json.loads(line) for line in lines]:
                told[-1] = refused
            answer = json.dumps({"responses": told}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with a_server(Answering) as port:
        server = Server(f"http://127.0.0.1:{port}")
        both = server.ask_several("/x/_msearch", [{"size": 1}, {"size": 0}], seconds=5)
        assert [one["asked"] for one in both] == [{"size": 1}, {"size": 0}]
        with pytest.raises(raised):
            server.ask_several("/x/_msearch", [{"size": 1}, {"refused": True}], seconds=5)


def test_a_server_that_speaks_something_else_is_away():
    class Garbled(BaseHTTPRequestHandler):
        def do_GET(self):
            self.wfile.write(b"220 mail.example ESMTP\r\n")

    with a_server(Garbled) as port, pytest.raises(SearchAway):
        Server(f"http://127.0.0.1:{port}").ask("GET", "/", seconds=5)


def test_only_a_server_with_a_trusted_certificate_is_asked(tmp_path):
    if not shutil.which("openssl"):
        needs.missing("openssl", "openssl makes the certificate, and is not here")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=search -addext subjectAltName=IP:127.0.0.1"
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    subprocess.run([*made.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    secret = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secret.load_cert_chain(certificate, key)
    with a_server(Mirror, secret) as port:
        with pytest.raises(SearchAway):
            Server(f"https://127.0.0.1:{port}").ask("GET", "/", seconds=5)
        trusting = Server(f"https://127.0.0.1:{port}", ca_certs=certificate)
        assert trusting.ask("GET", "/x", seconds=5)["asked"] == "GET /x"
