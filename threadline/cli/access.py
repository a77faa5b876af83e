"""Tokens and the audit, straight from the control store: they work while the service runs or not.

Both databases take several processes: SQLite lets one write at a time, the others wait.
"""

from __future__ import annotations

import argparse
import getpass
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from threadline import settings as settings_module
from threadline.access import mint
from threadline.cli.outcomes import DONE, NO, WRONG
from threadline.clock import SystemClock
from threadline.errors import NotFound, ThreadlineError
from threadline.model.people import Token
from threadline.store.control import ControlNotMigrated, ControlStore
from threadline.store.control.audit import AuditRecord
from threadline.store.control.chain import Head, Tampered, verified

console = Console()
complaints = Console(stderr=True)
LONGEST_DAYS = 3_650
SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")


def create(arguments: argparse.Namespace) -> int:
    """A new token; its text goes to standard output, and nowhere else ever."""
    if wrong := _wrong(arguments):
        complaints.print(wrong, markup=False)
        return WRONG
    token, text = mint(
        arguments.name.strip(),
        roles=arguments.role,
        sources=arguments.source,
        lifetime=timedelta(days=arguments.days),
        who=me(),
        now=SystemClock().now(),
    )
    with _store(arguments) as store:
        store.tokens.add(token)
    if arguments.json:
        print(json.dumps(_told(token) | {"token": text}))
    else:
        print(text)
        complaints.print(
            f"This is shown once. Token {token.id} is valid until {token.expires_at:%Y-%m-%d};"
            f" `threadline token revoke {token.id}` ends it before.",
            markup=False,
        )
    return DONE


def listing(arguments: argparse.Namespace) -> int:
    """All tokens, without their secrets."""
    with _store(arguments) as store:
        tokens = store.tokens.all()
    if arguments.json:
        print(json.dumps([_told(token) for token in tokens]))
        return DONE
    table = Table("id", "name", "may", "state", "expires", "last used", "made by")
    for token in tokens:
        told = _told(token)
        may = [*told["roles"], *(f"send as {source}" for source in token.sources)]
        used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
        table.add_row(
            *(token.id, token.name, ", ".join(may), told["state"]),
            *(f"{token.expires_at:%Y-%m-%d}", used, token.created_by),
        )
    console.print(table)
    return DONE


def revoke(arguments: argparse.Namespace) -> int:
    """End a token; exit code 1 when there is none of that id."""
    with _store(arguments) as store:
        try:
            token = store.tokens.revoke(arguments.id, who=me())
        except NotFound as error:
            complaints.print(f"{error}: see `threadline token list`", markup=False)
            return NO
    if arguments.json:
        print(json.dumps(_told(token)))
    else:
        console.print(f"token {token.id} ({token.name}) is revoked", markup=False)
    return DONE


def export_audit(arguments: argparse.Namespace) -> int:
    """Every record as a line of JSON; exit code 1, and the place, when the chain is broken."""
    with _store(arguments) as store:
        if str(arguments.file) == "-":
            return _judged(_copied(store.audit.whole(), sys.stdout), arguments, quiet=True)
        with arguments.file.open("w", encoding="utf-8") as file:
            return _judged(_copied(store.audit.whole(), file), arguments)


def verify_audit(arguments: argparse.Namespace) -> int:
    """Follow the chain; exit code 1, and the place, when it is broken."""
    if arguments.file is not None:
        return _judged(_read(arguments.file), arguments)
    with _store(arguments) as store:
        return _judged(store.audit.whole(), arguments)


@contextmanager
def _store(arguments: argparse.Namespace) -> Iterator[ControlStore]:
    """The control store; a new one gets its tables, an older one is left to `migrate`."""
    settings = settings_module.load(arguments.settings)
    store = ControlStore.open(settings.control, SystemClock())
    try:
        try:
            store.verify()
        except ControlNotMigrated as error:
            if error.found:
                raise
            store.migrate()
        yield store
    finally:
        store.close()


def _wrong(arguments: argparse.Namespace) -> str:
    if not arguments.source and not arguments.role:
        return "a token that may do nothing is of no use: name a --source, a --role, or both"
    if not arguments.name.strip() or len(arguments.name) > 100:
        return "name: between 1 and 100 characters"
    if not 1 <= arguments.days <= LONGEST_DAYS:
        return f"--days: between 1 and {LONGEST_DAYS}"
    odd = [source for source in arguments.source if not SOURCE.fullmatch(source)]
    return f"--source: {odd[0]!r} is not letters, digits and . _ / - (100 at most)" if odd else ""


def me() -> str:
    """Whoever runs the command, as the audit calls them."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "command line"


def _told(token: Token) -> dict[str, Any]:
    fields = asdict(token) | {"roles": sorted(token.roles)}
    del fields["digest"]
    told = {name: _plain(value) for name, value in fields.items()}
    return told | {"state": token.state(SystemClock().now())}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _copied(records: Iterable[AuditRecord], to: Any) -> Iterator[AuditRecord]:
    for record in records:
        line = asdict(record) | {"at": record.at.isoformat()}
        print(json.dumps(line, ensure_ascii=False), file=to)
        yield record


def _read(file: Path) -> Iterator[AuditRecord]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                fields = json.loads(line)
                at = datetime.fromisoformat(fields["at"])
                record = AuditRecord(**fields | {"at": at})
            except (ValueError, TypeError, KeyError) as error:
                where = f"{file}:{number}: is no record of an export"
                raise ThreadlineError(f"{where}: {error}") from error
            yield record


def _judged(
    records: Iterable[AuditRecord], arguments: argparse.Namespace, *, quiet: bool = False
) -> int:
    try:
        head = verified(records, arguments.anchor)
    except Tampered as error:
        if arguments.json and not quiet:
            print(json.dumps({"whole": False, "record": error.number, "why": str(error)}))
        complaints.print(str(error), markup=False, soft_wrap=True)
        return NO
    if not quiet:
        _say(head, arguments)
    return DONE


def _say(head: Head, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps({"whole": True, "records": head.records, "head": head.hash}))
        return
    console.print(
        f"{head.records:,} records, each as it was written. Keep the hash they end with elsewhere:"
        " a chain is known to be whole only up to a hash that was kept (--anchor)"
    )
    print(head.hash)
