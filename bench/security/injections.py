"""Other languages through every identifier and filter, and paths where names are asked for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from outcomes import Outcome
from target import Target, approved

PAYLOADS = (
    "' OR '1'='1",
    "'; DROP TABLE facts SYNC; --",
    "x' UNION ALL SELECT name FROM system.tables --",
    "'||sleep(3)||'",
    "sleepEachRow(3)",
    "\\' OR 1=1 -- ",
    "1; ATTACH DATABASE '/tmp/x' AS x; --",
    "') OR pg_sleep(3) --",
    "{q:String}",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "%' OR name LIKE '%",
    "%s%n%d{0}",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "file('/etc/passwd')",
    "url('http://127.0.0.1:9/')",
    "$(touch /tmp/threadline-was-here)`id`",
    "\x00\x1b[2J",
    "\U0001f600" * 40,
    "a" * 5_000,
)
SLOW = 2.5  # seconds; a sleep of 3 that was carried out would show
MARK = Path("/tmp/threadline-was-here")
TELLTALE = ("root:x:", "system.", "facts_by", "DB::Exception", "sqlite3", "Traceback", "psycopg")


def questions(target: Target) -> Iterator[Outcome]:
    """Every text parameter of every route, read from the API's own description."""
    target.send(approved("C-INJ"))
    target.settle()
    before = _facts(target)
    failures: list[str] = []
    statuses: Counter[int] = Counter()
    slowest = 0.0
    tried = 0
    with httpx.Client(base_url=target.api, headers=target.proof("admin"), timeout=30) as client:
        for method, path, parameter, place in _parameters(client):
            for payload in PAYLOADS:
                started = time.monotonic()
                answer = _asked(client, method, path, parameter, place, payload)
                while answer.status_code == 429:  # refused for its pace: it has not been tried yet
                    time.sleep(int(answer.headers["retry-after"]))
                    started = time.monotonic()
                    answer = _asked(client, method, path, parameter, place, payload)
                took = time.monotonic() - started
                slowest, tried = max(slowest, took), tried + 1
                statuses[answer.status_code] += 1
                told = answer.text.replace(payload, "")
                if answer.status_code >= 500 or took > SLOW or _tells(told, path):
                    failures.append(
                        f"{method} {path} {parameter}={payload[:30]!r}:"
                        f" {answer.status_code} in {took:.1f} s"
                    )
    said = ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items()))
    how = f"{tried:,} requests, answered {said}, the slowest in {slowest:.2f} s"
    yield Outcome(
        "injection through every identifier and filter of the API",
        not failures,
        how if not failures else "; ".join(failures[:5]),
    )
    wide = target.ask("admin", "/api/v1/contracts", params={"q": "' OR '1'='1"}).json()["items"]
    yield Outcome("a filter that is always true finds everything", wide == [], f"found {len(wide)}")
    like = target.ask("admin", "/api/v1/contracts", params={"q": "%%"}).json()["items"]
    yield Outcome("wildcards in a search find everything", like == [], f"found {len(like)}")
    yield Outcome("tables and facts are as before", _facts(target) == before, f"{before} facts")


def inputs(target: Target) -> Iterator[Outcome]:
    """The same through what is sent: names, values, ids, types, headers."""
    before = _facts(target)
    accepted = 0
    for number, payload in enumerate(PAYLOADS):
        text = payload.replace("\x00", "")
        event = approved(f"C-IN-{number}", **{text or "x": text, "erp.project.id": text})
        event |= {"id": f"{number}{text}", "source": f"/clm/{quote(text)}", "subject": text}
        accepted += target.send(event).status_code == 200
        event = approved(text, note=text) | {"type": text or "x", "id": f"t{number}"}
        accepted += target.send(event).status_code == 200
    target.settle()
    answered = [
        target.ask("support", f"/api/v1/contracts/{quote(f'C-IN-{number}', safe='')}").status_code
        for number in range(len(PAYLOADS))
    ]
    found = _facts(target) - before
    held = set(answered) <= {200, 404} and found >= accepted - 2 and not target.errors()
    how = f"{accepted} taken as text, {found} facts, no error in the service's log"
    yield Outcome(
        "injection through names, values, ids and types of input",
        held,
        how if held else f"{how}: {answered} {target.errors()[:3]}",
    )
    yield Outcome(
        "no payload was carried out by a shell", not MARK.exists(), f"{MARK} was not made"
    )


