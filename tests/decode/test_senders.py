"""Who may speak for a system, where its mapping says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from decode.conftest import Decode
from decode.requests_by_hand import event, events, logged, span, traces

from collector.mapping import Mapping, load

SHIPPED = Path(__file__).parents[2] / "collector" / "sources" / "clm.yaml"


@pytest.fixture
def guarded(tmp_path: Path) -> Mapping:
    """The shipped mapping, but only `legal` may speak for the CLM."""
    (tmp_path / "sources").mkdir()
    own = SHIPPED.read_text() + "\nsenders: [legal]\n"
    (tmp_path / "sources" / "clm.yaml").write_text(own)
    return load(tmp_path)


def test_what_a_stranger_sends_in_the_name_of_a_system_is_a_dead_letter(
    decoded: Decode, guarded: Mapping
) -> None:
    told = decoded(events(event(), source="partner"), under=guarded)
    assert told.facts.is_empty()
    assert told.mentions.is_empty()
    (letter,) = told.dead_letters.to_dicts()
    assert (letter["source"], letter["kind"]) == ("partner", "event")
    assert "'partner' may not speak for clm" in letter["reason"]
    assert "senders of clm.yaml" in letter["reason"]


def test_its_senders_are_heard_and_so_is_whoever_speaks_for_a_system_that_names_none(
    decoded: Decode, guarded: Mapping
) -> None:
    other = event(id="2", source="/billing")
    told = decoded(events(event(), source="legal"), events(other, source="partner"), under=guarded)
    assert sorted(told.facts["system"]) == ["billing", "clm"]
    assert told.dead_letters.is_empty()


def test_it_holds_for_spans_by_their_service(decoded: Decode, guarded: Mapping) -> None:
    request = traces(span(), service__name="clm-docusign")
    told = decoded(logged(request, source="partner"), under=guarded)
    assert told.facts.is_empty()
    assert "'clm-docusign'" in told.dead_letters["reason"].item()
