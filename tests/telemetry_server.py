"""chDB behind HTTP, as far as the ClickHouse client needs it: for tests of the store by URL."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from clickhouse_connect.driver._backend.chdb_backend import CHDB_TRANSPORT_SETTINGS
from clickhouse_connect.driver._backend.models import QueryRuntime
from clickhouse_connect.driver.exceptions import ClickHouseError
from loopback import served

from threadline.store.telemetry.engine import Engine

_INSERT = re.compile(
    r"\s*INSERT\s+INTO\s+(\S+)\s*\((.*?)\)\s*(?:VALUES|FORMAT)\s*(\w+)\s*$", re.DOTALL
)
_FORMAT = re.compile(r"FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


@contextmanager
def serving(engine: Engine) -> Iterator[str]:
    """The URL of a server that answers from `engine` until the block ends."""

    class Handler(_Handler):
        pass

    Handler.engine = engine
    with served(Handler) as url:
        yield url


class _Handler(BaseHTTPRequestHandler):
    engine: Engine
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base's name
        """Say nothing."""

    def _answer(self) -> None:
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "Transfer-Encoding" in self.headers:
            body = self._chunks()
        if self.headers.get_content_type() == "multipart/form-data":
            given |= self._fields(body)
            body = b""
        try:
            result, fmt = self._run(given, body)
            self._send(200, result, {"X-ClickHouse-Format": fmt} if fmt else {})
        except ClickHouseError as error:
            code = {"X-ClickHouse-Exception-Code": str(getattr(error, "code", None) or 0)}
            self._send(500, str(error).encode(), code)

    def _run(self, given: dict[str, str], body: bytes) -> tuple[bytes, str]:
        settings = {
            key: value
            for key, value in given.items()
            if key not in CHDB_TRANSPORT_SETTINGS
            and key != "query"
            and not key.startswith("param_")
        }
        client = self.engine.connect(settings, given.get("database") or None)
        try:
            insert = _INSERT.match(given.get("query", ""))
            if insert:
                table, columns, fmt = insert.groups()
                names = [name.strip(" `") for name in columns.split(",")]
                encoding = self.headers.get("Content-Encoding")
                client.raw_insert(table, names, body, fmt=fmt, compression=encoding)
                return b"", ""
            sql = given.get("query", "") + body.decode()
            bound = {key: value for key, value in given.items() if key.startswith("param_")}
            found = _FORMAT.search(sql)
            runtime = QueryRuntime(database=given.get("database"))
            result = client._backend.execute_raw_query(sql, bound, None, runtime, None)
            returns = re.match(r"\s*(SELECT|WITH|SHOW|DESCRIBE)", sql, re.IGNORECASE)
            return result, found[1] if found else "TabSeparated" if returns else ""
        finally:
            client.close()

    def _fields(self, body: bytes) -> dict[str, str]:
        kind = self.headers["Content-Type"].encode()
        message = email.message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + body)
        return {
            part.get_param("name", header="Content-Disposition"): part.get_payload(
                decode=True
            ).decode()
            for part in message.get_payload()
        }

    def _chunks(self) -> bytes:
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
