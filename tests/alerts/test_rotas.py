"""Who is on duty: hand-overs, follow the sun, overrides, calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from duty_walk import DAY, HOUR, MINUTE, near_a_change, shown, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.duty import loading
from alerts.duty.hours import Hours
from alerts.duty.rota import LOOK, Duty, Layer, Member, Rota, on_duty, unattended
from threadline.model.duty import Override

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call" / "rotas"
RECEIVERS = {"default/webhook", "default/log"}


@pytest.fixture(scope="module")
def rotas() -> dict[str, Rota]:
    return dict(loading.load([EXAMPLES], RECEIVERS).by_name)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def override(member: str, since: str, until: str, number: int = 1, **more: object) -> Override:
    return Override(
        number=number,
        rota="billing",
        member=member,
        starts_at=at(since),
        ends_at=at(until),
        who="billing-lead",
        why="swapped",
        **more,
    )


def who(duty: Duty) -> tuple[str, ...]:
    return tuple(name.rpartition("-")[2] for name in duty.members)


def handed_over(rota: Rota, since: datetime, times: int) -> list[str]:
    """The next times it is somebody else, on the clock in the rota's zone."""
    told = []
    for _ in range(times):
        until = on_duty(rota, since).until
        assert until is not None
        since = until
        told.append(f"{shown(rota.zone, until):%a %d %b %H:%M} {who(on_duty(rota, until))[0]}")
    return told


def test_hand_over_is_at_nine_in_berlin_whatever_the_clocks_did_that_weekend(rotas):
    assert handed_over(rotas["billing"], at("2026-03-17T00:00Z"), 3) == [
        "Mon 23 Mar 09:00 secondary",
        "Mon 30 Mar 09:00 primary",
        "Mon 06 Apr 09:00 secondary",
    ]
    assert handed_over(rotas["billing"], at("2026-10-14T00:00Z"), 3) == [
        "Mon 19 Oct 09:00 secondary",
        "Mon 26 Oct 09:00 primary",
        "Mon 02 Nov 09:00 secondary",
    ]


def test_a_turn_begins_at_the_hand_over_and_not_before(rotas):
    handover = at("2026-03-30T09:00+02:00")

    before, then = (
        on_duty(rotas["billing"], moment) for moment in (handover - MINUTE / 60, handover)
    )

    assert (who(before), before.until) == (("secondary",), handover)
    assert (who(then), then.until) == (("primary",), handover + 7 * DAY)
    assert then.receivers == ("default/webhook",)


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        # 02:30 does not exist on 29 March: at 03:00, which is when clocks are put forward.
        ("2026-03-29", "2026-03-29T01:00Z"),
        # 02:30 is there twice on 25 October: at the first, still in summer time.
        ("2026-10-25", "2026-10-25T00:30Z"),
    ],
)
def test_a_hand_over_at_a_time_that_is_missing_or_there_twice(day: str, begins: str):
    nightly = Layer(
        name="",
        zone="Europe/Berlin",
        members=("a", "b"),
        days=1,
        start=date.fromisoformat(day) - DAY,
        handover=2.5 * HOUR,
    )

    assert nightly.on_duty(at(begins) - MINUTE / 60) == "a"
    assert nightly.on_duty(at(begins)) == "b"
    assert nightly.next_change(at(begins) - 5 * HOUR) == at(begins)


def test_the_sun_is_followed_and_the_lead_takes_the_rest(rotas):
    # On this day summer time has begun in New York, not yet in Berlin.
    assert handed_over(rotas["integration"], at("2026-03-17T00:30Z"), 5) == [
        "Tue 17 Mar 01:00 apac",
        "Tue 17 Mar 08:00 a",
        "Tue 17 Mar 16:00 amer",  # when Berlin goes home; New York has been there since 13:00
        "Tue 17 Mar 21:00 lead",
        "Wed 18 Mar 01:00 apac",
    ]
    assert handed_over(rotas["integration"], at("2026-03-31T00:30Z"), 4) == [
        "Tue 31 Mar 01:00 apac",
        "Tue 31 Mar 07:00 a",
        "Tue 31 Mar 15:00 amer",
        "Tue 31 Mar 21:00 lead",
    ]


def test_a_weekend_and_a_holiday_are_the_leads(rotas):
    good_friday = on_duty(rotas["integration"], at("2026-04-03T12:00+02:00"))

    assert (who(good_friday), good_friday.receivers) == (
        ("lead",),
        ("default/webhook", "default/log"),
    )


def test_an_override_of_the_definition_is_on_duty_for_its_time(rotas):
    assert handed_over(rotas["billing"], at("2026-12-22T00:00Z"), 3) == [
        "Thu 24 Dec 09:00 lead",
        "Mon 28 Dec 09:00 secondary",
        "Mon 04 Jan 09:00 primary",
    ]


def test_what_people_decide_later_counts_more_and_the_last_decision_most(rotas):
    christmas = at("2026-12-25T12:00Z")
    swapped = override("billing-primary", "2026-12-25T00:00Z", "2026-12-26T00:00Z", 1)
    back = override("billing-secondary", "2026-12-25T06:00Z", "2026-12-25T18:00Z", 2)

    duty = on_duty(rotas["billing"], christmas, [back, swapped])
    later = on_duty(rotas["billing"], back.ends_at, [back, swapped])

    assert (who(duty), duty.until, duty.override) == (("secondary",), back.ends_at, back)
    assert (who(later), later.until) == (("primary",), swapped.ends_at)


