"""Who may do what, over HTTP, with tokens of every role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import handmade_world
import httpx
import pytest
from handmade_services import served
from starlette.routing import Route

from threadline.access import Gate, mint
from threadline.access.pace import Pace
from threadline.api import ApiServices, create_api
from threadline.api.access import PUBLIC, unguarded
from threadline.model.people import ROLES
from threadline.store.control import ControlStore

As = Callable[[str], httpx.Client]
THREAD = f"/api/v1/contracts/{handmade_world.STUCK}"


@pytest.fixture(scope="module")
def closed_services(world: ApiServices, control: ControlStore) -> ApiServices:
    """The world behind a gate that knows a token of each role, named after it."""
    return replace(
        world,
        gate=Gate(world.gate.tokens, None, required=True),
        redact={"executive": ("region", "customer", "message"), "on-call": ("*currency",)},
    )


@pytest.fixture(scope="module")
def as_(closed_services: ApiServices, control: ControlStore) -> Iterator[As]:
    """A client with the token of a role; '' has none, 'nothing' one without a role."""
    texts = {"": ""}
    for name in (*ROLES, "nothing"):
        roles = [name] if name in ROLES else []
        now = closed_services.clock.now()
        token, texts[name] = mint(
            name, roles=roles, sources=["erp"], lifetime=timedelta(days=1), who="ana", now=now
        )
        control.tokens.add(token)
    closed_services.gate.tokens.refresh()
    with served(create_api(closed_services)) as url:
        clients = {
            name: httpx.Client(
                base_url=url,
                timeout=30,
                headers={"authorization": f"Bearer {text}"} if text else {},
            )
            for name, text in texts.items()
        }
        yield clients.__getitem__
        for client in clients.values():
            client.close()


@pytest.fixture
def some_fact(as_: As) -> str:
    facts = as_("admin").get(THREAD).json()["facts"]
    return next(fact["fact_id"] for fact in facts if fact["name"] == "clm.contract.approved")


def test_every_route_names_a_permission(world):
    app = create_api(world)

    assert unguarded(app.routes) == []
    assert len(app.openapi()["paths"]) > 15


def test_a_route_that_names_none_is_found_and_stops_the_api_from_being_made(world, monkeypatch):
    app = create_api(world)
    app.get("/api/v1/back-door")(lambda: "in")
    app.router.routes.append(Route("/plain", lambda _: None))

    assert unguarded(app.routes) == ["/api/v1/back-door", "/plain"]
    monkeypatch.setattr("threadline.api.access.PUBLIC", PUBLIC - {"/readyz"})
    with pytest.raises(AssertionError, match="/readyz"):
        create_api(world)


READING = (
    *("/api/v1/kpis", "/api/v1/journeys", THREAD, "/api/v1/incidents", "/api/v1/sources"),
    *(
        "/api/v1/closes",
        "/api/v1/conflicts",
        "/api/v1/orphans",
        "/api/v1/suspicions",
        "/api/v1/rulings",
        "/api/v1/receivers",
        "/api/v1/rotas",
        "/api/v1/silences",
    ),
)
DOING = {"fact", "act", "page", "silence", "stand in", "rule", "close"}
SENSELESS = {"act": "assert", "kind": "bills", "child": "a:b:c", "parent": "a:b:c", "why": "-"}
ON_CALL = ("act", "page", "silence", "stand in")
ALLOWED = {
    "executive": {*READING, "/metrics", "/api/v1/health"},
    "support": {*READING, "/metrics", "/api/v1/health", "fact", "rule", "/api/v1/dead-letters"},
    "on-call": {*READING, "/metrics", "/api/v1/health", "fact", *ON_CALL},
    "admin": {
        *(*READING, "/metrics", "/api/v1/health", "fact", *ON_CALL, "rule", "close"),
        *("/api/v1/dead-letters", "/api/v1/audit"),
    },
    "nothing": set(),
}


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_may_do_what_the_table_says_and_nothing_else(as_, role, some_fact):
    client = as_(role)
    acts = {path: lambda path=path: client.get(path) for path in ALLOWED["admin"] - DOING}
    acts["fact"] = lambda: client.get(f"/api/v1/facts/{some_fact}")
    acts["rule"] = lambda: client.post("/api/v1/rulings", json=SENSELESS)
    acts["close"] = lambda: client.post("/api/v1/closes", json={"period": "2026"})
    acts["page"] = lambda: client.post("/api/v1/receivers/no/body/test", json={})
    acts["silence"] = lambda: client.post("/api/v1/silences", json={})
    acts["stand in"] = lambda: client.delete("/api/v1/rotas/none/overrides/1")
    acts["act"] = lambda: client.post("/api/v1/incidents/none/acknowledge", json={})

    answers = {name: act().status_code for name, act in acts.items()}

    assert {name for name, status in answers.items() if status != 403} == ALLOWED[role]
    assert set(answers.values()) <= {200, 403, 404, 422}
    assert client.get("/api/v1/me").json()["roles"] == ([role] if role in ROLES else [])


def test_nobody_gets_in_without_proof_but_to_what_says_nothing(as_):
    client = as_("")
    refused = [client.get(path) for path in (*ALLOWED["admin"] - DOING, "/api/v1/me")]

    assert {answer.status_code for answer in refused} == {401}
    assert refused[0].headers["www-authenticate"] == "Bearer"
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200


def test_a_refusal_says_what_it_takes_and_is_in_the_audit_once_a_minute(as_, control):
    for _ in range(3):
        answer = as_("support").get("/api/v1/audit")
    denied = [one for one in control.audit.whole() if one.what == "access.denied"]

    assert answer.status_code == 403
    assert "takes the permission 'audit'" in answer.json()["detail"]
    assert "support" in answer.json()["detail"]
    ours = [one.detail for one in denied if one.who == "token support"]
    assert [one["path"] for one in ours if one["permission"] == "audit"] == ["/api/v1/audit"]


def test_every_look_at_an_input_is_recorded_before_it_is_shown(as_, control, some_fact):
    before = control.audit.latest(1)[0].number

    shown = as_("support").get(f"/api/v1/facts/{some_fact}").json()
    as_("support").get("/api/v1/dead-letters")
    hidden = as_("on-call").get(f"/api/v1/facts/{some_fact}").json()

    assert shown["raw"]["text"]
    assert hidden["raw"] is None
    assert "do not allow" in hidden["raw_missing"]
    looks = [(one.who, one.what, one.detail.get("fact")) for one in control.audit.after(before)]
    assert looks == [
        ("token support", "input.read", some_fact),
        ("token support", "dead-letters.read", None),
    ]


def test_what_is_hidden_from_a_role_is_hidden_wherever_it_stands(as_, some_fact):
    seen, hidden = (as_(role).get(THREAD).json() for role in ("support", "executive"))
    customer = seen["attributes"]["customer"]
    region = seen["attributes"]["region"]

    assert hidden["attributes"]["region"] == "(redacted)"
    for case in hidden["cases"]:
        assert case["case"]["dimensions"].get("region", "(redacted)") == "(redacted)"
    assert customer
    assert customer not in str(hidden)
    assert f"'{region}'" not in str(hidden)
    messages = [
        [exception["message"] for case in thread["cases"] for exception in case["exceptions"]]
        + [fact["message"] for fact in thread["facts"]]
        for thread in (seen, hidden)
    ]
    assert any(messages[0])
    assert set(messages[1]) == {"", "(redacted)"}
    refused = as_("executive").get("/api/v1/kpis", params={"by": "region"})
    assert refused.status_code == 403
    assert as_("support").get("/api/v1/kpis", params={"by": "region"}).status_code == 200
    fact = as_("on-call").get(f"/api/v1/facts/{some_fact}").json()
    assert "(redacted)" in fact["attributes"].values()
    asked = f"/api/v1/identifiers/{customer}"
    details = [as_(role).get(asked).json()["detail"] for role in ("support", "executive")]
    assert ["names a customer" in detail for detail in details] == [True, False]


def test_an_act_is_done_in_the_name_that_was_proved(as_):
    incident = as_("on-call").get("/api/v1/incidents?state=open").json()["items"][0]["id"]

    done = (
        as_("on-call")
        .post(f"/api/v1/incidents/{incident}/acknowledge", json={"actor": "somebody else"})
        .json()
    )

    assert done["acknowledged_by"] == "token on-call"


def test_the_audit_is_read_in_parts_in_its_order(as_, control):
    read, cursor = [], None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = as_("admin").get("/api/v1/audit", params=asked).json()
        read += page["items"]
        cursor = page["next"]
        if cursor is None:
            break

    assert [record["hash"] for record in read] == [one.hash for one in control.audit.whole()]
    assert [record["previous"] for record in read[1:]] == [record["hash"] for record in read[:-1]]


def test_who_asks_too_often_is_told_when_to_come_again_and_others_are_not(as_, closed_services):
    tokens, pace = closed_services.gate.tokens, Pace(0.5, closed_services.clock)
    gate = Gate(tokens, None, required=True, question_pace=pace)
    admin, support = (as_(name).headers["authorization"] for name in ("admin", "support"))
    with served(create_api(replace(closed_services, gate=gate))) as url:
        answers = [
            httpx.get(f"{url}/api/v1/me", headers={"authorization": proof})
            for proof in (admin, admin, admin, support)
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert answers[2].headers["retry-after"] == "2"
    assert answers[2].json()["detail"] == "more than 0.5 requests a second by one client; wait 2 s"


def test_the_description_needs_no_proof_and_asks_nobody_else_for_its_parts(as_):
    page = as_("").get("/docs")
    parts = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)

    assert len(parts) >= 3
    for part in parts:
        assert part.startswith("/static-offline-docs/")
        assert as_("").get(part).status_code == 200
    assert "https://" not in page.text


def test_a_body_larger_than_any_act_is_refused(as_):
    large = {"text": "x" * (2 * 1024 * 1024)}

    answer = as_("on-call").post("/api/v1/incidents/none/note", json=large)

    assert answer.status_code == 413


def test_an_export_takes_the_permission_for_facts_and_hides_what_is_hidden(as_):
    path = "/api/v1/exports/jsonocel"
    assert as_("executive").get(path).status_code == 403
    events = as_("on-call").get(path).json()["events"]
    told = {
        one["value"]
        for event in events
        for one in event["attributes"]
        if one["name"].endswith("currency")
    }
    assert told == {"(redacted)"}
