"""A private PostgreSQL for a test session: its own directory, a Unix socket, no port."""

from __future__ import annotations

import functools
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

_numbers = itertools.count()

_TABLES = """
    SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'alembic_version'
"""
_NUMBER_ANEW = """
    SELECT setval(seqrelid, seqstart, false)
    FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
    WHERE relnamespace = %s::regnamespace
"""


class Cluster:
    """A running server; every test has a schema to itself, much quicker than a database."""

    def __init__(self, socket: Path, user: str) -> None:
        self._socket, self._user = socket, user

    def create(self) -> tuple[str, str]:
        """A fresh schema: its name, and a URL whose connections see it alone."""
        name = f"test_{next(_numbers)}"
        with self.administer() as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        options = f"-csearch_path%3D{name}"
        return name, f"postgresql://{self._user}@/postgres?host={self._socket}&options={options}"

    def clear(self, name: str) -> None:
        """Take every row out of a migrated schema, also those that may not be deleted."""
        with self.administer() as connection:
            tables = connection.execute(_TABLES, (name,)).fetchall()
            deleting = [
                sql.SQL("DELETE FROM {}").format(sql.Identifier(name, *one)) for one in tables
            ]
            without_triggers = sql.SQL("SET session_replication_role = replica")
            connection.execute(sql.SQL("; ").join([without_triggers, *deleting]))
            connection.execute(_NUMBER_ANEW, (name,))

    def drop(self, name: str) -> None:
        """Drop a schema with all that is in it."""
        with self.administer() as connection:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))

    def administer(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._socket), user=self._user, dbname="postgres", autocommit=True
        )


@functools.cache
def binaries() -> Path | None:
    """Where the server's programs are: on the path, or where Debian keeps them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    """Run a server until the block ends. It refuses to run as root, so root hands it over."""
    user = _owner()
    # A short path: a Unix socket's may have 107 bytes only.
    home = Path(tempfile.mkdtemp(prefix="threadline-pg-", dir="/tmp"))
    try:
        os.chown(home, user.pw_uid, user.pw_gid)
        _run(
            [
                programs / "initdb",
                "-D",
                home / "data",
                "-A",
                "trust",
                "-U",
                "threadline",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            user,
        )
        server = _start(programs, home, user)
        try:
            running = Cluster(home, "threadline")
            _await(running, server)
            yield running
        finally:
            server.terminate()
            server.wait(timeout=30)
    finally:
        shutil.rmtree(home)


def _owner() -> pwd.struct_passwd:
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _run(command: list[str | Path], user: pwd.struct_passwd) -> None:
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        cwd="/",
        **_identity(user),  # type: ignore[call-overload]
    )


def _start(programs: Path, home: Path, user: pwd.struct_passwd) -> subprocess.Popen[bytes]:
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "fsync": "off",
        "shared_buffers": "16MB",
        "max_connections": "40",
    }
    command = [str(programs / "postgres"), "-D", str(home / "data")]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with (home / "server.log").open("wb") as log:
        return subprocess.Popen(command, cwd="/", stdout=log, stderr=log, **_identity(user))  # type: ignore[call-overload,no-any-return]


def _identity(user: pwd.struct_passwd) -> dict[str, object]:
    if os.getuid() == user.pw_uid:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _await(running: Cluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            running.administer().close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
