"""Whatever JSON comes, it is accepted or refused in words: nothing else."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.intake.cloudevents import EVENTS
from collector.intake.otlp import LOGS, TRACES
from collector.intake.refusals import Malformed
from collector.intake.submissions import Submission

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "0", "-1", "1e3", "ab" * 16, "cd" * 8, "NaN", "\ud800", "\x00", "é"]),
    st.text(max_size=5),
)
NAMES = st.sampled_from(
    [
        *("resourceSpans", "scopeSpans", "spans", "traceId", "spanId", "kind", "links", "events"),
        *("resourceLogs", "scopeLogs", "logRecords", "attributes", "key", "value", "body", "flags"),
        *("startTimeUnixNano", "arrayValue", "values", "kvlistValue", "bytesValue", "doubleValue"),
        *("id", "source", "specversion", "type", "time", "data", "data_base64", "@type", "status"),
        *("severityNumber", "intValue", "datacontenttype", "droppedAttributesCount", "resource"),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


def nested(path):
    """`VALUES` under the lists named by `path`, so that they reach the innermost message."""
    items = st.dictionaries(NAMES, VALUES, max_size=4) | VALUES
    for name in reversed(path):
        items = st.lists(items, max_size=2).map(lambda inner, name=name: {name: inner})
    return items


@pytest.mark.parametrize(
    ("signal", "content_type", "bodies"),
    [
        (TRACES, "application/json", nested(["resourceSpans", "scopeSpans", "spans"])),
        (LOGS, "application/json", nested(["resourceLogs", "scopeLogs", "logRecords"])),
        (EVENTS, "application/cloudevents-batch+json", st.lists(VALUES, max_size=3)),
        (
            EVENTS,
            "application/cloudevents+json",
            st.fixed_dictionaries(
                {name: st.just("1.0") for name in ("id", "source", "type", "specversion")},
                optional=dict.fromkeys(("time", "subject", "data", "data_base64"), VALUES),
            ),
        ),
    ],
    ids=["traces", "logs", "batch", "event"],
)
def test_any_json_is_accepted_or_malformed(signal, content_type, bodies):
    submission = Submission(content_type=content_type, content_encoding="")

    @settings(max_examples=300, deadline=None)
    @given(bodies)
    def judge(body):
        with suppress(Malformed):
            signal.judge(submission, json.dumps(body).encode())

    judge()
