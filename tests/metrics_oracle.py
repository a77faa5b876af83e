"""What the metrics room should derive, written slowly and plainly: one case at a time, in Python.

It shares the definitions' types with the real thing and nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from fact_reading import (
    Fact,
    acts,
    first,
    fits,
    good,
    holds,
    moment,
    order,
    plausible,
    same_amount,
    text,
)
from slow_clock import SlowClock

from metrics.definitions import Definitions
from threadline.model.journeys import Duration, Journey
from threadline.model.matching import Matcher, Path

NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Oracle:
    """The cases, steps and exceptions of one world, as dictionaries by key."""

    def __init__(
        self,
        definitions: Definitions,
        observations: Iterable[Mapping],
        members: Iterable[Mapping],
        relations: Iterable[Mapping],
    ) -> None:
        self.definitions = definitions
        self.facts: dict[str, list[Fact]] = defaultdict(list)
        seen = set()
        for row in observations:
            key = (row["object_id"], row["fact_id"])
            if key not in seen:
                seen.add(key)
                self.facts[row["object_id"]].append(dict(row))
        self.spoken_of: dict[str, set[str]] = defaultdict(set)
        for object_id, fact_id in seen:
            self.spoken_of[fact_id].add(object_id)
        # Between two of these instants every object stands still.
        ties = [*(dict(row) for row in members), *(dict(row) for row in relations)]
        self.turns = sorted({row[end] for row in ties for end in ("valid_from", "valid_to")})
        self._ties = ties
        self._scene: dict[datetime, tuple] = {}
        self.members = {}
        for row in sorted((row for row in ties if "object_id" in row), key=until):
            if row["root_id"]:
                self.members[row["object_id"]] = row
        self.clocks = {"": SlowClock(None)} | {
            name: SlowClock(calendar) for name, calendar in definitions.calendars.items()
        }
        self.cases: dict[tuple, dict] = {}
        self.steps: dict[tuple, dict] = {}
        self.exceptions: dict[tuple, dict] = {}
        self.remedies: dict[tuple, dict] = {}
        for journey in definitions.journeys.values():
            for object_id, member in self.members.items():
                if member["object_type"] == journey.case_type and member["root_id"]:
                    Case(self, journey, object_id, member["root_id"]).tell()

    def facts_on(self, path: Path, object_id: str) -> list[tuple[Fact, str]]:
        """The facts on this path, each with the object it is on and as ties stood at its time."""
        return [
            (fact, other)
            for since, until in pairwise(self.turns)
            for other in self.on(path, object_id, since)
            for fact in self.facts.get(other, [])
            if since <= moment(fact) < until
        ]

    def scene(self, at: datetime) -> tuple:
        """Members by object, and relations, as of an instant."""
        if at not in self._scene:
            valid = [row for row in self._ties if row["valid_from"] <= at < row["valid_to"]]
            members = {row["object_id"]: row for row in valid if "object_id" in row}
            below = defaultdict(set)
            for row in members.values():
                below[row["owner_id"]].add(row["object_id"])
            related = {
                (r["kind"], r["child_id"], r["parent_id"]) for r in valid if "object_id" not in r
            }
            self._scene[at] = members, below, related
        return self._scene[at]

    def on(self, path: Path, object_id: str, at: datetime) -> set[str]:
        members, below, related = self.scene(at)
        if path.kind == "self":
            return {object_id}
        if path.kind == "relation":
            here = [r for r in related if r[0] == path.relation]
            if path.backwards:
                return {r[1] for r in here if r[2] == object_id}
            return {r[2] for r in here if r[1] == object_id}
        if path.kind == "root":
            root = members[object_id]["root_id"] if object_id in members else ""
            return {o for o, row in members.items() if root and row["root_id"] == root}
        found: set[str] = set()
        ahead = {object_id}
        while ahead:
            one = ahead.pop()
            owner = members[one]["owner_id"] if one in members else ""
            near = below[one] if path.kind == "descendant" else {owner} - {""}
            ahead |= near - found - {object_id}
            found |= near - {object_id}
        return found


def until(row: Mapping) -> tuple:
    return row["valid_to"], row["valid_from"]


class Case:
    """One case, told from its facts."""

    def __init__(self, world: Oracle, journey: Journey, case_id: str, root_id: str) -> None:
        self.world, self.journey = world, journey
        self.case_id, self.root_id = case_id, root_id

    def tell(self) -> None:
        starts = self.matching(self.journey.start)
        self.marks: set[str] = set()
        if not good(starts):
            return
        start = first(good(starts))
        self.started = self.since = start["at"]
        cancels = [f for f in good(self.matching(self.journey.cancel)) if f["at"] >= self.started]
        self.cut = min((f["at"] for f in cancels), default=NEVER)
        self.opened: dict[str, datetime] = {}
        self.earlier: dict[str, list[tuple]] = defaultdict(list)
        self.gaps: list[tuple] = []
        self.renewed: tuple | None = None
        self.before = ""
        self.settle()
        while turn := self.turn():
            self.reopen(*turn)
            self.settle()
        self.tell_exceptions(start, starts)
        steps = [row for place in range(len(self.journey.steps)) if (row := self.step(place))]
        self.tell_case(start, steps)

    def settle(self) -> None:
        """How far it has come, as far as it is known what was re-opened."""
        self.known = self.attributes()
        self.closings: dict[str, Fact | None] = {}
        for step in sorted(self.journey.steps, key=lambda step: step.compare is not None):
            told = [f for f in good(self.meant_by(step)) if f["at"] <= self.cut]
            since = self.opened.get(step.name)
            told = [f for f in told if not since or f["at"] > since]
            self.closings[step.name] = first(self.last_ones(step, told))
        finish = self.finish()
        self.completed = None if finish == NEVER else finish
        self.cancelled = None if self.completed or self.cut == NEVER else self.cut
        self.end = self.completed or self.cancelled or NEVER
        self.known = {k: v for k, v in self.known.items() if v[1] <= (self.completed or NEVER)}
        self.calendar = self.choose_calendar()
        self.pauses = self.find_pauses()

    # What re-opens it

    def turn(self) -> tuple[datetime, list] | None:
        """When it is re-opened, or has steps undone, next; and by which rules."""
        found = []
        for rule in self.journey.reopen:
            for fact in good(self.matching(rule.match)):
                at = fact["at"]
                if at >= self.end:
                    fits = ("completed" if self.completed else "cancelled") in rule.after
                else:
                    closed = [self.closings[name] for name in rule.redo]
                    fits = any(c and c["at"] <= at for c in closed) and "completed" in rule.after
                if fits and at > self.since:
                    found.append((at, rule))
        if not found:
            return None
        first_at = min(at for at, _ in found)
        return first_at, [rule for at, rule in found if at == first_at]

    def reopen(self, at: datetime, rules: list) -> None:
        ended = at >= self.end
        fresh = {}
        for step in self.journey.steps:
            again = any(self.follows(step, name) for rule in rules for name in rule.redo)
            closing = self.closings[step.name]
            done = closing is not None and closing["at"] <= min(at, self.end)
            if again or (ended and not done):
                ready = self.ready(step)
                stood = (self.opened.get(step.name), ready, closing["at"] if done else None, at)
                self.earlier[step.name].append(stood)
                fresh[step.name] = at
        if ended:
            budgets = [rule.within for rule in rules if rule.within]
            due = self.due()
            if budgets and (due is None or self.end <= due):
                order = [rule for rule in self.journey.reopen if rule in rules and rule.within]
                self.renewed = (at, order[0].within)
            self.before = "completed" if self.completed else "cancelled"
            self.gaps.append((self.end, at))
            later = [f["at"] for f in good(self.matching(self.journey.cancel)) if f["at"] > at]
            self.cut = min(later, default=NEVER)
        self.opened |= fresh
        self.since = at

    def follows(self, step, name: str) -> bool:
        return step.name == name or any(
            self.follows(self.journey.step(other), name) for other in step.after
        )

    def alive(self, fact: Fact) -> bool:
        return not any(end < fact["at"] <= again for end, again in self.gaps)

    def spells(self, step) -> list[tuple]:
        """Every time the step had to be done: opened, ready, closed, until when that stood."""
        closing = self.closed(step)
        now = (self.opened.get(step.name), self.ready(step), closing and closing["at"], None)
        return [*self.earlier[step.name], now]

    # What is seen

    def matching(self, matchers: Iterable[Matcher], failed: bool = False) -> list[Fact]:
        found = {}
        for fact, _ in self.found(matchers, failed):
            found.setdefault(fact["fact_id"], fact)
        return list(found.values())

    def found(self, matchers: Iterable[Matcher], failed: bool = False) -> list[tuple[Fact, str]]:
        """Matching facts with the object each was found on, once for every such object."""
        return [
            (fact, object_id)
            for matcher in matchers
            for path in matcher.paths
            for fact, object_id in self.world.facts_on(path, self.case_id)
            if fits(matcher, fact, failed)
        ]

    # Steps that are done several times

    def times(self, step) -> int | None:
        """How many successes the step needs, if anybody says so."""
        if step.repeat is None:
            return 1
        if not step.repeat.attribute:
            return step.repeat.times
        said = self.attributes().get(step.repeat.attribute, ("", None))[0].strip()
        whole = re.fullmatch(r"(\d{1,6})(\.0*)?", said)
        return int(whole[1]) or None if whole else None

    def runs_of(self, step, told: list[Fact]) -> list[list[Fact]]:
        """Successes as they are counted: by kind, or the first one of each value."""
        told = sorted(told, key=order)
        if step.repeat and step.repeat.per:
            firsts: dict[str, Fact] = {}
            for fact in told:
                firsts.setdefault(text(fact, step.repeat.per), fact)
            return [list(firsts.values())]
        kinds = {fact["kind"] for fact in told}
        return [[fact for fact in told if fact["kind"] == kind] for kind in kinds]

    def last_ones(self, step, told: list[Fact]) -> list[Fact]:
        """The facts by which a step may be done as often as it has to be."""
        times = self.times(step)
        return [run[times - 1] for run in self.runs_of(step, told) if times and len(run) >= times]

    def counted(self, step, told: list[Fact]) -> list[Fact]:
        """The successes that are so many of those needed."""
        runs = [
            run[: self.times(step)] for run in self.runs_of(step, self.since_opened(step, told))
        ]
        return max(runs, key=len, default=[])

    def since_opened(self, step, told: list[Fact]) -> list[Fact]:
        since = self.opened.get(step.name)
        return [fact for fact in told if not since or fact["at"] > since]

    def told_acts(self, step, told: list[Fact]) -> int:
        if not (step.repeat and step.repeat.per):
            return acts(told)
        values = {text(fact, step.repeat.per) for fact in told}
        return sum(acts([f for f in told if text(f, step.repeat.per) == v]) for v in values)

    def meant_by(self, step) -> list[Fact]:
        return [fact for fact in self.matched_by(step) if self.one_of(step, fact)]

    def one_of(self, step, fact: Fact) -> bool:
        return not (step.repeat and step.repeat.per) or bool(text(fact, step.repeat.per))

    def matched_by(self, step) -> list[Fact]:
        ways = [*step.match, *(m for r in step.remedies if r.closes for m in r.match)]
        return [fact for fact in self.matching(ways) if self.compares(step.compare, fact)]

    def compares(self, comparison, fact: Fact) -> bool:
        """Whether the fact stands to the one that closed the other step as it should."""
        if comparison is None:
            return True
        other = self.closings[comparison.step]
        if other is None:
            return False
        same = []
        for mine, theirs in comparison.pairs:
            both = text(fact, mine), text(other, theirs)
            if None in both:
                same.append(None)
            else:
                same.append(both[0] == both[1] or same_amount(*both))
        return all(same) if comparison.equal else False in same

    def words(self, rule, fact: Fact) -> str:
        """What a rule's comparison found to differ, where the fact itself says nothing."""
        if fact["message"] or rule.compare is None:
            return fact["message"]
        other, said = self.closings[rule.compare.step], []
        for mine, theirs in rule.compare.pairs:
            one, two = text(fact, mine), text(other, theirs)
            if None not in (one, two) and not (one == two or same_amount(one, two)):
                said.append(f"{mine} {one}, not {theirs} {two}")
        return "; ".join(said)

    def failure_words(self, fact: Fact) -> str:
        """What is said of a fact that failed a step."""
        rules = [rule for rule in self.journey.exceptions if rule.compare]
        told = [
            self.words(rule, fact)
            for rule in rules
            if any(one is fact for one, _ in self.found(rule.match))
            and self.compares(rule.compare, fact)
        ]
        return fact["message"] or min(told, default="")

    def named_by(self, rule) -> list[Fact]:
        """The facts that an exception rule makes exceptions of this case."""
        if not holds(rule.when, self.values()):
            return []
        answers = [self.world.spoken_of[f["fact_id"]] for f in good(self.matching(rule.unless))]
        found = {}
        for fact, object_id in self.found(rule.match):
            if not plausible(fact):
                continue
            if not rule.afterwards and (fact["at"] > self.end or not self.alive(fact)):
                continue
            spells = self.spells(self.journey.step(rule.during)) if rule.during else []
            if rule.during and not any(
                ready is not None
                and ready <= fact["at"] < (closed or NEVER)
                and fact["at"] <= (stood or NEVER)
                for _, ready, closed, stood in spells
            ):
                continue
            if not self.compares(rule.compare, fact):
                continue
            if any(object_id in spoken for spoken in answers):
                found[fact["fact_id"]] = None
            found.setdefault(fact["fact_id"], fact)
        return [fact for fact in found.values() if fact]

    def until(self, facts: list[Fact], end: datetime) -> list[Fact]:
        return [fact for fact in facts if fact["at"] <= end and self.alive(fact)]

    def attributes(self) -> dict[str, tuple[str, datetime]]:
        known = {}
        for name in self.journey.case_attributes:
            for place in (self.case_id, self.root_id):
                facts = good(self.world.facts.get(place, []))
                winner = first(f for f in facts if text(f, name) and f["at"] <= self.cut)
                if winner:
                    known[name] = (text(winner, name), winner["at"])
                    break
        return known

    # How far it is

    def finish(self) -> datetime:
        """The first instant at which all steps required by then are closed."""
        instants = {self.since} | {f["at"] for f in self.closings.values() if f}
        for at in sorted(i for i in instants if i >= self.since):
            required = [s for s in self.journey.steps if self.asked(s, at)]
            if all(self.closings[s.name] and self.closings[s.name]["at"] <= at for s in required):
                return at
        return NEVER

    def asked(self, step, at: datetime) -> bool:
        known = {name: value for name, (value, since) in self.known.items() if since <= at}
        return not step.optional and holds(step.when, known)

    def required(self, step) -> bool:
        return self.asked(step, self.completed or NEVER)

    def ready(self, step) -> datetime | None:
        instants = []
        for name in step.after:
            before = self.journey.step(name)
            if self.required(before):
                closing = self.closings[name]
                instants.append(closing["at"] if closing else None)
            else:
                instants.append(self.ready(before))
        if not step.after:
            instants = [self.started]
        instants += [self.opened[step.name]] if step.name in self.opened else []
        return None if None in instants else max(instants)

    def failures(self, step, *, ever: bool = False) -> list[tuple[Fact, str]]:
        """The facts that failed the step while it was open the last time, or `ever`."""
        spells = self.spells(step) if ever else self.spells(step)[-1:]
        found = [
            (fact, reason)
            for fact, reason in self.failed(step)
            for opened, _, closed, stood in spells
            if (opened is None or fact["at"] > opened)
            and fact["at"] <= min(closed or NEVER, stood or NEVER)
        ]
        return sorted(found, key=lambda pair: order(pair[0]))

    def failed(self, step) -> list[tuple[Fact, str]]:
        end = self.end
        found = {}
        for rule in self.journey.exceptions:
            if rule.step == step.name:
                for fact in self.until(self.named_by(rule), end):
                    said = (found.get(fact["fact_id"], (None, "rejected"))[1], rule.kind)
                    known = ("mapping-failed", "mismatch", "duplicate", "rejected")
                    reason = next(each for each in known if each in said)
                    found[fact["fact_id"]] = (fact, reason)
        ways = [*step.match, *(m for remedy in step.remedies for m in remedy.match)]
        for fact in self.until(good(self.matching(ways, failed=True)), end):
            found.setdefault(fact["fact_id"], (fact, "rejected"))
        return list(found.values())

    def closed(self, step) -> Fact | None:
        closing = self.closings[step.name]
        return closing if closing and closing["at"] <= self.end else None

    # The clocks

    def choose_calendar(self) -> str:
        value, _ = self.known.get(self.journey.calendar.attribute, ("", None))
        known = self.world.definitions.calendars
        return value.lower() if value.lower() in known else self.journey.calendar.otherwise

    def length(self, within: Duration) -> timedelta:
        day = self.world.definitions.calendars[self.calendar].day_seconds
        return timedelta(seconds=within.seconds + within.days * day)

    def clock(self, within: Duration) -> SlowClock:
        return self.world.clocks[self.calendar if within.business else ""]

    def find_pauses(self) -> list[tuple]:
        if self.journey.pause is None:
            return []
        since = self.until(good(self.matching(self.journey.pause.since)), self.end)
        until = self.until(good(self.matching(self.journey.pause.until)), self.end)
        since = [f for f in since if all(f["at"] != end for end, _ in self.gaps)]
        ends = [(end, 0) for end, _ in self.gaps]
        told = sorted([(f["at"], 1) for f in since] + [(f["at"], 0) for f in until] + ends)
        found: list[tuple] = []
        paused, limit, over = None, None, self.started
        for at, stops in told:
            if paused and at >= limit:
                found.append((paused, limit))
                paused, over = None, limit
            if stops and paused is None and at >= over:
                paused = at
                maximum = self.journey.pause.maximum
                limit = self.clock(maximum).add(at, self.length(maximum))
            elif not stops and paused and at > paused:
                found.append((paused, at))
                paused, over = None, at
        if paused:
            found.append((paused, limit))
        return found

    def deadline(self, within: Duration, since: datetime, share: float = 1.0) -> datetime:
        stops = sorted(self.pauses + self.gaps)
        return self.clock(within).deadline(since, self.length(within) * share, stops)

    def due(self, share: float | None = None) -> datetime | None:
        """When the case as a whole is due, or has used up its share of the time for a warning."""
        since, within, warn = self.started, None, 0.75
        for promise in self.journey.promises:
            if holds(promise.when, self.values()):
                within, warn = promise.within, promise.warn
                break
        if self.renewed:
            (since, within), warn = self.renewed, 0.75
        if within is None:
            return None
        return self.deadline(within, since, 1.0 if share is None else warn)

    def worked(self) -> float | None:
        stops = sorted(self.pauses + self.gaps)
        last = stops[-1][0] if stops else None
        stopped = self.completed or last
        if stopped is None:
            return None
        clock = self.world.clocks[self.calendar]
        total = clock.between(self.started, stopped)
        for start, end in stops:
            if start < stopped:
                total -= clock.between(start, min(end, stopped))
        return total.total_seconds()

    # The rows

    def step(self, place: int) -> dict | None:
        step = self.journey.steps[place]
        closing, failures = self.closed(step), self.failures(step)
        required, ready = self.required(step), self.ready(step)
        if not (required or closing or failures):
            return None
        told = self.until(good(self.meant_by(step)), self.end)
        alternative = self.alternative(step, closing, failures)
        done = len(self.counted(step, told)) if step.repeat else int(closing is not None)
        healed = bool(step.repeat and failures) and any(
            fact["at"] >= failures[-1][0]["at"]
            for run in self.runs_of(step, self.since_opened(step, told))
            for fact in run[: self.times(step)]
        )
        row = {
            "journey": self.journey.name,
            "case_id": self.case_id,
            "step": step.name,
            "system": alternative.system if alternative else step.system,
            "required": required,
            "ready_at": ready,
            "reopened_at": self.opened.get(step.name),
            "due_at": self.deadline(step.within, ready) if step.within and ready else None,
            "closed_at": closing and closing["at"],
            "closed_by": closing["fact_id"] if closing else "",
            "object_id": self.spoken_of(step, closing) if closing else "",
            "first_failed_at": min((f["at"] for f, _ in failures), default=None),
            "times": self.times(step),
            "done": done,
            "failures": acts([fact for fact, _ in failures]),
            "rework": self.told_acts(step, told) - done,
            "actor_type": (text(closing, "actor.type") or "") if closing else "",
            "message": self.failure_words(failures[-1][0]) if failures and not healed else "",
            "sampled": bool(closing and closing["sampled"]),
            "alternative": alternative.name if alternative else "",
        }
        self.world.steps[self.journey.name, self.case_id, step.name] = row
        reason = failures[-1][1] if failures and not healed else ""
        return row | {"reason": reason, "place": place, "person": step.performer == "person"}

    def alternative(self, step, closing: Fact | None, failures: list[tuple[Fact, str]]):
        """Which alternative closed the step, else which failed last; the first it could be."""
        tried = [closing] if closing else [fact for fact, _ in reversed(failures)]
        for fact in tried:
            for each in step.alternatives:
                done = self.matching(each.match) + self.matching(each.match, failed=True)
                if any(one["fact_id"] == fact["fact_id"] for one in done):
                    return each
        return None

    def spoken_of(self, step, closing: Fact) -> str:
        own, other = set(), set()
        for matcher in [m for s in self.journey.steps for m in s.match] + [
            *self.journey.start,
            *self.journey.cancel,
            *(self.journey.pause.since if self.journey.pause else ()),
            *(self.journey.pause.until if self.journey.pause else ()),
            *(m for rule in self.journey.reopen for m in rule.match),
            *(m for s in self.journey.steps for r in s.remedies for m in r.match),
            *(m for rule in self.journey.exceptions for m in (*rule.match, *rule.unless)),
        ]:
            for path in matcher.paths:
                for fact, object_id in self.world.facts_on(path, self.case_id):
                    same = fact["fact_id"] == closing["fact_id"]
                    if same and (fits(matcher, fact, False) or fits(matcher, fact, True)):
                        (own if path.kind == "self" else other).add(object_id)
        return min(other or own)

    def tell_exceptions(self, start: Fact, starts: list[Fact]) -> None:
        named = set()
        for rule in self.journey.exceptions:
            for fact in self.named_by(rule):
                named.add(fact["fact_id"])
                self.exception(rule.kind, fact, rule.step, self.words(rule, fact))
        for step in self.journey.steps:
            for remedy in step.remedies:
                for fact in self.tried(step, remedy):
                    named.add(fact["fact_id"])
                    kind = f"{remedy.kind}-failed"
                    self.exception(kind, fact, step.name, fact["message"])
        for step in self.journey.steps:
            for fact, _ in self.failures(step, ever=True):
                if fact["fact_id"] not in named:
                    self.exception("step-failed", fact, step.name, fact["message"])
        told = self.until(good(starts), self.end)
        missing = [
            field
            for field in self.journey.required_fields
            if not any(text(fact, field) for fact in told)
        ]
        if missing:
            self.exception("required-field-missing", start, "", ", ".join(missing))

    def tried(self, step, remedy) -> list[Fact]:
        """Note every attempt of this kind; those that failed."""
        failed = good(self.matching(remedy.match, failed=True))
        done = good(self.matching(remedy.match))
        for fact, succeeded in [(f, True) for f in done] + [(f, False) for f in failed]:
            if fact["at"] >= self.started:
                key = (self.journey.name, self.case_id, step.name, remedy.kind, fact["fact_id"])
                names = ("journey", "case_id", "step", "kind", "fact_id")
                row = dict(zip(names, key, strict=True)) | {"succeeded": succeeded}
                row |= {name: fact[name] for name in ("system", "at", "message")}
                self.world.remedies[key] = row
        return [fact for fact in failed if fact["at"] >= self.started]

    def exception(self, kind: str, fact: Fact, step: str, message: str) -> None:
        key = (self.journey.name, self.case_id, kind, fact["fact_id"])
        known = self.world.exceptions.get(key)
        if known is None or step < known["step"]:
            self.world.exceptions[key] = {
                "journey": self.journey.name,
                "case_id": self.case_id,
                "kind": kind,
                "fact_id": fact["fact_id"],
                "step": step,
                "system": fact["system"],
                "at": fact["at"],
                "message": message,
            }

    def tell_case(self, start: Fact, steps: list[dict]) -> None:
        waiting = [
            s for s in steps if s["required"] and s["ready_at"] and not s["closed_at"]
        ] if self.end == NEVER else []  # fmt: skip
        current = min(waiting, key=lambda s: (s["ready_at"], s["place"]), default=None)
        value = self.value(self.journey.value)
        reason, message = self.stuck(current)
        around = (Path(kind="self"), Path(kind="descendant"))
        facts = {f["fact_id"] for p in around for f, _ in self.world.facts_on(p, self.case_id)}
        self.world.cases[self.journey.name, self.case_id] = {
            "journey": self.journey.name,
            "case_id": self.case_id,
            "root_id": self.root_id,
            "version": self.journey.version,
            "started_at": self.started,
            "completed_at": self.completed,
            "cancelled_at": self.cancelled,
            "reopened_at": self.gaps[-1][1] if self.gaps else None,
            "reopenings": len(self.gaps),
            "ended_before_at": self.gaps[-1][0] if self.gaps else None,
            "ended_before_as": self.before,
            "paused_from": self.pauses[-1][0] if self.pauses else None,
            "paused_until": self.pauses[-1][1] if self.pauses else None,
            "warn_at": self.due(share=1),
            "due_at": self.due(),
            "known_at": start["received_at"],
            "business_seconds": self.worked(),
            "current_step": current["step"] if current else "",
            "current_since": current and current["ready_at"],
            "current_due_at": current and current["due_at"],
            "waiting_systems": sorted({s["system"] for s in waiting}),
            "stuck_reason": reason,
            "stuck_message": message,
            "value": value,
            "currency": self.values().get(self.journey.currency, ""),
            "root_value": self.value(self.journey.root_value),
            "root_currency": self.values().get(self.journey.root_currency, ""),
            "criticality": self.journey.criticality,
            "dimensions": {n: self.values().get(a) for n, a in self.journey.dimensions},
            "annotations": self.annotations(steps, value),
            "exceptions": sum(
                key[:2] == (self.journey.name, self.case_id) for key in self.world.exceptions
            ),
            "rework": sum(s["rework"] for s in steps),
            "facts": len(facts),
        }

    def values(self) -> dict[str, str]:
        return {name: value for name, (value, _) in self.known.items()}

    def value(self, name: str) -> Decimal | None:
        try:
            return Decimal(self.values()[name]).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        except (KeyError, ArithmeticError):
            return None

    def stuck(self, current: dict | None) -> tuple[str, str]:
        if current is None:
            return "", ""
        missing = [f for f in self.journey.required_fields if f not in self.known]
        if current["reason"]:
            return current["reason"], current["message"]
        if missing:
            return "required-field-missing", ", ".join(missing)
        return ("waiting-for-person" if current["person"] else ""), current["message"]

    def annotations(self, steps: list[dict], value: Decimal | None) -> list[str]:
        marks = set()
        everything = [*self.journey.start, *self.journey.cancel]
        if self.journey.pause:
            everything += [*self.journey.pause.since, *self.journey.pause.until]
        everything += [m for r in self.journey.exceptions for m in (*r.match, *r.unless)]
        everything += [m for rule in self.journey.reopen for m in rule.match]
        everything += [m for step in self.journey.steps for m in step.match]
        remedies = [m for s in self.journey.steps for r in s.remedies for m in r.match]
        facts = self.matching([*everything, *remedies])
        tried = [m for s in self.journey.steps for m in s.match] + remedies
        facts += self.matching(tried, failed=True)
        if any(not plausible(fact) for fact in facts):
            marks.add("implausible-time")
        if any(s["closed_at"] and s["ready_at"] and s["closed_at"] < s["ready_at"] for s in steps):
            marks.add("out-of-order")
        if any(s["closed_at"] and not s["ready_at"] for s in steps):
            marks.add("step-skipped")
        if any(f["at"] > f["received_at"] + timedelta(minutes=1) for f in good(facts)):
            marks.add("clock-ahead")
        if any(s["sampled"] for s in steps):
            marks.add("sampled")
        if value is None and self.journey.value in self.known:
            marks.add("value-unreadable")
        return sorted(marks)
