"""The audit changed behind its back, secrets where none belong, and starts that would be unsafe."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
from outcomes import Outcome, refused
from target import EVENTS, Target, approved, target


def audit(aimed: Target) -> Iterator[Outcome]:
    """Whoever holds the database file rewrites, removes, exchanges, cuts off."""
    head = json.loads(aimed.run("audit", "verify", "--json").stdout)["head"]
    aimed.stop()
    file = aimed.data / "control.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        try:
            database.execute("UPDATE audit SET who = 'nobody'")
            kept, why = False, "done"
        except sqlite3.DatabaseError as error:
            kept, why = True, str(error)
        yield Outcome("the audit, by a plain statement", kept, why)
    whole = file.read_bytes()
    for attack, statements in TAMPERING.items():
        file.write_bytes(whole)
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            for statement in (*WITHOUT_TRIGGERS, *statements):
                database.execute(statement)
        done = aimed.run("audit", "verify", "--anchor", head)
        said = " ".join(done.stderr.split())[:110]
        yield Outcome(f"the audit, its triggers dropped: {attack}", done.returncode == 1, said)
    file.write_bytes(whole)


WITHOUT_TRIGGERS = ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
TAMPERING = {
    "changing a record": ("UPDATE audit SET who = 'nobody' WHERE id = 3",),
    "removing a record": ("DELETE FROM audit WHERE id = 3",),
    "exchanging two records": (
        "UPDATE audit SET id = -1 WHERE id = 3",
        "UPDATE audit SET id = 3 WHERE id = 4",
        "UPDATE audit SET id = 4 WHERE id = -1",
    ),
    "cutting off the last records": ("DELETE FROM audit WHERE id > 4",),
}


def secrets(aimed: Target) -> Iterator[Outcome]:
    """Tokens in files, logs, lists and answers."""
    texts = [text.rpartition("_")[2] for name, text in aimed.tokens.items() if " id" not in name]
    files = [file for file in aimed.data.rglob("*") if file.is_file()]
    spilt = [file.name for file in files for text in texts if text.encode() in file.read_bytes()]
    yield Outcome(
        "tokens in any file of the service",
        not spilt,
        f"{len(files)} files, {len(texts)} tokens" if not spilt else str(spilt),
    )
    listed = aimed.run("token", "list", "--json").stdout
    yield Outcome(
        "tokens in the list of tokens", not any(text in listed for text in texts), "ids only"
    )


def starts(_: Target) -> Iterator[Outcome]:
    """Reached by others without proof or TLS; or by a page that points its name at loopback."""
    for attack, settings in {
        "beyond loopback without tokens": {},
        "beyond loopback with tokens and without TLS": {"token": "yes"},
    }.items():
        with target() as fresh:
            fresh.environment["THREADLINE_API__LISTEN"] = f"0.0.0.0:{fresh.ports['api']}"
            if settings:
                fresh.run("token", "create", "x", "--role", "admin")
            done = fresh.run("serve")
            yield Outcome(attack, done.returncode == 2, " ".join(done.stderr.split())[-120:])
    with target() as fresh:
        fresh.environment["THREADLINE_DASHBOARDS__LISTEN"] = f"0.0.0.0:{fresh.ports['dashboards']}"
        done = fresh.run("dashboards")
        yield Outcome(
            "dashboards beyond loopback without sign-in",
            done.returncode == 2,
            " ".join(done.stderr.split())[-120:],
        )
    with target() as fresh:
        fresh.start()
        elsewhere = {"host": "evil.example"}
        asked = httpx.get(f"{fresh.api}/api/v1/kpis", headers=elsewhere)
        yield refused("an open service by another host's name: API", asked.status_code, 421)
        said = elsewhere | {"content-type": EVENTS}
        sent = httpx.post(f"{fresh.intake}/v1/events", json=approved("C-1"), headers=said)
        yield refused("an open service by another host's name: intake", sent.status_code, 421)


ATTACKS = (secrets, audit, starts)
