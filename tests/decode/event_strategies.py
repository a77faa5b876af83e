"""Generated CloudEvents as the lines the decoders read."""

from __future__ import annotations

import json
from typing import Any

from decode.otlp_strategies import READ, states, texts
from hypothesis import strategies as st

Event = dict[str, Any]

numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
flat = st.one_of(scalars, st.lists(st.one_of(st.none(), st.booleans(), numbers), max_size=3))
names = st.sampled_from(["id", "subject", "traceid", *READ, "k"])
parents = st.sampled_from(
    [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "nonsense",
    ]
)
times = st.one_of(texts, st.sampled_from(["2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05"]))


def events(
    values: st.SearchStrategy[Any], data: st.SearchStrategy[Any]
) -> st.SearchStrategy[Event]:
    """Events with all they need, extensions of `values` and some `data`."""
    required = {
        "specversion": st.just("1.0"),
        "id": texts.filter(bool),
        "source": texts.filter(bool),
        "type": texts.filter(bool),
    }
    optional = {
        "time": times,
        "subject": texts,
        "traceparent": parents,
        "tracestate": states,
        "partitionkey": values,
        "contract.id": values,
        "data": data,
    }
    return st.fixed_dictionaries(required, optional=optional)


def written(event: Any) -> st.SearchStrategy[str]:
    return st.builds(
        lambda plain, indent: json.dumps(event, ensure_ascii=plain, indent=indent).replace(
            "\n", " "
        ),
        st.booleans(),
        st.sampled_from([None, 1]),
    )


def flat_lines() -> st.SearchStrategy[bytes]:
    """Lines of events that columns can hold."""
    data = st.one_of(flat, st.dictionaries(names, flat, max_size=4))
    event = events(flat, data)
    return st.one_of(
        event.flatmap(written).map(lambda text: b"S" + text.encode()),
        st.lists(event, max_size=3).flatmap(written).map(lambda text: b"B" + text.encode()),
    )


def any_lines() -> st.SearchStrategy[bytes]:
    """Lines of anything: nested, repeated, incomplete, broken."""
    deep = st.recursive(
        scalars, lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(names, v, max_size=3))
    )
    event = st.one_of(
        events(deep, deep),
        st.dictionaries(st.sampled_from(["id", "source", "type", "data", "k"]), deep),
        deep,
    )
    whole = st.one_of(event, st.lists(event, max_size=3)).flatmap(written)
    broken = st.sampled_from(
        [
            "",
            "{",
            "[]",
            "NaN",
            '{"id":"1","source":"s","type":"t","data":{"a":1e999}}',
            '{"id":"1","source":"s","type":"t","data":{"a":"\\ud800"}}',
            '{"id":"1","source":"s","type":"t","data":{"a":1,"a":2}}',
            '{"id":"1","id":"2","source":"s","type":"t"}',
            '{"id":"1","source":"s","type":"t"},{"id":"2","source":"s","type":"t"}',
            '{"id":"1","source":"s","type":"t","data_base64":"eyJhIjoxfQ=="}',
            '{"id":"1","source":"s","type":"t","data_base64":"eyJhIjoxfQ==",'
            '"datacontenttype":"application/json"}',
            '{"id":"1","source":"s","type":"t","data_base64":"!"}',
        ]
    )
    return st.builds(
        lambda kind, text: kind + text.encode(),
        st.sampled_from([b"S", b"B"]),
        st.one_of(whole, broken),
    )
