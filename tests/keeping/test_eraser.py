"""Erased identifiers are found by what is kept of them, wherever they stand by themselves."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.statements import Names
from collector.keeping import Eraser
from collector.keeping.occurrences import Erased
from threadline.model.entries import Entry
from threadline.model.erasures import Erasure, fingerprint, keyed, lower

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = Names(read=frozenset(), inherited=frozenset())
texts = st.text("aB1.@- é", max_size=30)


def erasure(identifier: str, pseudonym: str = "erased-1") -> Erasure:
    text = lower(identifier)
    given: dict[str, Any] = {"number": 1, "at": NOW, "who": "", "reason": "", "entries": 0}
    return Erasure(
        **given,
        values=0,
        applied_at=None,
        pseudonym=pseudonym,
        length=len(text),
        fingerprint=fingerprint(text),
        key="00",
        digest=keyed(b"\0", text),
    )


@given(identifier=st.text("aB1.@-é", min_size=1, max_size=4), around=st.lists(texts, max_size=4))
def test_it_is_found_where_a_pattern_that_knows_it_finds_it(identifier: str, around: list[str]):
    text = identifier.join(around)
    word = r"[a-z0-9_é]"
    alone = rf"(?<!{word})(?<![.\-+@]){re.escape(identifier)}(?!{word})(?![-@])(?!\.{word})"
    expected = re.sub(alone, "erased-1", text, flags=re.IGNORECASE)

    found, count = Erased([erasure(identifier)]).replaced(text.encode())

    assert found.decode() == expected
    assert count == len(re.findall(alone, text, flags=re.IGNORECASE))


def test_it_is_found_in_a_long_body_across_what_is_looked_at_at_once():
    body = b" " * (1 << 18) + b"anna@x.de" + b" " * (1 << 18)
    for cut in range(0, 12, 3):
        assert Erased([erasure("anna@x.de")]).may_stand_in(body[cut:])
    assert not Erased([erasure("anna@x.de")]).may_stand_in(body.replace(b"anna", b"anne"))


@pytest.mark.parametrize(
    ("event", "left"),
    [
        ({"data": {"by": [{"mail": "anna@x.de"}]}}, {"data": {"by": [{"mail": "erased-1"}]}}),
        ({"subject": "of anna@x.de."}, {"subject": "of erased-1."}),
        ({"data": "anna@x.de wrote"}, {"data": "erased-1 wrote"}),
        (
            {"data_base64": base64.b64encode(b'{"by":"anna@x.de"}').decode()},
            {"data_base64": base64.b64encode(b'{"by":"erased-1"}').decode()},
        ),
        (
            {"data": {"actor": {"email": "anna@x.de", "email2": "a@y.de", "name": "Anna", "n": 1}}},
            {
                "data": {
                    "actor": {"email": "erased-1", "email2": "erased-1", "name": "Anna", "n": 1}
                }
            },
        ),
        ({"data": {"email": "eve@x.de", "n": 10**20, "f": 0.1}}, None),
    ],
)
def test_events_say_it_in_many_ways(event: dict[str, Any], left: dict[str, Any] | None):
    whole = {"specversion": "1.0", "id": "1", "source": "/crm", "type": "t"}
    written = json.dumps(whole | event).replace("@", "\\u0040")
    eraser = Eraser([erasure("Anna@x.de")], ["*email*"])

    cleared = eraser.cleared(_entry(written.encode()), NAMES, NOW)

    assert (json.loads(cleared.entry.body) if cleared else None) == (left and whole | left)


def test_what_is_not_understood_is_searched_as_it_is():
    cleared = Eraser([erasure("anna@x.de")], ()).cleared(_entry(b'{"by": anna@x.de'), NAMES, NOW)

    assert cleared.entry.body == b'{"by": erased-1'


def _entry(body: bytes) -> Entry:
    return Entry(
        kind="cloudevents",
        source="crm",
        content_type="application/cloudevents+json",
        received_at=NOW,
        body=body,
    )
