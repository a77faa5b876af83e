"""What no sender gets past: heads and bodies too large or without end, other hosts' names."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from tls_pair import self_signed

from threadline.errors import SettingsError
from threadline.sections import PLAIN, LimitsSettings, TlsSettings
from threadline.serving import serve_http

# Short, because a test that shows that a slow sender is cut off has to wait for it.
LIMITS = LimitsSettings(
    head_bytes=2048, head_seconds=0.3, idle_seconds=0.3, body_seconds=1.0, connections=20
)


@contextmanager
def listening(tls: TlsSettings = PLAIN, *, only_loopback: bool = False) -> Iterator[int]:
    app = FastAPI()

    async def whole(request: Request) -> Response:
        return Response(str(len(await request.body())))

    app.add_api_route("/whole", whole, methods=["GET", "POST"])
    app.add_api_route("/early", lambda: Response("no", 401), methods=["POST"])
    bound = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()
    up, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        settings = {"limits": LIMITS, "tls": tls, "only_loopback": lambda: only_loopback}
        async with serve_http(app, bound, **settings):
            up.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert up.wait(30)
    try:
        yield bound.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listening() as number:
        yield number


@pytest.fixture
def said(port: int) -> Callable[..., bytes]:
    """Sends pieces over a fresh connection and reads until the server ends it."""

    def say(*pieces: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            for piece in pieces:
                line.sendall(piece)
            answer = b""
            while more := line.recv(65536):
                answer += more
        return answer

    return say


POST = b"POST /whole HTTP/1.1\r\nhost: localhost\r\n"


def test_a_head_that_never_ends_is_cut_off_in_time(said):
    assert said(b"GET /whole HTTP/1.1\r\nhost: loc").startswith(b"HTTP/1.1 408")


def test_a_connection_that_says_nothing_is_cut_off_in_time(said):
    assert said().startswith(b"HTTP/1.1 408")


def test_a_head_that_is_too_large_is_refused_whether_it_ends_or_not(said):
    header = b"x-much: " + b"y" * 3000
    assert said(b"GET /whole HTTP/1.1\r\n", header).startswith(b"HTTP/1.1 431")

    whole = said(b"GET /whole HTTP/1.1\r\nhost: localhost\r\n", header + b"\r\n\r\n")
    assert whole.startswith(b"HTTP/1.1 431")
    assert b"3" in whole.partition(b"the head has ")[2]


def test_many_small_headers_are_as_large_as_one(said):
    many = b"".join(b"x-%d: y\r\n" % number for number in range(400))

    assert said(b"GET /whole HTTP/1.1\r\n" + many + b"\r\n").startswith(b"HTTP/1.1 431")


def test_a_body_that_stops_in_the_middle_is_refused_in_time(said):
    answer = said(POST + b"content-length: 10\r\n\r\nabc")

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"took too long" in answer


def test_a_body_that_trickles_is_refused_when_its_whole_time_is_over(port):
    pause = threading.Event()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(POST + b"content-length: 1000\r\n\r\n")
        sent = 0
        try:
            while sent < 100:
                line.sendall(b"x")
                sent += 1
                pause.wait(0.05)
        except OSError:
            pass
        assert sent < 100


def test_an_early_refusal_is_heard_and_ends_the_line(said):
    head = b"POST /early HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n"

    whole, part = said(head + b"x" * 100 + _ENDING), said(head + b"x" * 99)

    assert whole.startswith(b"HTTP/1.1 401")
    assert part.startswith(b"HTTP/1.1 401")
    assert b"connection: close" in part


_ENDING = b"GET /whole HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def test_an_ordinary_request_is_answered_and_the_line_is_used_again(port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.post("/whole", content=b"x" * 100_000).text == "100000"
        assert client.get("/whole").text == "0"
        assert client.post("/whole", content=iter([b"a", b"b"])).text == "2"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1"])
def test_while_it_is_open_only_this_machine_is_a_host(host):
    with listening(only_loopback=True) as number:
        url = f"http://127.0.0.1:{number}/whole"

        refused = httpx.get(url, headers={"host": host})
        taken = [httpx.get(url, headers={"host": one}) for one in ("localhost:1", "[::1]:80")]

    assert refused.status_code == 421
    assert [answer.status_code for answer in taken] == [200, 200]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TlsSettings:
    """A certificate that signs itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_with_a_certificate_it_speaks_tls_and_nothing_else(pair):
    with listening(pair) as number:
        trusted = httpx.get(f"https://127.0.0.1:{number}/whole", verify=pair.trusted)
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{number}/whole")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"https://127.0.0.1:{number}/whole")

    assert trusted.text == "0"


def test_a_pair_that_is_none_is_named(pair, tmp_path: Path):
    (tmp_path / "key.pem").write_text("no key")
    wrong = TlsSettings(certificate=pair.certificate, key=tmp_path / "key.pem")

    with pytest.raises(SettingsError, match=r"tls\.certificate and tls\.key"):
        asyncio.run(_served_once(wrong))


async def _served_once(tls: TlsSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        settings = {"limits": LIMITS, "tls": tls, "only_loopback": lambda: False}
        async with serve_http(FastAPI(), bound, **settings):
            pass
