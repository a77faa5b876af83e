"""How values are said to people, alike in the terminal and on the dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from threadline.wire.cases import CaseRow, Step, Stuck
from threadline.wire.comparisons import ComparedSide, KpiComparison, Verdict
from threadline.wire.kpis import (
    Kpi,
    KpiContribution,
    KpiContributionPart,
    KpiMoney,
    KpiPage,
    KpiPart,
    KpiSpan,
)
from threadline.wire.mastery import MasteredAttribute, Mismatch, Said
from threadline.wire.values import Money

NOTHING = "–"
NOT_GIVEN = "not given"  # the part of cases that give no name to a dimension

Measured: TypeAlias = Kpi | KpiComparison

SLA: Mapping[str, str] = {
    "on_track": "on track",
    "at_risk": "at risk",
    "breached": "past its deadline",
    "met": "met",
    "missed": "missed",
    "unknown": "unknown",
}

KPI: Mapping[str, str] = {
    "ok": "on target",
    "warning": "near its limit",
    "breached": "off target",
    "unknown": "cannot be judged",
    "too_few": "too few to say",
}

STEP: Mapping[str, str] = {
    "done": "done",
    "open": "open",
    "late": "late",
    "failed": "failed",
    "waiting": "not yet due to begin",
    "skipped": "not needed",
}

ANNOTATION: Mapping[str, str] = {
    "clock-ahead": "a clock that is ahead",
    "implausible-time": "an impossible time",
    "out-of-order": "a step done before its turn",
    "step-skipped": "a step done while one before it was not",
    "sampled": "sampled spans",
    "value-unreadable": "a value that is no number",
}

MISMATCH: Mapping[str, str] = {
    "open": "differs",
    "within": "within its time",
    "closed": "agrees again",
    "unknown": "unknown",
}

_VERDICT: Mapping[Verdict, str] = {
    "better": "Better",
    "worse": "Worse",
    "unclear": "Cannot be told from chance",
    "too_few": "Too few to say",
    "unknown": "Nothing to compare",
}

_HOUR = 3600.0
_HOURS_ALONE = 100  # from here on minutes say nothing
_CURRENCY = "currency"  # the unit of money of which there was none
_PARTS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_SCALES = (("bn", 1e9), ("M", 1e6), ("k", 1e3))


def duration(seconds: float | None) -> str:
    """Two leading parts: `3 d 4 h`, `25 min 10 s`, `0.4 s`."""
    if seconds is None:
        return NOTHING
    sign, rest = ("−" if seconds < 0 else ""), abs(seconds)
    if rest < 10:
        return f"{sign}{rest:.1f} s" if rest % 1 else f"{sign}{rest:.0f} s"
    whole = round(rest)
    for place, (unit, size) in enumerate(_PARTS):
        if whole >= size:
            first, left = divmod(whole, size)
            smaller = _PARTS[place + 1 :][:1]
            second = [f"{left // size} {unit}" for unit, size in smaller if left // size]
            return sign + " ".join([f"{first} {unit}", *second])
    return f"{sign}{whole} s"


def amount(money: Money | None) -> str:
    """Short: `EUR 1.25 M`."""
    if money is None:
        return NOTHING
    return f"{money.currency} {_short(float(money.amount))}".strip()


def instant(at: datetime | None) -> str:
    """To the minute, in UTC: `22 Nov 2026 14:05 UTC`."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%d %b %Y %H:%M} UTC"


def moment(at: datetime | None) -> str:
    """To the second, for lists in one column: `2026-11-22 14:05:09`."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def validity(since: datetime | None, until: datetime | None) -> str:
    """A stretch of time: `from 2026-05-11 09:00:00 until 2026-06-01 00:00:00`; '' for always."""
    ends = {"from": since, "until": until}
    return " ".join(f"{word} {moment(at)}" for word, at in ends.items() if at)


def since(at: datetime | None, now: datetime) -> str:
    """How long ago: `3 d 4 h`."""
    return NOTHING if at is None else duration(max((now - at).total_seconds(), 0.0))


def deadline(due_at: datetime | None, now: datetime) -> str:
    """How an instant to come or gone by is said: `due in 3 h`, `2 d late`."""
    if due_at is None:
        return "no deadline"
    left = (due_at - now).total_seconds()
    return f"due in {duration(left)}" if left >= 0 else f"{duration(-left)} late"


def business(seconds: float | None) -> str:
    """Working time, whose days differ by calendar, in hours: `37 h 30 min`."""
    if seconds is None or abs(seconds) < _HOUR:
        return duration(seconds)
    sign, minutes = ("−" if seconds < 0 else ""), round(abs(seconds) / 60)
    hours, left = divmod(minutes, 60)
    return f"{sign}{hours:,} h" + (f" {left} min" if left and hours < _HOURS_ALONE else "")


def quantity(value: float | None, unit: str, *, in_business_time: bool = False) -> str:
    """A KPI's value in the unit people use; what is no other unit is a currency."""
    if value is None:
        return NOTHING
    if unit == "seconds":
        return business(value) if in_business_time else duration(value)
    if unit == "ratio":
        return f"{value:.1%}".replace(".0%", "%").replace("%", " %")
    if unit == "cases":
        return f"{value:,.0f}"
    return f"{'' if unit == _CURRENCY else unit} {_short(value)}".strip()


