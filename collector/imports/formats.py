"""Which format a log is in, by what it begins with, not by its name."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from collector.imports import ocel, ocel_json, ocel_xml
from collector.imports.ocel import Ocel
from threadline.store.foreign import UnreadableFile

_SQLITE, _GZIP = b"SQLite format 3\x00", b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"  # of UTF-8, which some programs write first


def read(file: Path) -> Ocel:
    """The log in `file`: OCEL 2.0 as SQLite, JSON or XML, OCEL 1.0 as JSON, or XES.

    JSON and XML also compressed by gzip. Raises `UnreadableFile` naming the place.
    """
    if not file.is_file():
        raise UnreadableFile(file, "there is no such file")
    with file.open("rb") as stream:
        begins = stream.read(len(_SQLITE))
    if begins == _SQLITE:
        return ocel.read(file)
    content = _content(file, compressed=begins.startswith(_GZIP)).removeprefix(_MARK)
    first = content.lstrip()[:1]
    if first == b"{":
        return ocel_json.read(file, content)
    if first == b"<":
        return ocel_xml.read(file, content)
    raise UnreadableFile(
        file, "it is no event log (not a database, JSON or XML); a CSV file needs a mapping"
    )


def _content(file: Path, *, compressed: bool) -> bytes:
    try:
        if not compressed:
            return file.read_bytes()
        with gzip.open(file) as stream:
            return stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(file, str(error)) from error
