"""No token, wrong role, forged and expired tokens, other sources' names, other hosts' names."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from outcomes import Outcome, refused
from people import LIFETIME_SECONDS, sign_in
from target import EVENTS, Target, approved


def no_proof(target: Target) -> Iterator[Outcome]:
    """Every door without a key."""
    paths = httpx.get(f"{target.api}/openapi.json").json()["paths"]
    answers = {}
    for path, methods in paths.items():
        for method in methods:
            url = target.api + path.replace("{", "").replace("}", "")
            answers[f"{method} {path}"] = httpx.request(method, url, json={}).status_code
    public = {"get /livez", "get /readyz"}
    through = {name for name, status in answers.items() if status != 401} - public
    said = f"{len(answers)} routes, 401 on all but {', '.join(sorted(public))}"
    yield Outcome(
        "no token: every route of the API", not through, said if not through else str(through)
    )
    for path in ("/v1/traces", "/v1/logs", "/v1/events"):
        sent = httpx.post(f"{target.intake}{path}", content=b"{}")
        yield refused(f"no token: POST {path}", sent.status_code, 401)
    yield Outcome("no token: OTLP over gRPC", *_exported(target, {}, "UNAUTHENTICATED"))


def odd_proof(target: Target) -> Iterator[Outcome]:
    """Tokens where they do not belong, or nearly right."""
    admin = target.token("admin", "--role", "admin")
    for attack, asked in {
        "a token in the query": {"params": {"access_token": admin, "token": admin}},
        "a token as a cookie": {"headers": {"cookie": f"token={admin}"}},
        "a token as a password": {"auth": ("token", admin)},
        "a token with one letter changed": _bearer(admin[:-1] + ("A" if admin[-1] != "A" else "B")),
        "a token's id without its secret": _bearer(admin[:12]),
        "another token's secret under an id": _bearer(
            admin[:12] + target.token("executive", "--role", "executive")[12:]
        ),
        "two Authorization headers": {
            "headers": [("authorization", "Bearer x"), ("authorization", f"Bearer {admin}")]
        },
    }.items():
        answer = httpx.get(f"{target.api}/api/v1/me", **asked)
        yield refused(attack, answer.status_code, 401)
    sender = target.token("source clm", "--source", "clm")
    yield refused("a sender's token at the API", _ask(target, sender, "/api/v1/kpis"), 403)
    revoked = target.token("to revoke", "--role", "admin")
    target.run("token", "revoke", target.tokens["to revoke id"])
    spent = _until_refused(target, revoked)
    yield Outcome("a revoked token", spent < 5, f"refused {spent:.1f} s after it was revoked")


def roles(target: Target) -> Iterator[Outcome]:
    """A role's token where it does not reach."""
    fact = _some_fact(target)
    tried = {
        "executive": (fact, "/api/v1/dead-letters", "/api/v1/audit"),
        "support": ("/api/v1/audit",),
        "on-call": ("/api/v1/dead-letters", "/api/v1/audit"),
    }
    for role, paths in tried.items():
        for path in paths:
            name = "/api/v1/facts/…" if path == fact else path
            yield refused(f"role {role}: {name}", target.ask(role, path).status_code, 403)
    for role in ("executive", "support"):
        url = f"{target.api}/api/v1/incidents/x/acknowledge"
        answer = httpx.post(url, json={}, headers=target.proof(role))
        yield refused(f"role {role}: acknowledging", answer.status_code, 403)
    raw = target.ask("on-call", fact).json()["raw"]
    yield Outcome(
        "role on-call: the input behind a fact", raw is None, "the fact, without its input"
    )
    records = target.ask("admin", "/api/v1/audit?limit=1000").json()["items"]
    denied = sum(record["what"] == "access.denied" for record in records)
    yield Outcome("denials leave a trace", denied >= 6, f"{denied} in the audit")


def people(target: Target) -> Iterator[Outcome]:
    """Forged, foreign and expired tokens of people."""
    issuer, signed_at = target.issuer, time.monotonic()
    good = sign_in(issuer, "support")
    yield Outcome("(a person's own token works)", _ask(target, good, "/api/v1/kpis") == 200, "200")
    claims = _claims(good)
    (public,) = KeySet.import_key_set(httpx.get(f"{issuer}/jwks").json()).keys
    rogue = RSAKey.generate_key(2048)
    head, _, signature = good.split(".")
    admin = claims | {"roles": ["admin"]}
    canary = "http://127.0.0.1:9/keys"
    for attack, forged in {
        "changed claims under the old signature": f"{head}.{_part(admin)}.{signature}",
        "alg none": f"{_part({'alg': 'none'})}.{_part(admin)}.",
        "alg HS256 keyed with the public key": _hashed(admin, public.as_pem(private=False)),
        "signed by another key": jwt.encode({"alg": "RS256"}, admin, rogue),
        "signed by another key under the known name": jwt.encode(
            {"alg": "RS256", "kid": public.kid}, admin, rogue
        ),
        "keys named by the token itself (jku)": _signed(
            {"alg": "RS256", "jku": canary}, admin, rogue
        ),
        "a key inside the token (jwk)": _signed(
            {"alg": "RS256", "jwk": rogue.as_dict(private=False)}, admin, rogue
        ),
        "meant for another application": sign_in(issuer, "support", client="another"),
        "no token at all but three words": "a.b.c",
        "a token of 60 kB": "a" * 60_000,
    }.items():
        expected = (401, 431) if len(forged) > 30_000 else (401,)
        yield refused(f"person's token: {attack}", _ask(target, forged, "/api/v1/me"), *expected)
    yield refused("person's token: at the intake", _post(target, good), 401)
    time.sleep(max(0.0, LIFETIME_SECONDS + 1 - (time.monotonic() - signed_at)))
    yield refused("person's token: expired", _ask(target, good, "/api/v1/me"), 401)


