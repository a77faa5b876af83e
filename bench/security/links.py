"""Links to acknowledge, in the hands of whoever finds, guesses, opens or frames one."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from outcomes import Outcome
from target import Target, approved, target, until

LATE = ("C-LINK-1", "C-LINK-2")
FORM = re.compile(r'name="form" value="([^"]+)"')


class Inbox:
    """A webhook receiver: what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                inbox.told.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    @contextmanager
    def open(self) -> Iterator[Inbox]:
        """Until the block ends."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def link(self, contract: str) -> str:
        """The link in the page about a contract; waits for it."""

        def found() -> list[str]:
            return [
                one["links"]["acknowledge"]
                for one in list(self.told)
                if one["contract"] == contract and one["kind"] == "page"
            ]

        until(lambda: bool(found()))
        return found()[0]


def links(_: Target) -> Iterator[Outcome]:
    """Against a service of its own, whose messages are read as their receiver reads them."""
    hours = f"{8 / 3600}"
    with (
        Inbox().open() as inbox,
        target(THREADLINE_ALERTS__WEBHOOK_URL=inbox.url) as aimed,
    ):
        aimed.token("admin", "--role", "admin")  # from the first one on, everybody needs one
        aimed.start()
        for contract in LATE:
            _late(aimed, contract)
        first, second = (inbox.link(contract) for contract in LATE)
        yield from _prefetched(aimed, first)
        yield from _forged(aimed, first, second)
        yield from _carried_off(aimed, first, second)
        yield from _dressed_up(first)
        yield from _replayed(aimed, first)
        aimed.stop()
        kept = [one for one in aimed.data.rglob("*") if one.is_file()]
        secret = second.rpartition("/")[2].encode()
        holding = [str(one) for one in kept if secret in one.read_bytes()]
        yield Outcome(
            "a link in any file of the service", not holding, f"{len(kept)} files, found in none"
        )
        aimed.environment["THREADLINE_ALERTS__LINK_HOURS"] = hours
        aimed.environment["THREADLINE_ALERTS__LINK_KEY"] = "k" * 40
        aimed.start()
        yield from _expired(aimed, inbox, second)


def _prefetched(aimed: Target, link: str) -> Iterator[Outcome]:
    before = _states(aimed)
    for method in ("GET", "HEAD", "OPTIONS", "PROPFIND", "PUT", "DELETE"):
        httpx.request(method, link)
    for agent in ("Mozilla/5.0 (compatible; scanner)", "Slackbot-LinkExpanding 1.0"):
        headers = {"user-agent": agent, "purpose": "prefetch", "sec-purpose": "prefetch"}
        httpx.get(link, headers=headers)
    yield Outcome(
        "scanners that open a link, by every method but POST",
        _states(aimed) == before,
        "nothing changes",
    )


def _forged(aimed: Target, first: str, second: str) -> Iterator[Outcome]:
    before = _states(aimed)
    base, _, token = first.rpartition("/")
    other = second.rpartition("/")[2]
    body, signature = token.split(".")
    other_body, other_signature = other.split(".")
    changed = [
        f"{other_body}.{signature}",
        f"{body}.{other_signature}",
        f"{body}.",
        f"{body}.{signature}=",
        f"{body}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
        "A" * 5_000,
        "..%2f..%2fapi%2fv1%2fincidents",
        "%00",
    ]
    answers = set()
    for one in changed:
        form = FORM.search(httpx.get(first).text)
        sent = httpx.post(f"{base}/{one}", data={"form": form[1] if form else ""})
        answers.add(sent.status_code)
    held = answers <= {403, 404, 429} and _states(aimed) == before
    yield Outcome("another's body or signature, one letter, oddities", held, f"{sorted(answers)}")
    guesses = [httpx.get(f"{base}/{body}.{number:043}").status_code for number in range(200)]
    yield Outcome(
        "200 guessed signatures at once",
        set(guesses) <= {403, 429} and guesses.count(429) > 100,
        f"{guesses.count(429)} of them 429",
    )


def _carried_off(aimed: Target, first: str, second: str) -> Iterator[Outcome]:
    """The form of one page sent to another, from another site, or never seen."""
    before = _states(aimed)
    form = FORM.search(httpx.get(first).text)
    assert form is not None
    sent = [
        httpx.post(second, data={"form": form[1]}),
        httpx.post(first),
        httpx.post(first, data={"form": form[1]}, headers={"sec-fetch-site": "cross-site"}),
        httpx.post(first, data={"form": form[1]}, headers={"sec-fetch-site": "same-site"}),
        httpx.post(first, content=b"form=" + b"x" * 200_000),
    ]
    answers = sorted({one.status_code for one in sent})
    yield Outcome(
        "a form of another page, of another site, or none",
        answers == [403] and _states(aimed) == before,
        f"answered {answers}",
    )
    bearer = {"authorization": f"Bearer {first.rpartition('/')[2]}"}
    asked = httpx.get(f"{aimed.api}/api/v1/incidents", headers=bearer).status_code
    yield Outcome("a link as a token of the API", asked == 401, f"answered {asked}")


def _dressed_up(link: str) -> Iterator[Outcome]:
    page = httpx.get(link)
    policy = page.headers["content-security-policy"]
    framed = page.headers["x-frame-options"] == "DENY" and "frame-ancestors 'none'" in policy
    yield Outcome("a page framed by another (clickjacking)", framed, "no site may frame it")
    quiet = (
        page.headers["referrer-policy"] == "no-referrer"
        and page.headers["cache-control"] == "no-store"
        and "<script" not in page.text
        and policy.startswith("default-src 'none'")
    )
    yield Outcome("a link that leaks by referrer, cache or script", quiet, "none of them has it")
    split = httpx.get(f"{link}%0d%0aset-cookie:%20a=b")
    hosts = httpx.get(link, headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "x"})
    clean = "set-cookie" not in split.headers and "evil.example" not in hosts.text
    yield Outcome("line breaks in a link, a forwarded host", clean, "in no header and no address")


def _replayed(aimed: Target, link: str) -> Iterator[Outcome]:
    form = FORM.search(httpx.get(link).text)
    assert form is not None
    name = "<script>window.hacked=1</script>\r\nX-Injected: 1"
    first = httpx.post(link, data={"form": form[1], "name": name})
    shown = httpx.get(link)
    text = "<script" not in shown.text and "x-injected" not in first.headers
    yield Outcome(
        "script and line breaks in a typed name",
        first.status_code == 303 and text,
        "one line, shown as text",
    )
    again = httpx.post(link, data={"form": form[1], "name": "somebody else"})
    (incident,) = _of(aimed, LATE[0], "acknowledged")
    held = incident["acknowledged_by"].startswith("<script>") and again.status_code == 303
    yield Outcome("a form sent again under another name", held, "the first one stands")
    path = f"/api/v1/incidents/{incident['id']}/resolve"
    httpx.post(f"{aimed.api}{path}", json={"actor": "x"}, headers=aimed.proof("admin"))
    over = httpx.post(link, data={"form": form[1]}).status_code
    yield Outcome("a form sent again once it is over", over == 409, f"answered {over}")


def _expired(aimed: Target, inbox: Inbox, old: str) -> Iterator[Outcome]:
    yield Outcome(
        "a link signed with a key that was replaced",
        httpx.get(old).status_code == 403,
        "answered 403",
    )
    _late(aimed, "C-LINK-3")
    link = inbox.link("C-LINK-3")
    form = FORM.search(httpx.get(link).text)
    assert form is not None
    until(lambda: httpx.get(link).status_code == 410)
    late = httpx.post(link, data={"form": form[1]}).status_code
    open_still = len(_of(aimed, "C-LINK-3", "open")) == 1
    yield Outcome("a link that has expired", late == 410 and open_still, f"answered {late}")


def _late(aimed: Target, contract: str) -> None:
    """A contract whose deadline passes in a few seconds."""
    started = datetime.now(UTC) - timedelta(hours=24) + timedelta(seconds=12)
    named = {"contract.tier": "expedited"}
    aimed.send(approved(contract, **named) | {"time": started.isoformat()}).raise_for_status()


def _of(aimed: Target, contract: str, state: str) -> list[dict[str, Any]]:
    found = aimed.ask("admin", f"/api/v1/incidents?state={state}").json()["items"]
    return [one for one in found if one["number"] == contract]


def _states(aimed: Target) -> list[tuple[str, str]]:
    found = aimed.ask("admin", "/api/v1/incidents").json()["items"]
    return sorted((one["id"], one["state"]) for one in found)


ATTACKS = (links,)
