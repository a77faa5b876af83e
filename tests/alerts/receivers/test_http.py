"""What comes of a request: by status, by what goes wrong on the way, within a limit, in no log."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from control_databases import NOON
from loopback import served
from notifications import notification
from recording_peer import Request, peer
from tls_pair import self_signed

from alerts.receivers.http import judge, redacted
from threadline.sections import TlsSettings

SECRET = "s3cret"
STATUSES = [
    (301, False),
    (302, False),
    (400, False),
    (401, False),
    (403, False),
    (404, False),
    (408, True),
    (410, False),
    (413, False),
    (422, False),
    (425, True),
    (429, True),
    (500, True),
    (502, True),
    (503, True),
    (504, True),
]
RECEIVERS = {
    "webhook": {"url": f"{{}}/{SECRET}", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "alertmanager": {"urls": (f"{{}}/{SECRET}",)},
    "pagerduty": {"url": "{}/v2/enqueue", "routing_key": SECRET},
    "opsgenie": {"url": "{}", "api_key": SECRET},
    "servicenow": {"url": "{}", "user": "threadline", "password": SECRET},
    "jira": {"url": "{}", "token": SECRET, "project": "OPS"},
    "slack": {"url": f"{{}}/services/{SECRET}"},
    "teams": {"url": f"{{}}/workflows/{SECRET}"},
}


def options(kind: str, url: str) -> dict[str, object]:
    """The options of `RECEIVERS`, at `url`."""

    def at(value: object) -> object:
        return tuple(map(at, value)) if isinstance(value, tuple) else str(value).format(url)

    return {name: at(value) for name, value in RECEIVERS[kind].items()}


@pytest.mark.parametrize("kind", RECEIVERS)
def test_every_receiver_says_of_every_status_whether_to_try_again(kind, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    with peer() as server:
        pager = receiver(kind, **options(kind, server.url))
        for status, retry in STATUSES:
            # A wiser sender than ours would go there.
            server.usual = (status, {}, {"Location": f"{server.url}/elsewhere"})
            outcome = pager.deliver(notification())
            named = "throttled" if status == 429 else f"status {status}"
            assert (outcome.delivered, outcome.reason, outcome.retry) == (False, named, retry)
    assert len(server.received) == len(STATUSES), "no redirect is followed"
    assert SECRET not in caplog.text


@pytest.mark.parametrize("kind", [*RECEIVERS, "apprise"])
def test_nobody_there_is_worth_another_try_and_tells_no_secret(kind, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    where = {"url": f"json://{url[7:]}/{SECRET}"} if kind == "apprise" else options(kind, url)
    pager = receiver(kind, **where)
    outcome = pager.deliver(notification())
    reason = "Apprise failed" if kind == "apprise" else "connection"
    assert (outcome.delivered, outcome.reason, outcome.retry) == (False, reason, True)
    assert SECRET not in caplog.text + repr(outcome)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_status_of_success_is_a_delivery(status):
    assert judge(status, "", NOON).delivered


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("Mon, 02 Mar 2026 12:02:00 GMT", 120),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("٣", None),
        ("Mon, 99 Mar 2026 12:02:00 GMT", None),
        ("9" * 5000, 365 * 86_400),
    ],
)
def test_a_busy_receiver_says_for_how_long(asked, seconds):
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert judge(503, asked, NOON).retry_after == expected
    assert judge(404, asked, NOON).retry_after is None, "what is final is not asked again"


@pytest.mark.parametrize(
    ("status", "unclear"), [(500, True), (502, True), (503, False), (504, True), (429, False)]
)
def test_what_broke_off_on_the_way_may_have_arrived(status, unclear):
    assert judge(status, "", NOON).unclear == unclear


def test_a_server_that_never_answers_is_a_timeout(receiver):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        pager = receiver("webhook", url=_url(deaf), seconds=0.1)
        outcome = pager.deliver(notification())
    assert (outcome.reason, outcome.retry) == ("timeout", True)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_a_server_that_drips_is_cut_off(head, receiver):
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as dripping:
        threading.Thread(target=_drip, args=(dripping, head, over), daemon=True).start()
        outcome = receiver("webhook", url=_url(dripping), seconds=0.3).deliver(notification())
        over.set()
    assert (outcome.reason, outcome.retry) == ("timeout", True)


def test_an_answer_without_end_is_not_read_to_its_end(receiver):
    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(10**12))
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b"x" * 8192)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with served(Endless) as url:
        assert receiver("webhook", url=url).deliver(notification()).delivered


def test_a_certificate_nobody_vouches_for_gets_nothing(receiver, tmp_path, monkeypatch):
    pair = self_signed(tmp_path)
    with _tls(pair) as url:
        assert receiver("webhook", url=url).deliver(notification()).reason == "tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(pair.authority))
        assert receiver("webhook", url=url).deliver(notification()).delivered


def test_what_speaks_no_http_has_a_name(receiver):
    with socket.create_server(("127.0.0.1", 0)) as odd:
        threading.Thread(target=_garble, args=(odd,), daemon=True).start()
        outcome = receiver("webhook", url=_url(odd)).deliver(notification())
    assert (outcome.reason, outcome.retry) == ("cut off", True)


def test_all_requests_of_one_attempt_share_its_time(receiver):
    with peer() as server:

        def slow(request: Request) -> tuple[int, object, dict[str, str]]:
            server.received.append(request)
            over.wait(0.3)
            return 201, {"id": "1"}, {}

        over = threading.Event()
        server.answer = slow
        desk = receiver(
            "jira", **options("jira", server.url), resolve_transition="Done", seconds=0.5
        )
        outcome = desk.deliver(notification("resolved", reference="OPS-7"))
        over.set()
    assert (outcome.reason, outcome.retry) == ("timeout", True)
    assert len(server.received) == 2


def test_a_secret_that_fits_in_no_header_is_a_bad_configuration(receiver, caplog):
    with peer() as server:
        for broken in ("s3cret\r\nX-Other: 1", "s3crét"):
            pager = receiver("opsgenie", url=server.url, api_key=broken)
            outcome = pager.deliver(notification())
            assert (outcome.reason, outcome.retry) == ("bad configuration", False)
    assert server.received == []
    assert "s3cr" not in caplog.text + repr(outcome)


def test_the_environments_proxy_is_gone_through(receiver, monkeypatch):
    with peer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        outcome = receiver("webhook", url="http://hooks.invalid/a").deliver(notification())
    assert outcome.delivered
    assert proxy.received[0].headers["host"] == "hooks.invalid"


def test_a_redacted_url_keeps_only_where_it_goes():
    told = redacted("https://user:pw@hooks.example:8443/T0/B0?key=1")
    assert told == "https://hooks.example:8443/…"


def _url(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/"


def _drip(listening: socket.socket, head: bytes, over: threading.Event) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(head)
        while not over.wait(0.02):
            try:
                connection.send(b"H")
            except OSError:
                return


def _garble(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"220 mail.example ESMTP\r\n")


class _Ok(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def _tls(pair: TlsSettings) -> Iterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(str(pair.certificate), str(pair.key))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Ok)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()