def sources(target: Target) -> Iterator[Outcome]:
    """One source in another's name."""
    clm, erp = (target.token(f"source {name}", "--source", name) for name in ("clm", "erp"))
    yield refused("another source's name in the header", _post(target, erp, source="clm"), 403)
    yield refused("the name of the open time", _post(target, erp, source="open"), 403)
    yield refused("a path for a source", _post(target, erp, source="../clm"), 403)
    named = (("x-threadline-source", "clm"),)
    held = _exported(target, {"authorization": f"Bearer {erp}"}, "PERMISSION_DENIED", named)
    yield Outcome("another source's name over gRPC", *held)
    _post(target, clm, contract="C-OWN", value="1.00")
    _post(target, erp, contract="C-OWN", value="999.00")
    target.settle()
    facts = target.ask("support", "/api/v1/contracts/C-OWN").json()["facts"]
    told = {
        fact["source"]: target.ask("support", f"/api/v1/facts/{fact['fact_id']}").json()
        for fact in facts
    }
    kept = told["clm"]["attributes"]["contract.value"] == "1.00" and told["clm"]["versions"] == 1
    yield Outcome(
        "the same event id from another source",
        kept and len(facts) == 2,
        "two facts, each its source's",
    )


def hosts(target: Target) -> Iterator[Outcome]:
    """Pages of other sites that would ask in a reader's name."""
    url = f"{target.api}/api/v1/incidents/x/acknowledge"
    headers = target.proof("admin") | {
        "content-type": "text/plain",
        "origin": "https://evil.example",
    }
    answer = httpx.post(url, content=b'{"actor": "x"}', headers=headers)
    yield refused("a form of another site posts JSON as text", answer.status_code, 415, 422)
    preflight = httpx.options(
        url, headers={"origin": "https://evil.example", "access-control-request-method": "POST"}
    )
    allowed = "access-control-allow-origin" in preflight.headers
    yield Outcome(
        "another site asks whether it may",
        not allowed,
        f"answered {preflight.status_code}, no permission in it",
    )


def _some_fact(target: Target) -> str:
    target.send(approved("C-ROLE"))
    target.settle()
    facts = target.ask("support", "/api/v1/contracts/C-ROLE").json()["facts"]
    return f"/api/v1/facts/{facts[0]['fact_id']}"


def _ask(target: Target, text: str, path: str) -> int:
    return httpx.get(f"{target.api}{path}", **_bearer(text), timeout=30).status_code


def _bearer(text: str) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {text}"}}


def _post(
    target: Target, text: str, *, source: str = "", contract: str = "C-1", value: str = "1.00"
) -> int:
    headers = {"authorization": f"Bearer {text}", "content-type": EVENTS}
    headers |= {"x-threadline-source": source} if source else {}
    event = approved(contract, **{"contract.value": value})
    return httpx.post(f"{target.intake}/v1/events", json=event, headers=headers).status_code


def _exported(
    target: Target, headers: dict[str, str], expected: str, more: Any = ()
) -> tuple[bool, str]:
    with grpc.insecure_channel(target.grpc) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        code = export.future(b"", timeout=30, metadata=(*headers.items(), *more)).code()
    return code.name == expected, f"answered {code.name}"


def _until_refused(target: Target, text: str) -> float:
    started = datetime.now(UTC)
    while datetime.now(UTC) - started < timedelta(seconds=10):
        if _ask(target, text, "/api/v1/me") == 401:
            break
    return (datetime.now(UTC) - started).total_seconds()


def _claims(text: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
    return claims


def _hashed(claims: dict[str, Any], key: bytes) -> str:
    content = f"{_part({'alg': 'HS256'})}.{_part(claims)}"
    return f"{content}.{_text(hmac.digest(key, content.encode(), 'sha256'))}"


def _signed(header: dict[str, Any], claims: dict[str, Any], key: RSAKey) -> str:
    """As the library would not: with whatever header one likes."""
    token = jwt.encode({"alg": "RS256"}, claims, key)
    return f"{_part(header)}.{_part(claims)}.{token.rpartition('.')[2]}"


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


ATTACKS = (no_proof, odd_proof, roles, people, sources, hosts)
