"""A broken definition is refused with file, line, key and rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.definitions import load
from metrics.definitions.durations import duration
from threadline.errors import DefinitionErrors

SHIPPED = Path(__file__).parents[2] / "metrics"


def journey(tmp_path: Path, old: str, new: str) -> Path:
    """The shipped journey with one thing changed, in a directory of one's own."""
    return _changed(tmp_path, "journeys/contract-activation.yaml", old, new)


def _changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    text = (SHIPPED / name).read_text()
    assert old in text
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.replace(old, new, 1))
    return tmp_path


JOURNEY = "contract-activation.yaml"
FAULTS = [
    ("after: [erp-project]", "after: [erp-projekt]", "after[0]", "there is no step 'erp-projekt'"),
    ("match: middleware.fields.validated", "match: a\n    after: [tax]", ".after", "wait for each"),
    ("otherwise: default}", "otherwise: moon}", "calendar.otherwise", "no calendar 'moon'"),
    ("by: contract.region", "by: contract.planet", "calendar.by", "one of the dimensions"),
    ("within: 5 business days", "within: 5 fortnights", "sla[1].within", "does not match"),
    ("within: 5 business days", "within: 0 days", "sla[1].within", "is no duration"),
    ("    warn: 0.75", "    warn: 75", "sla[0].warn", "75 is greater than or equal to"),
    ("- when: {contract.tier: expedited}\n    within", "- within", "sla[0]", "the last has no"),
    ("step: rate-card", "step: tax", ".step", "there are two steps 'tax'"),
    (
        "step: fields-validated\n  - kind",
        "step: nothing\n  - kind",
        "exceptions[0].step",
        "no step",
    ),
    (
        "match: erp.project.rejected",
        "match: erp.project.rejected\n    during: nothing",
        "exceptions[1].during",
        "there is no step 'nothing'",
    ),
    (
        "match: erp.project.rejected",
        "match: {name: erp.project.rejected, path: roots}",
        "exceptions[1].match",
        "is not valid",
    ),
    (
        "match: erp.project.created",
        "match: erp.project.created\n    alternatives: [{alternative: a, match: a}]",
        "",
        "is valid under each of",
    ),
    (
        "match: erp.project.created",
        "alternatives: [{alternative: a, match: a}, {alternative: a, match: b}]",
        "alternatives[1].alternative",
        "there are two alternatives 'a'",
    ),
    ("pause:", "reopen: [{match: a, redo: [nothing]}]\npause:", "reopen[0].redo[0]", "no step"),
    ("pause:", "reopen: [{match: a}]\npause:", "reopen[0]", "only with something to `redo`"),
    ("criticality: revenue", "criticality: high", "criticality", "'high' is not one of"),
    ("tier: contract.tier\n", "system: contract.tier\n", "dimensions.system", "already"),
    ("journey: contract-activation", "journey: other", "journey", "the file's name"),
    ("case: contract", "case: contract\ncolour: red", "", "'colour' was unexpected"),
    ("maximum: 10 business days", "maxim: 1 day", "pause", "'maximum' is a required property"),
]


@pytest.mark.parametrize(("old", "new", "key", "rule"), FAULTS, ids=[fault[1] for fault in FAULTS])
def test_a_broken_journey_is_refused_with_file_line_key_and_rule(tmp_path, old, new, key, rule):
    with pytest.raises(DefinitionErrors) as refused:
        load(journey(tmp_path, old, new))
    fault = next(error for error in refused.value.errors if rule in error.rule)
    assert fault.key.endswith(key)
    assert fault.file == tmp_path / "journeys" / JOURNEY
    lines = fault.file.read_text().splitlines()
    assert 1 <= fault.line <= len(lines)
    if key:
        assert any(part in lines[fault.line - 1] for part in (*new.split(), key.split(".")[-1]))


def test_what_others_are_compared_with_is_not_redone(tmp_path):
    _changed(
        tmp_path,
        "journeys/revenue-alignment.yaml",
        "cancel:",
        "reopen: [{match: revrec.reversed, redo: [schedule-created]}]\ncancel:",
    )
    with pytest.raises(DefinitionErrors, match="redoes 'schedule-created', which"):
        load(tmp_path)


def test_a_journey_of_nothing_but_choices_is_refused(tmp_path):
    text = (SHIPPED / "journeys" / JOURNEY).read_text()
    text = text.replace("    system:", "    optional: true\n    system:")
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys" / JOURNEY).write_text(text)
    with pytest.raises(DefinitionErrors, match="required of every case"):
        load(tmp_path)


