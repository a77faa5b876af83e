"""Duty kept in an iCalendar text, as calendars export it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.duty import loading
from alerts.duty.calendar import DutyCalendar
from alerts.duty.rota import Member, Rota, on_duty
from threadline.model.duty import Override

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call" / "rotas"
BERLIN = "DTSTART;TZID=Europe/Berlin:20260316T090000\nDTEND;TZID=Europe/Berlin:20260323T090000"
MEMBERS = (
    Member(name="billing", receivers=("default/log",), known_as=("billing@example.org",)),
    Member(name="billing-lead", receivers=("default/log",)),
)


def text(*events: str) -> str:
    whole = [f"BEGIN:VEVENT\nUID:{n}\n{event}\nEND:VEVENT" for n, event in enumerate(events)]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", *whole, "END:VCALENDAR", ""]
    return "\n".join(lines).replace("\n", "\r\n")


def calendar(*events: str, place: str = "Europe/Berlin") -> DutyCalendar:
    return DutyCalendar(text(*events), MEMBERS, place)


def at(told: str) -> datetime:
    return datetime.fromisoformat(told).astimezone(UTC)


def edges(found: DutyCalendar, since: str, times: int) -> list[str]:
    told, moment = [], at(since)
    for _ in range(times):
        moment = next(found.edges(moment))
        told.append(f"{moment:%d %b %H:%MZ} {'+'.join(found.on_duty(moment))}")
    return told


def test_the_example_hands_over_at_nine_in_london_across_the_change_of_clocks():
    rota = loading.load([EXAMPLES], {"default/webhook", "default/log"}).by_name["revenue"]
    march = on_duty(rota, at("2026-03-24T00:00Z"))
    april = on_duty(rota, at("2026-03-31T00:00Z"))

    assert (march.members, march.until, march.by) == (
        ("revenue-secondary",),
        at("2026-03-30T09:00+01:00"),
        "calendar",
    )
    assert (april.members, april.until) == (("revenue-primary",), at("2026-04-06T09:00+01:00"))


def test_a_recurring_event_keeps_its_local_time_and_moved_or_dropped_ones_are_heard():
    weekly = f"{BERLIN}\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4\nSUMMARY:billing on call"
    dropped = weekly + "\nEXDATE;TZID=Europe/Berlin:20260413T090000"
    moved = (
        "UID:0\nRECURRENCE-ID;TZID=Europe/Berlin:20260330T090000\n"
        "DTSTART;TZID=Europe/Berlin:20260330T120000\nDTEND;TZID=Europe/Berlin:20260331T120000\n"
        "SUMMARY:billing-lead"
    ).removeprefix("UID:0\n")
    found = DutyCalendar(text(dropped, moved).replace("UID:1", "UID:0"), MEMBERS, "Europe/Berlin")

    assert edges(found, "2026-03-01T00:00Z", 6) == [
        "16 Mar 08:00Z billing",
        "23 Mar 08:00Z ",
        "30 Mar 10:00Z billing-lead",
        "31 Mar 10:00Z ",
        "27 Apr 07:00Z billing",
        "04 May 07:00Z ",
    ]


@pytest.mark.parametrize(
    ("names", "called"),
    [
        ("SUMMARY:billing", ("billing",)),
        ("SUMMARY:On call: BILLING-LEAD (week 12)", ("billing-lead",)),
        ("SUMMARY:billing\\, with billing-lead", ("billing", "billing-lead")),
        ("SUMMARY:On call\nATTENDEE:mailto:billing@example.org", ("billing",)),
        ("SUMMARY:On call\nATTENDEE;CN=billing-lead:mailto:x@example.org", ("billing-lead",)),
        ("SUMMARY:x\nATTENDEE:mailto:Billing@Example.org\nATTENDEE:mailto:y@y.y", ("billing",)),
    ],
)
def test_an_event_names_members_in_its_summary_or_as_attendees(names: str, called: tuple[str, ...]):
    assert calendar(f"{BERLIN}\n{names}").on_duty(at("2026-03-18T00:00Z")) == called


def test_whole_days_and_times_without_a_zone_are_on_the_clock_of_the_rota():
    found = calendar(
        "DTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260330\nSUMMARY:billing",
        "DTSTART:20260401T090000\nDURATION:PT8H\nSUMMARY:billing-lead",
        "DTSTART:20260402T090000Z\nDTEND:20260402T100000Z\nSUMMARY:billing",
        place="America/New_York",
    )

    assert edges(found, "2026-03-28T00:00Z", 6) == [
        "29 Mar 04:00Z billing",
        "30 Mar 04:00Z ",
        "01 Apr 13:00Z billing-lead",
        "01 Apr 21:00Z ",
        "02 Apr 09:00Z billing",
        "02 Apr 10:00Z ",
    ]


def test_a_calendar_s_own_zone_is_heard():
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "TZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:0"
    ).replace("\n", "\r\n")
    event = "DTSTART;TZID=Ours:20260401T090000\nDTEND;TZID=Ours:20260401T100000\nSUMMARY:billing"
    told = text(event).replace("BEGIN:VEVENT\r\nUID:0", zone)

    found = DutyCalendar(told, MEMBERS, "UTC")

    assert edges(found, "2026-03-28T00:00Z", 2) == ["01 Apr 06:00Z billing", "01 Apr 07:00Z "]


def test_a_cancelled_event_is_none_and_may_name_anybody():
    found = calendar(f"{BERLIN}\nSUMMARY:nobody we know\nSTATUS:CANCELLED")

    assert found.on_duty(at("2026-03-18T00:00Z")) == ()
    assert list(found.edges(at("2026-03-18T00:00Z"))) == []


def test_events_that_overlap_put_all_they_name_on_duty_and_an_override_wins_over_them():
    lead = BERLIN.replace("20260316", "20260318") + "\nSUMMARY:billing-lead"
    found = calendar(f"{BERLIN}\nSUMMARY:billing", lead)
    members = {member.name: member for member in MEMBERS}
    rota = Rota(name="r", title="r", zone="UTC", members=members, calendar=found)
    noon = at("2026-03-20T12:00Z")
    instead = Override(
        number=1,
        rota="r",
        member="billing",
        starts_at=noon,
        ends_at=at("2026-03-21T00:00Z"),
        who="billing-lead",
        why="-",
    )

    assert on_duty(rota, noon).members == ("billing", "billing-lead")
    assert on_duty(rota, noon).until == at("2026-03-23T08:00Z")
    assert on_duty(rota, noon, [instead]).members == ("billing",)
    assert on_duty(rota, noon, [instead]).until == instead.ends_at


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ("", "is no calendar"),
        ("not a calendar", "is no calendar"),
        (text(f"{BERLIN}\nSUMMARY:billings"), "'billings' (UID 0) names none of the members"),
        (text(f"{BERLIN}\nSUMMARY:billing\nRRULE:FREQ=SECONDLY"), "every minute or more often"),
        (text(f"{BERLIN}\nSUMMARY:billing\nRRULE:FREQ=FORTNIGHTLY"), "by no rule"),
        (text(f"{BERLIN}\nSUMMARY:billing\nRRULE:FREQ=DAILY;INTERVAL=0"), "at no INTERVAL"),
        (text("SUMMARY:billing"), "'billing' (UID 0)"),
        (text("DTSTART:2026-1-1\nSUMMARY:billing"), "'billing' (UID 0)"),
        (
            text(f"{BERLIN}\nSUMMARY:billing").replace("Europe/Berlin", "Here"),
            "'Here' is not known",
        ),
        (
            text(f"{BERLIN}\nSUMMARY:billing").replace("20260323", "20250323"),
            "ends before it begins",
        ),
        ("x" * (1024 * 1024 + 1), "longer than 1,048,576"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_named(told: str, fault: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the words are held below
        DutyCalendar(told, MEMBERS, "UTC")
    assert fault in str(caught.value)
