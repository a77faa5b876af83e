"""The examples of the OTLP specification, in JSON and in binary."""

from __future__ import annotations

from pathlib import Path

import pytest
from decode.conftest import Decode
from decode.requests_by_hand import logged

EXAMPLES = Path(__file__).parents[3] / "shared" / "data" / "otlp"

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the OTLP examples are not here")


def test_json_and_binary_traces_say_the_same(decoded: Decode) -> None:
    binary = logged((EXAMPLES / "trace.protobuf-bin").read_bytes())
    text = logged((EXAMPLES / "trace.json").read_bytes(), content_type="application/json")
    facts = decoded(binary, text).facts
    assert facts.height == 2
    assert facts.unique().height == 1
    assert facts["system"][0] == "my.service"
    assert facts["name"][0] == "I'm a server span"


@pytest.mark.parametrize(("name", "text"), [("logs", "Example log record"), ("events", "")])
def test_logs_and_events(decoded: Decode, name: str, text: str) -> None:
    body = (EXAMPLES / f"{name}.json").read_bytes()
    found = decoded(logged(body, kind="otlp.logs", content_type="application/json"))
    assert found.dead_letters.is_empty()
    assert found.facts["system"].to_list() == ["my.service"] * found.facts.height
    assert found.facts["message"][0].startswith(text)