CALENDARS = [
    ("zone: Europe/Berlin", "zone: Europe/Bonn", "zone", "'Europe/Bonn' is not an IANA"),
    ('country: "DE"', 'country: "ZZ"', "holidays[0]", "the holidays of 'ZZ' are not known"),
    ('country: "DE"', 'country: "DE"\n    subdivision: "XY"', "holidays[0]", "no subdivision 'XY'"),
    ('country: "DE"', "country: NO", "holidays[0].country", "in quotes"),
    ('["09:00-17:00"]', '["17:00-09:00"]', "hours.monday[0]", "must close after it opens"),
    ('["09:00-17:00"]', '["09:00-12:00", "11:00-13:00"]', "hours.monday[1]", "must open after"),
    ("day: 8 hours", "day: 2 days", "day", "at most 24 hours"),
    ("holidays:", 'days_off: ["2026-02-30"]\nholidays:', "days_off[0]", "2026-02-30|day is out"),
]


@pytest.mark.parametrize(("old", "new", "key", "rule"), CALENDARS, ids=[c[1] for c in CALENDARS])
def test_a_broken_calendar_is_refused(tmp_path, old, new, key, rule):
    directory = _changed(tmp_path, "calendars/emea.yaml", old, new)
    with pytest.raises(DefinitionErrors, match=rule) as refused:
        load(directory)
    assert key in {error.key for error in refused.value.errors}


KPIS = [
    ("activation-cycle-time", "[contract-activation]", "[activation]", "there is no journey"),
    ("activation-cycle-time", "24 business hours", "24 hours", "must be in business hours"),
    ("activation-cycle-time", "24 business hours", "3 business days", "say it in business hours"),
    ("project-setup-time", "step: erp-project", "step: erp", "has no step 'erp'"),
    ("project-setup-time", "step: erp-project\n", "", "'step' is a required property"),
    ("sla-attainment", "value: 0.9", "value: 9 days", "must be a number"),
    ("sla-attainment", "value: 0.9", "share_of_open: 0.9", "and nothing else"),
    ("value-at-risk", "share_of_open: 0.1", "value: 3", "has a target `share_of_open`"),
    ("invoice-dispute-rate", "[disputed]", "[doubted]", "has exceptions of kind 'doubted'"),
    ("first-time-right", "direction", "kinds: [rejected]\ndirection", "only exception-share"),
]


@pytest.mark.parametrize(("name", "old", "new", "rule"), KPIS, ids=[f"{k[0]} {k[2]}" for k in KPIS])
def test_a_broken_kpi_is_refused(tmp_path, name, old, new, rule):
    directory = _changed(tmp_path, f"kpis/{name}.yaml", old, new)
    with pytest.raises(DefinitionErrors, match=rule):
        load(directory)


def test_all_faults_of_all_files_are_said_at_once(tmp_path):
    journey(tmp_path, "criticality: revenue", "criticality: high")
    _changed(tmp_path, "kpis/sla-attainment.yaml", "measure: sla-attainment", "measure: luck")
    with pytest.raises(DefinitionErrors) as refused:
        load(tmp_path)
    assert {error.file.name for error in refused.value.errors} == {JOURNEY, "sla-attainment.yaml"}


def test_a_users_file_replaces_ours_by_name_and_adds_others(tmp_path, shipped):
    journey(tmp_path, "title: Contract activation", "title: Our way")
    other = (SHIPPED / "calendars" / "emea.yaml").read_text().replace("emea", "nordics")
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "nordics.yaml").write_text(other)
    ours = load(tmp_path)
    assert ours.journeys["contract-activation"].title == "Our way"
    assert ours.calendars.keys() == {*shipped.calendars, "nordics"}
    assert ours.journeys["contract-activation"].version != (
        shipped.journeys["contract-activation"].version
    )


def test_wanted_attributes_are_all_that_deriving_reads(shipped):
    assert shipped.wanted == {
        "actor.type",
        "amendment.currency",
        "amendment.kind",
        "amendment.value",
        "contract.business_unit",
        "contract.currency",
        "contract.region",
        "contract.subcontractor_clause",
        "contract.tier",
        "contract.value",
        "invoice.amount",
        "invoice.currency",
        "milestone.currency",
        "milestone.value",
        "recognition.amount",
        "recognition.period_status",
        "schedule.amount",
        "subcontract.currency",
        "subcontract.value",
    }
    assert {"clm.contract.approved", "erp.project.rejected"} <= shipped.event_names


@pytest.mark.parametrize(
    ("text", "business", "seconds", "days"),
    [
        ("90 minutes", False, 5400, 0),
        ("2.5 hours", False, 9000, 0),
        ("1 day", False, 86400, 0),
        ("8 business hours", True, 28800, 0),
        ("5 business days", True, 0, 5),
    ],
)
def test_durations_are_read_as_people_write_them(text, business, seconds, days):
    read = duration(text)
    assert (read.business, read.seconds, read.days) == (business, seconds, days)


@pytest.mark.parametrize("text", ["", "5", "hours", "-1 hours", "0 days", "5 weeks", "1e3 days"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is no duration"):
        duration(text)
