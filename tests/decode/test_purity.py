"""Neither order nor batching of entries changes what they say."""

from __future__ import annotations

import random

import polars as pl
from decode.conftest import Decode
from decode.requests_by_hand import event, events, logged, logs, span, traces
from decode.test_logs import record
from polars.testing import assert_frame_equal

from collector.decode import Decoded
from threadline.model.entries import Logged

PLACES = ["offset", "ordinal", "fact_id", "object_type", "value"]


def entries() -> list[Logged]:
    kinds = [
        lambda n: logged(traces(span({"contract.id": f"C-{n}"}), span(span_id=b"x")), offset=n),
        lambda n: logged(logs(record({"k": n}), record({"k": n})), offset=n, source="other"),
        lambda n: events([event(id=str(n)), event(id=None)], batch=True, offset=n),
        lambda n: events(event(id=str(n), data={"a": {"b": n}}), offset=n, source="other"),
        lambda n: logged(b"\xff", offset=n),
    ]
    return [kinds[n % len(kinds)](n) for n in range(15)]


def whole(parts: list[Decoded]) -> list[pl.DataFrame]:
    frames = [
        pl.concat([getattr(part, name) for part in parts])
        for name in ("facts", "mentions", "dead_letters")
    ]
    return [frame.sort([c for c in PLACES if c in frame.columns]) for frame in frames]


def test_any_order_and_batching_gives_the_same_rows(decoded: Decode) -> None:
    given = entries()
    expected = whole([decoded(*given)])
    random.Random(5).shuffle(given)
    batches = [given[:1], given[1:4], given[4:]]
    for found, wanted in zip(whole([decoded(*b) for b in batches]), expected, strict=True):
        assert_frame_equal(found, wanted)
