"""An incident longer than any vendor takes: each message fits, and still says what is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from notifications import STORM, notification
from recording_peer import Peer, peer
from vendor_schemas import PAGERDUTY, SLACK, TEAMS, jira, opsgenie, servicenow

from alerts.receivers.wording import message, short, text_within

# A stack trace, and what a customer has typed into a form: letters of two, three and four bytes,
# what markups escape, lines.
TRACE = "at <module> & “Beträge” in C:\\erp | line 1\n\t🙂 " * 600
LONG = STORM | {
    "what": f"erp: 412 cases hang on “{TRACE}”, contracts worth EUR 4,812,300.50",
    "error": TRACE,
    "cases": 412,
    "system": "erp-" * 500,
    "step": "s" * 3000,
    "next_moves": [f"replay the project request {TRACE}", "ask ERP operations", TRACE],
}
ACKNOWLEDGE = "https://threadline.example/acknowledge/inc-7.signed-and-expiring"
TICKET = {"sys_id": "9d385017c611228701d22104cc95c371", "number": "INC0010001"}


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """How a receiver is declared at a peer, what that takes and answers."""

    options: Mapping[str, Any]
    schemas: Mapping[str, Any]
    answer: tuple[int, Any]
    path: str = ""
    largest: int = 10**6  # bytes of a request


VENDORS = {
    "pagerduty": Vendor(
        options={"routing_key": "k" * 32},
        schemas=PAGERDUTY,
        answer=(202, {"status": "success"}),
        path="/v2/enqueue",
        largest=512_000,
    ),
    "opsgenie": Vendor(
        options={"api_key": "k3y"}, schemas=opsgenie("inc-7"), answer=(202, {"result": "ok"})
    ),
    "servicenow": Vendor(
        options={"user": "threadline", "password": "s3cret"},
        schemas=servicenow(TICKET["sys_id"]),
        answer=(201, {"result": TICKET}),
    ),
    "jira": Vendor(
        options={"token": "t0ken", "project": "OPS"},
        schemas=jira("OPS-7"),
        answer=(201, {"key": "OPS-7"}),
    ),
    "slack": Vendor(
        options={}, schemas=SLACK, answer=(200, "ok"), path="/services/T0/B0/x", largest=40_000
    ),
    "teams": Vendor(
        options={}, schemas=TEAMS, answer=(202, ""), path="/workflows/x", largest=20_800
    ),
}

Sending = Callable[..., Peer]


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture
def sent(vendor, receiver):
    """`sent("page", …)` is the peer that has taken it."""
    known = VENDORS[vendor]
    with peer(usual=(*known.answer, {}), schemas=known.schemas) as server:
        sender = receiver(vendor, url=f"{server.url}{known.path}", **known.options)

        def sending(kind: str, **payload: Any) -> Peer:
            assert sender.deliver(notification(kind, **payload)).delivered
            return server

        yield sending


@pytest.mark.parametrize("kind", ["page", "update", "resolved", "test"])
def test_it_is_cut_not_refused(kind, vendor, sent):
    reference = {"servicenow": TICKET["sys_id"], "jira": "OPS-7"}.get(vendor, "")
    server = sent(kind, reference=reference, repeat=True, **LONG)
    assert max(len(request.body) for request in server.received) <= VENDORS[vendor].largest


@pytest.mark.parametrize("vendor", ["slack", "teams"], indirect=True)
def test_a_digest_is_cut_not_refused(vendor, sent):
    items = [{"what": TRACE, "kind": "page", "severity": "breach", "link": ACKNOWLEDGE}] * 20
    (request,) = sent("digest", repeat=True, **LONG, items=items, total=412).received
    assert len(request.body) <= VENDORS[vendor].largest


def test_whoever_is_paged_still_learns_who_owns_it_what_to_do_and_where(vendor, sent):
    (request,) = sent("page", **LONG).received
    said = json.dumps(request.json, ensure_ascii=False)
    for needed in (
        "erp: 412 cases hang on",
        "integration-operations",
        "replay the project request",
        "ask ERP operations",
        "2 Mar 2026 11:30 UTC",
        ACKNOWLEDGE,
    ):
        assert needed in said, needed


def test_every_length_fits(vendor, sent):
    """Words without an end, so that each is cut at its very bound; one length after another."""
    for size in (120, 200, 300, 426, 700, 1100, 1400, 1700, 2000, 2500, 4036, 40_000):
        values = dict.fromkeys(("error", "contract", "case", "step", "journey"), "x" * size)
        told = values | {"what": "w" * size, "next_moves": ["m" * size] * 3}
        request = sent("page", **STORM | told).received[-1]
        assert len(request.body) <= VENDORS[vendor].largest


def test_half_an_amount_is_no_amount(receiver):
    what = "erp: 412 cases hang on “no answer within 30 s”, 37 past a deadline, contracts worth"
    told = {**STORM, "what": f"{what} of some customers EUR 4,812,300.50 and USD 90,000"}
    with peer(usual=(202, {}, {}), schemas=opsgenie("inc-7")) as server:
        receiver("opsgenie", url=server.url, api_key="k3y").deliver(notification(**told))
    assert server.received[0].json["message"].endswith("EUR 4,812,300.50 and USD…")
    for limit in range(90, 130):
        cut = short(told["what"], limit)
        assert len(cut) <= limit
        assert "4,812,300.50" in cut or "4," not in cut


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("as it is", 8, "as it is"),
        ("cut at a word", 12, "cut at a…"),
        ("x" * 50, 12, "x" * 11 + "…"),
        ("short, then " + "x" * 50, 60, "short, then " + "x" * 47 + "…"),
        ("whole words", 6, "whole…"),
        ("lines\nare words", 9, "lines…"),
    ],
)
def test_a_text_is_cut_at_a_word(text, limit, cut):
    assert short(text, limit) == cut


def test_what_fits_is_not_touched():
    said = message(notification(**STORM).payload)
    assert text_within(said, 4000) == said.text()