def kpi_quantity(kpi: Measured, value: float | None) -> str:
    """`value` in the unit of `kpi`."""
    return quantity(value, kpi.unit, in_business_time=kpi.business)


def kpi_value(kpi: Kpi) -> str:
    """The value itself."""
    return kpi_quantity(kpi, kpi.value)


def target(kpi: Kpi) -> str:
    """`at most 5 d`, `at least 95 %`, or that there is none."""
    if kpi.target is None:
        return "no target"
    bound = "at most" if kpi.direction == "lower" else "at least"
    clock = " of working time" if kpi.business else ""
    return f"{bound} {kpi_quantity(kpi, kpi.target)}{clock}"


def sentence(words: str) -> str:
    """`words` with a capital at the start and nothing else changed."""
    return words[:1].upper() + words[1:]


def beside(kpi: Kpi) -> list[str]:
    """The figures beside the value, each with its name: `p90 17 h`, `oldest 9 d`."""
    said = []
    for name, value in kpi.beside.items():
        if name.endswith("_seconds"):
            said.append(f"{name.removesuffix('_seconds')} {duration(value)}")
        elif name.startswith("share_"):
            said.append(f"{_words(name)} {quantity(value, 'ratio')}")
        elif name.startswith("misses_") and value is not None:
            said.append(f"{_words(name)} {value:,.1f}")
        else:
            said.append(f"{_words(name)} {kpi_quantity(kpi, value)}")
    return said


def stated(kpi: Kpi) -> str:
    """What a converted sum was stated in: `from GBP 300 k and USD 1.2 M`; else ''."""
    if all(one.currency == kpi.unit for one in kpi.money):
        return ""
    said = [amount(Money(amount=one.amount, currency=one.currency)) for one in kpi.money]
    return f"from {' and '.join(filter(None, (', '.join(said[:-1]), said[-1])))}"


def rates(one: KpiMoney) -> str:
    """What converted it: `EUR 1 = USD 1.0876 (24 Nov 2026)`, or how many did; '' if nothing."""
    if not one.rates:
        return ""
    pairs = {(rate.one, rate.other) for rate in one.rates}
    if len(pairs) == len(one.rates):
        return ", ".join(
            f"{rate.one} 1 = {rate.other} {rate.rate} ({rate.since:%d %b %Y})" for rate in one.rates
        )
    first, last = (pick(rate.since for rate in one.rates) for pick in (min, max))
    return f"{len(one.rates)} rates, {first:%d %b %Y} to {last:%d %b %Y}"


def trend(kpi: Kpi) -> str:
    """Where the value is going against the window before, in words."""
    if kpi.value is None or kpi.previous is None:
        return "nothing to compare with in the window before"
    before = kpi_quantity(kpi, kpi.previous)
    if kpi_value(kpi) == before:
        return "as in the window before"
    rising = kpi.value > kpi.previous
    better = rising == (kpi.direction == "higher")
    return f"{'▲' if rising else '▼'} {'better' if better else 'worse'} than {before} before"


def year_ago(kpi: Kpi) -> str:
    """The value a year ago, to go on a sentence with; '' where there is none."""
    if kpi.year_ago is None:
        return ""
    return f"; {kpi_quantity(kpi, kpi.year_ago)} a year ago"


def between(kpi: Measured, low: float | None, high: float | None) -> str:
    """An interval: `2 h to 5 h`, `at least 2 h`, or that the sample is too small for one."""
    if low is None and high is None:
        return "too few to bound it"
    if high is None:
        return f"at least {kpi_quantity(kpi, low)}"
    if low is None:
        return f"at most {kpi_quantity(kpi, high)}"
    return f"{kpi_quantity(kpi, low)} to {kpi_quantity(kpi, high)}"


def compared(page: KpiPage) -> str:
    """What the window is compared with, and how much of it was to be seen then."""
    told = {"Before": page.previous, "A year ago": page.year_ago}
    return " ".join(f"{words}: {_span(span)}." for words, span in told.items() if span)


def _span(span: KpiSpan) -> str:
    seen = min(span.end, span.as_of)
    return f"{instant(span.start)} to {instant(seen)}, seen as of {instant(span.as_of)}"


