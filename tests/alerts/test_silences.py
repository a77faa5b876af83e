"""Silences: what they mute, until when, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_databases import NOON
from hypothesis import example, given
from hypothesis import strategies as st

from alerts import silences
from alerts.silences import muting
from threadline.model.silences import LABELS, Matcher, Silence

HOUR = timedelta(hours=1)
LATE_PROJECT = {"system": "erp", "journey": "contract-activation", "severity": "breach"}


def silence(*matchers: str, lasts: float = 2, name: str = "1", ended: float | None = None):
    return Silence(
        id=name,
        matchers=tuple(silences.parse(text) for text in matchers),
        starts_at=NOON,
        ends_at=NOON + lasts * HOUR,
        who="on-call",
        comment="the ERP moves house",
        ended_at=None if ended is None else NOON + ended * HOUR,
    )


def test_it_mutes_from_its_beginning_until_just_before_its_end():
    erp = silence("system=erp")
    asked = [-0.01, 0, 1.99, 2]

    told = [muting([erp], LATE_PROJECT, NOON + hours * HOUR) for hours in asked]

    assert told == [None, erp, erp, None]


def test_one_ended_early_mutes_no_longer_and_says_when_it_was_over():
    erp = silence("system=erp", ended=1)

    assert muting([erp], LATE_PROJECT, NOON + 0.99 * HOUR) == erp
    assert muting([erp], LATE_PROJECT, NOON + HOUR) is None
    assert erp.until == NOON + HOUR


def test_of_several_the_one_that_lasts_longest_counts():
    short, long = silence("system=erp", name="9"), silence("severity=breach", lasts=3, name="1")
    other = silence("system=crm", lasts=9)

    assert muting([long, other, short], LATE_PROJECT, NOON) == long


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ("system=erp", True),
        ("system=er", False),
        ('system = "erp"', True),
        ("system!=erp", False),
        ("system!=crm", True),
        ('system=~"er"', False),
        ('system=~"e.*|crm"', True),
        ("system=~crm|erp", True),
        ("system!~crm|e.p", False),
        ("system!~p", True),
        ("step=", True),
        ("step!=pay", True),
        ("step=~.+", False),
        ('step!~".+"', True),
    ],
)
def test_a_matcher_means_what_it_means_in_alertmanager(written: str, held: bool):
    assert silences.parse(written).matches(LATE_PROJECT) is held


def test_all_matchers_have_to_hold():
    assert muting([silence("system=erp", "severity=breach")], LATE_PROJECT, NOON)
    assert not muting([silence("system=erp", "severity=warning")], LATE_PROJECT, NOON)


@pytest.mark.parametrize(
    "matchers",
    [
        [],
        ["system=~.*"],
        ["system=~.+"],
        ["system!=erp"],
        ["step="],
        ["step=~pay|"],
        ["severity=~warning|breach|failure"],
        ["criticality!=revenue", "journey=~(?s).{0,}"],
    ],
)
def test_what_would_mute_nearly_everything_is_refused(matchers: list[str]):
    (fault,) = silences.of_matchers([silences.parse(text) for text in matchers])
    assert "it would mute everything" in fault


@pytest.mark.parametrize(
    "matchers", [["system=erp"], ["severity=warning"], ["rule!=x", "step=~p.*"]]
)
def test_what_names_something_is_allowed(matchers: list[str]):
    assert list(silences.of_matchers([silences.parse(text) for text in matchers])) == []


def test_labels_no_incident_has_and_matchers_by_the_dozen_are_refused():
    many = [silences.parse("sytsem=erp")] * 21
    told = list(silences.of_matchers([*many, silences.parse("system=erp")]))
    assert "'sytsem' is no label of an incident" in told[0]
    assert told[-1].startswith("at most 20 matchers")


@pytest.mark.parametrize("text", ["", "system", "system erp", "=erp", 'system="erp" or so'])
def test_what_is_no_matcher_is_refused_with_an_example(text: str):
    with pytest.raises(ValueError, match='such as system="erp"'):
        silences.parse(text)


@pytest.mark.parametrize("pattern", ["(", "(?=erp)", r"(e)\1", "(x{999}){999}", "x" * 1001])
def test_a_pattern_that_cannot_be_read_or_would_take_long_is_refused(pattern: str, capfd):
    with pytest.raises(ValueError, match=r"no pattern of RE2's|at most 1,000"):
        Matcher(label="system", op="=~", value=pattern)
    assert capfd.readouterr().err == ""


def test_a_pattern_made_to_take_forever_takes_no_time():
    nasty = Matcher(label="rule", op="=~", value="(a*)*(a|aa)+b" * 5)
    assert not nasty.matches({"rule": "a" * 50_000})


@pytest.mark.parametrize(
    ("starts", "ends", "fault"),
    [
        (0, 2, ""),
        (0, 90 * 24, ""),
        (24, 91 * 24, ""),
        (-5 * 24, 90 * 24, ""),
        (0, 90 * 24 + 1, "90 days at most"),
        (2, 2, "after starts_at"),
        (-2, 0, "past already"),
    ],
)
def test_a_silence_lasts_at_most_90_days_from_now_on(starts: float, ends: float, fault: str):
    told = list(silences.of_span(NOON + starts * HOUR, NOON + ends * HOUR, NOON))
    assert (fault in told[0]) if fault else told == []


@given(
    st.sampled_from(sorted(LABELS)), st.sampled_from(["=", "!=", "=~", "!~"]), st.text(max_size=40)
)
@example("step", "=", "a b")
def test_a_matcher_is_read_as_it_is_written(label: str, op: str, value: str):
    if '"' in value:
        return
    try:
        written = Matcher(label=label, op=op, value=value)
    except ValueError:
        return
    assert silences.parse(str(written)) == written