def test_an_override_that_was_ended_gives_duty_back_at_once(rotas):
    ended = override(
        "billing-lead", "2026-06-01T00:00Z", "2026-06-20T00:00Z", ended_at=at("2026-06-03T12:00Z")
    )

    duty = on_duty(rotas["billing"], at("2026-06-03T11:00Z"), [ended])

    assert (who(duty), duty.until) == (("lead",), ended.ended_at)
    assert on_duty(rotas["billing"], duty.until, [ended]).by == "layer"


def test_an_override_to_whom_is_on_duty_anyway_changes_nothing_until_it_matters(rotas):
    monday = at("2026-03-23T09:00+01:00")
    same = override("billing-primary", "2026-03-20T00:00Z", "2026-03-24T00:00Z")

    assert on_duty(rotas["billing"], at("2026-03-18T00:00Z")).until == monday
    assert on_duty(rotas["billing"], at("2026-03-18T00:00Z"), [same]).until == same.ends_at


@pytest.mark.parametrize("odd", [{"rota": "revenue"}, {"member": "has-left"}])
def test_an_override_of_another_rota_or_for_a_member_who_left_does_not_count(rotas, odd):
    told = override("billing-lead", "2026-03-16T00:00Z", "2026-03-24T00:00Z")
    other = Override(**vars(told) | odd)

    assert on_duty(rotas["billing"], at("2026-03-18T00:00Z"), [other]).by == "layer"


def test_before_a_rota_begins_nobody_is_on_duty_until_it_does(rotas):
    duty = on_duty(rotas["billing"], at("2026-01-01T00:00Z"))

    assert (duty.members, duty.receivers, duty.by) == ((), (), "nobody")
    assert duty.until == at("2026-01-05T09:00+01:00")


def test_where_it_is_always_the_same_there_is_no_end():
    alone = Layer(
        name="", zone="UTC", members=("a",), days=7, start=date(2026, 1, 5), handover=9 * HOUR
    )
    members = {"a": Member(name="a", receivers=("default/log",))}
    rota = Rota(name="r", title="r", zone="UTC", members=members, layers=(alone,))

    assert on_duty(rota, at("2026-02-01T00:00Z")).until is None
    assert who(on_duty(rota, at("2026-02-01T00:00Z") + LOOK)) == ("a",)


@st.composite
def layers(draw: st.DrawFn) -> tuple[Layer, datetime]:
    """Turns of a layer, and an instant near a change of its clocks."""
    place, moment = draw(near_a_change())
    minutes = st.integers(0, 1440).map(lambda number: number * MINUTE)
    hours = Hours(zone=place, opens=draw(minutes), closes=draw(minutes), weekdays=frozenset({0, 4}))
    layer = Layer(
        name="",
        zone=place,
        members=("a", "b", "c"),
        days=draw(st.integers(1, 9)),
        start=shown(place, moment).date() - draw(st.integers(-3, 40)) * DAY,
        handover=draw(minutes),
        hours=draw(st.sampled_from([None, hours])),
    )
    return layer, moment


def obviously_on_duty(layer: Layer, place: str, since: datetime, days: float) -> list[str | None]:
    """Every handover that the clock has shown, or gone past, is one turn."""
    told, furthest = [], shown(place, since - 2 * DAY)
    for moment, clock in walk(place, since - 2 * DAY, days + 2):
        furthest = max(furthest, clock)
        days_in = furthest - datetime.combine(layer.start, datetime.min.time()) - layer.handover
        turn = days_in // (layer.days * DAY)
        there = layer.hours is None or layer.hours.open(moment)
        if moment >= since:
            told.append(layer.members[turn % 3] if turn >= 0 and there else None)
    return told


@given(layers())
@settings(max_examples=25)
def test_turns_are_what_a_walk_over_every_minute_finds(given_layer):
    layer, since = given_layer
    wanted = obviously_on_duty(layer, layer.zone, since, 2)
    minutes = [since + number * MINUTE for number in range(len(wanted))]

    assert [layer.on_duty(moment) for moment in minutes] == wanted
    changed = next((m for m, one in zip(minutes, wanted, strict=True) if one != wanted[0]), None)
    duty = on_duty(_alone(layer), since)
    assert duty.until == changed if changed else duty.until is None or duty.until > minutes[-1]


def _alone(layer: Layer) -> Rota:
    members = {name: Member(name=name, receivers=("default/log",)) for name in layer.members}
    return Rota(name="r", title="r", zone=layer.zone, members=members, layers=(layer,))


def test_a_time_at_which_nobody_is_on_duty_is_found(rotas):
    office = Hours(zone="Europe/Berlin", opens=9 * HOUR, closes=17 * HOUR)
    monday = at("2026-03-16T09:00+01:00")
    layer = Layer(
        name="",
        zone="Europe/Berlin",
        members=("a",),
        days=7,
        start=date(2026, 3, 2),
        handover=9 * HOUR,
        hours=office,
    )

    assert unattended(_alone(layer), monday, monday + DAY) == monday + 8 * HOUR
    assert unattended(_alone(layer), monday, monday + 8 * HOUR) is None
    assert unattended(rotas["integration"], monday, monday + 28 * DAY) is None