def effect(kpi: Measured, value: float) -> str:
    """A change in the KPI's unit, with its sign; of a share in points of a hundred."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if kpi.unit == "ratio":
        return f"{sign}{abs(value) * 100:.1f} points"
    return f"{sign}{kpi_quantity(kpi, abs(value))}"


def moved(kpi: Kpi, told: KpiContribution) -> str:
    """What moved the value, in a sentence."""
    if told.change is None:
        return "One of the two windows has no value, so there is no change to explain."
    if not told.change:
        return "Nothing moved it on the whole."
    largest = [one for one in told.parts if one.effect][:3]
    said = [f"{part(one)} {effect(kpi, one.effect)}" for one in largest]
    better = (told.change > 0) == (told.direction == "higher")
    words = "better" if better else "worse"
    rest = f" {effect(kpi, told.residual)} cannot be told apart." if told.residual else ""
    change = f"{effect(kpi, told.change)} since the window before, which is {words}"
    return f"{change}: {', '.join(said)}.{rest}"


def sides(found: KpiComparison, *, parts: bool) -> tuple[str, str]:
    """What the sides are called: before and after, or with `parts` those of a dimension."""
    if not parts:
        return "before", "after"
    return part(found.before), part(found.after)


def part(one: KpiPart | KpiContributionPart | ComparedSide) -> str:
    """What a part of a dimension is called."""
    return one.title or one.label or NOT_GIVEN


def certain(kpi: Measured, one: ComparedSide) -> str:
    """The interval of a side, where it has a value."""
    return NOTHING if one.value is None else between(kpi, *one.interval)


def span(one: ComparedSide) -> str:
    """The window of a side, and the instant it is seen from."""
    return f"{instant(one.start)} to {instant(one.end)}, seen as of {instant(one.as_of)}"


def verdict(found: KpiComparison) -> str:
    """The answer in a word or two; of what is all there is, which way it went."""
    if found.verdict != "not_a_sample" or found.change is None:
        return _VERDICT[found.verdict]
    if not found.change:
        return "The same"
    return "Better" if (found.change > 0) == (found.direction == "higher") else "Worse"


def difference(found: KpiComparison, names: tuple[str, str]) -> str:
    """The change between the sides of these names, how sure it is, and what that says."""
    if found.change is None:
        return found.words
    low, high = found.interval
    said = f"{effect(found, found.change)} from {names[0]} to {names[1]}"
    if low is not None and high is not None:
        said += f", with 95 % confidence {effect(found, low)} to {effect(found, high)}"
    elif found.verdict != "not_a_sample":
        said += ", and too few cases to bound that"
    return f"{said}. {found.words}"


def doubts(case: CaseRow) -> str:
    """What makes a case's instants doubtful, in one sentence; '' if nothing does."""
    said = [ANNOTATION.get(name, _words(name)) for name in case.annotations]
    return f"Read with care: {', '.join(said)}." if said else ""


def performed_in(step: Step) -> str:
    """The system a step is done in, and by which of its alternatives."""
    return f"{step.system} ({step.alternative})" if step.alternative else step.system


def where(stuck: Stuck, now: datetime) -> str:
    """One sentence: at which step, in which system, for how long."""
    place = f" in {stuck.system}" if stuck.system else ""
    waited = f" for {since(stuck.since, now)}" if stuck.since else ""
    late = f", {deadline(stuck.due_at, now)}" if stuck.due_at else ""
    return f"{stuck.title}{place}{waited}{late}"


def attribute(name: str, object_id: str) -> str:
    """A mastered attribute and whose it is: `contract value`, `rate card of project P-1`."""
    kind, _, number = [*object_id.split(":", 2), "", ""][:3]
    whose = "" if kind == "contract" else f" of {_words(kind)} {number}"
    return f"{_words(name)}{whose}"


def said(value: Said) -> str:
    """A value with its currency, as it was told: `EUR 125000.00`, `net 30`."""
    return f"{value.currency} {value.value}".strip()


def mismatch(one: Mismatch) -> str:
    """One sentence: who says what since when."""
    copy, master = (f"{said(side)} since {instant(side.at)}" for side in (one.copied, one.mastered))
    silent = " One of the two is silent now." if one.state == "unknown" else ""
    return f"{one.system} says {copy}; {one.master}, the master, {master}.{silent}"


def told_by_one(attributes: Sequence[MasteredAttribute]) -> str:
    """Of what nothing can be compared, in one sentence; '' if there is nothing of the kind."""
    alone = [attribute(one.attribute, one.object_id) for one in attributes if not one.compared]
    return f"Told by one system only, so unknown: {', '.join(alone)}." if alone else ""


def lasted(one: Mismatch, now: datetime) -> str:
    """How long they have differed or did: `for 3 d, 2 d longer than it may`."""
    end = min(one.until or now, now)
    whole = duration((end - one.since).total_seconds())
    if end <= one.due_at:
        return f"{whole}, may until {instant(one.due_at)}"
    over = f"{whole}, {duration((end - one.due_at).total_seconds())} longer than it may"
    return f"{over}; until {instant(one.until)}" if one.state == "closed" else over


def _words(name: str) -> str:
    return name.replace("_", " ")


def _short(value: float) -> str:
    for scale, size in _SCALES:
        if abs(value) >= size:
            return f"{value / size:,.2f}".rstrip("0").rstrip(".") + f" {scale}"
    return f"{value:,.2f}".removesuffix(".00")
