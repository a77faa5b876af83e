"""The segments of a log in whichever form they are: with their bodies, or sealed without them.

Bodies are gone from the moment a note beside the sealed file says so; the file that held them is
then only rubbish to be taken out.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from threadline.errors import LogUnavailable
from threadline.model.entries import Entry, Logged
from threadline.store.log import sealed, segment
from threadline.store.log.rows import sync_directory


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """When the bodies of a segment were dropped, and why."""

    at: datetime
    why: str

    def __str__(self) -> str:
        return f"the body as received was dropped on {self.at:%Y-%m-%d} ({self.why})"


def firsts(directory: Path) -> list[int]:
    """The first offsets of the segments in `directory`, rising."""
    notes = (int(file.stem) for file in directory.glob("*.dropped") if file.stem.isdigit())
    return sorted({*segment.firsts(directory), *notes})


def dropped(directory: Path, first: int) -> Dropped | None:
    """What became of the bodies of a segment; None while they are there."""
    try:
        said = json.loads(note(directory, first).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Dropped(at=datetime.fromisoformat(said["at"]), why=said["why"])


def entries(
    directory: Path, first: int, after: int, limit: int, received_by: datetime | None = None
) -> Iterator[Logged]:
    """As `segment.entries`. Raises `LogUnavailable` where the segment cannot be read."""
    with reading(directory, first) as connection:
        if connection is not None:
            yield from segment.entries(connection, after, limit, received_by)
            return
    yield from sealed.entries(sealed.path(directory, first), after, limit, received_by)


def last_received_by(directory: Path, first: int, at: datetime) -> int:
    """As `segment.last_received_by`."""
    with reading(directory, first) as connection:
        if connection is not None:
            return segment.last_received_by(connection, at)
    return sealed.last_received_by(sealed.path(directory, first), at)


def received(directory: Path, first: int) -> tuple[int, int]:
    """When the first and the last entry were received, nanoseconds; 0 where there is none."""
    with reading(directory, first) as connection:
        if connection is not None:
            return segment.received(connection)
    return sealed.received(sealed.path(directory, first))


def sizes(directory: Path) -> Counter[int]:
    """The bytes on disk of every segment, by its first offset."""
    found: Counter[int] = Counter()
    for file in os.scandir(directory):
        stem = file.name.partition(".")[0]
        if stem.isdigit():
            with suppress(FileNotFoundError):  # it was taken out meanwhile
                found[int(stem)] += file.stat().st_size
    return found


def drop(directory: Path, first: int, reduce: Callable[[Entry], Entry], dropped: Dropped) -> None:
    """Seal a segment that is written no more, and drop its bodies.

    A crash leaves either all bodies or a sealed segment. Raises `LogUnavailable`, bodies intact.
    """
    try:
        with closing(segment.readable(directory, first)) as connection:
            whole = segment.entries(connection, 0, -1)
            kept = (Logged(position=one.position, entry=reduce(one.entry)) for one in whole)
            sealed.write(directory, first, kept)
        _note_down(directory, first, dropped)
    except (OSError, sqlite3.Error) as error:
        raise LogUnavailable(f"{directory} cannot be sealed: {error}") from error
    tidy(directory, first)


def rewrite(
    directory: Path, first: int, change: Callable[[Logged], Entry | None], after: int = 0
) -> int:
    """Replace entries beyond offset `after` by what `change` makes of them, if anything; how many.

    What they were stands nowhere in the segment's files when it returns. Raises `LogUnavailable`.
    """
    changed = {
        one.position.offset: became
        for one in entries(directory, first, after, -1)
        if (became := change(one)) is not None
    }
    try:
        if note(directory, first).exists():
            _rewrite_sealed(directory, first, changed)
        else:
            with closing(segment.editable(directory, first)) as connection:
                segment.rewrite(connection, changed)
                segment.overwrite(connection)
    except (OSError, sqlite3.Error) as error:
        raise LogUnavailable(f"{directory} cannot be rewritten: {error}") from error
    return len(changed)


def _rewrite_sealed(directory: Path, first: int, changed: Mapping[int, Entry]) -> None:
    if not changed:
        return
    file = sealed.path(directory, first)
    rows = sealed.entries(file, 0, -1)
    became = (replace(one, entry=changed.get(one.position.offset, one.entry)) for one in rows)
    sealed.write(directory, first, became)


def tidy(directory: Path, first: int) -> None:
    """Take out what a segment has no use for any more."""
    if note(directory, first).exists():
        _remove(directory, first, ".sqlite", ".sqlite-wal", ".sqlite-shm")
    else:
        _remove(directory, first, ".parquet")
    _remove(directory, first, ".partial", ".note")
    sync_directory(directory)


def reading(directory: Path, first: int) -> AbstractContextManager[sqlite3.Connection | None]:
    """The segment with its bodies; None where they were dropped."""
    if not note(directory, first).exists():
        try:
            return closing(segment.readable(directory, first))
        except sqlite3.Error:
            if not note(directory, first).exists():  # else it was dropped in between
                raise
    return nullcontext()


def _note_down(directory: Path, first: int, dropped: Dropped) -> None:
    new = directory / f"{first:020d}.note"
    with new.open("w", encoding="utf-8") as file:
        json.dump({"at": dropped.at.isoformat(), "why": dropped.why}, file)
        file.flush()
        os.fsync(file.fileno())
    new.rename(note(directory, first))
    sync_directory(directory)


def note(directory: Path, first: int) -> Path:
    """Where it stands that, when and why the bodies of a segment were dropped."""
    return directory / f"{first:020d}.dropped"


def _remove(directory: Path, first: int, *suffixes: str) -> None:
    for suffix in suffixes:
        (directory / f"{first:020d}{suffix}").unlink(missing_ok=True)