def paths(target: Target) -> Iterator[Outcome]:
    """Files through addresses, and through what an import is given."""
    tricks = (
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc/passwd",
        "/static/..%2f..%2fetc/passwd",
        "//etc/passwd",
        "/%00",
        "/api/v1/facts/..%2f..%2faudit",
        "/docs/..;/metrics",
    )
    with httpx.Client(base_url=target.api) as client:
        got = {
            trick: client.send(client.build_request("GET", target.api + trick)) for trick in tricks
        }
    held = all(
        answer.status_code in (400, 401, 404) and "root:" not in answer.text
        for answer in got.values()
    )
    yield Outcome(
        "path tricks in addresses",
        held,
        f"answered {sorted({a.status_code for a in got.values()})}",
    )
    yield from _imports(target)


def _imports(target: Target) -> Iterator[Outcome]:
    place = target.data / "imports"
    place.mkdir(exist_ok=True)
    mapping, rows = place / "mapping.yaml", place / "rows.csv"
    rows.write_text("id,when\n../../etc/passwd,2026-06-01T09:00:00Z\n")
    token = target.token("source bank", "--source", "bank")
    target.environment["THREADLINE_TOKEN"] = token
    sound = (
        "format: csv\nsource: /bank\nzone: UTC\nkey: [id]\ntime: {column: when}\n"
        "type: {value: bank.payment.received}\n"
    )
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    program = f"x: !!python/object/apply:os.system ['touch {MARK}']\n"
    for attack, text in {
        "an import mapping that runs a program": program,
        "an import mapping that is a bomb of aliases": bomb,
        "an import mapping that names a file": sound + "file: /etc/passwd\n",
        "a time zone that is a path": sound.replace("UTC", "../../../../etc/passwd"),
        "an import source that is a path": sound.replace("/bank", "file:///etc/passwd"),
    }.items():
        mapping.write_text(text)
        done = target.run("import", str(rows), "--mapping", str(mapping))
        quiet = "Traceback" not in done.stderr and not MARK.exists()
        clean = done.returncode in (1, 2) or (done.returncode == 0 and "root:" not in done.stdout)
        yield Outcome(
            attack,
            quiet and clean,
            f"exit {done.returncode}: {' '.join(done.stderr.split())[-90:]}",
        )
    for attack, file in {
        "importing a device": Path("/dev/null"),
        "importing a directory": place,
    }.items():
        mapping.write_text(sound)
        done = target.run("import", str(file), "--mapping", str(mapping))
        yield Outcome(
            attack,
            done.returncode in (1, 2) and "Traceback" not in done.stderr,
            f"exit {done.returncode}: {' '.join(done.stderr.split())[-90:]}",
        )
    outside = list(target.data.parent.glob("passwd*"))
    yield Outcome("a row's key that is a path writes no file", outside == [], "ids are names only")
    del target.environment["THREADLINE_TOKEN"]


def _parameters(client: httpx.Client) -> Iterator[tuple[str, str, str, str]]:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                yield method, path, parameter["name"], parameter["in"]
            if "requestBody" in operation:
                yield from ((method, path, name, "body") for name in ("actor", "text", "assignee"))


def _asked(
    client: httpx.Client, method: str, path: str, parameter: str, place: str, payload: str
) -> httpx.Response:
    filled, query, body = path, {}, {}
    if place == "path":
        filled = path.replace("{" + parameter + "}", quote(payload, safe=""))
    elif place == "query":
        query = {"q": "C-1"} if path.endswith("/contracts") else {}
        query[parameter] = payload
    else:
        body = {"actor": "x", "text": "x", parameter: payload}
    for name, known in (("kpi", "stuck-cases"), ("journey", "contract-activation")):
        filled = filled.replace("{" + name + "}", known)
    filled = filled.replace("{", "").replace("}", "")
    more: dict[str, Any] = {"json": body} if method == "post" else {}
    return client.request(method, filled, params=query, **more)


def _tells(text: str, path: str) -> bool:
    if path in ("/metrics", "/api/v1/audit"):
        return False
    return any(word in text for word in TELLTALE)


def _facts(target: Target) -> int:
    rows = target.ask("admin", "/api/v1/sources").json()["items"]
    return sum(row["facts"] for row in rows)


ATTACKS = (questions, inputs, paths)
