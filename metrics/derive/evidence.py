"""Which facts say something about which case.

Facts come in few shapes (name, system, kind, outcome), so matchers are held against the shapes, and
one join carries the verdicts to the facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from metrics.derive.payloads import text_of
from metrics.derive.scopes import in_scope, scopes
from metrics.derive.told import Told
from threadline.model.journeys import Journey, Step
from threadline.model.matching import Matcher, Path, Predicate

Part = Literal[
    "start",
    "cancel",
    "pause",
    "resume",
    "reopen",
    "step",
    "failed",
    "exception",
    "answer",
    "remedy",
    "unremedied",
]
PART = pl.Enum(get_args(Part))
_TRYING: tuple[Part, Part] = ("step", "failed")
_ANSWERING: tuple[Part, Part] = ("exception", "answer")
OUTCOMES = {"success": ("ok", "unset"), "ok": ("ok",), "error": ("error",)}


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a fact that matches means; `index` says of which step or exception rule."""

    part: Part
    matcher: Matcher
    index: int = 0
    alternative: int = 0  # counted from 1; none: 0


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What matched.

    `links`: one row per case, part, index and fact (`fact` numbers them in the order of their ids),
    with at, kind and plausible. `facts`: all facts, those of `Told`. `objects`: which objects a
    fact spoke of: case, fact, object_id and `own`, whether that is the case's own. `answered`:
    which exceptions are none, because a fact speaks of the same object that the rule's `unless`
    means: case, index, fact. `alternatives`: the first of a step's alternatives that a fact is:
    case, index, fact, alternative (from 1). `words`: what the comparison of an exception rule
    found: case, index, fact, words; None where no rule compares.
    """

    links: pl.DataFrame
    facts: pl.DataFrame
    objects: pl.DataFrame
    answered: pl.DataFrame
    alternatives: pl.DataFrame
    words: pl.DataFrame | None = None

    def of(self, *parts: Part) -> pl.DataFrame:
        """The plausible links that play these parts."""
        return self.links.filter("plausible", pl.col("part").is_in(parts))


def roles(journey: Journey) -> Iterator[Role]:
    """Every role that a fact can play in `journey`."""
    yield from (Role(part="start", matcher=matcher) for matcher in journey.start)
    yield from (Role(part="cancel", matcher=matcher) for matcher in journey.cancel)
    if journey.pause:
        yield from (Role(part="pause", matcher=matcher) for matcher in journey.pause.since)
        yield from (Role(part="resume", matcher=matcher) for matcher in journey.pause.until)
    for index, rule in enumerate(journey.reopen):
        yield from (Role(part="reopen", matcher=each, index=index) for each in rule.match)
    for index, step in enumerate(journey.steps):
        for alternative, matcher in _numbered(step):
            for part in _TRYING:
                yield Role(part=part, matcher=matcher, index=index, alternative=alternative)
    for number, (index, remedy) in enumerate(journey.remedies):
        for matcher in remedy.match:
            yield Role(part="remedy", matcher=matcher, index=number)
            yield Role(part="unremedied", matcher=matcher, index=number)
            yield Role(part="failed", matcher=matcher, index=index)
            if remedy.closes:
                yield Role(part="step", matcher=matcher, index=index)
    for index, failure in enumerate(journey.exceptions):
        yield from (Role(part="exception", matcher=each, index=index) for each in failure.match)
        yield from (Role(part="answer", matcher=each, index=index) for each in failure.unless)


def _numbered(step: Step) -> list[tuple[int, Matcher]]:
    if not step.alternatives:
        return [(0, matcher) for matcher in step.match]
    numbered = enumerate(step.alternatives, start=1)
    return [(number, matcher) for number, each in numbered for matcher in each.match]


def evidence(journey: Journey, known: Told, cases: pl.DataFrame) -> Evidence:
    """All that plays a role in a case of `journey`, plausible or not."""
    played = list(roles(journey))
    paths = tuple({path: None for role in played for path in role.matcher.paths})
    found = (
        _matched(known, played)
        .join(_allowed(played, paths), on="role")
        .join(scopes(paths, cases, known), on=["object_id", "path"])
        .filter(in_scope())
    )
    kinds = known.facts["kind"].gather(found["fact"])
    links = found.select("case", "part", "index", "fact", "at", "plausible", kind=kinds)
    return Evidence(
        links=links.unique(["case", "part", "index", "fact"]),
        facts=known.facts,
        objects=found.select("case", "fact", "object_id", "own"),
        answered=_answered(found, known),
        alternatives=found.filter(pl.col("alternative") > 0)
        .group_by("case", "index", "fact")
        .agg(pl.col("alternative").min()),
    )


def holds(predicates: Iterable[Predicate], value: Callable[[str], pl.Expr] = pl.col) -> pl.Expr:
    """Whether all predicates hold, given the expression that yields an attribute's text."""
    result = pl.lit(True)
    for predicate in predicates:
        text = value(predicate.attribute)
        if set(predicate.values) <= {"true", "false"}:
            text = text.str.to_lowercase()
        result &= text.is_in(predicate.values).fill_null(False)
    return result


def _answered(found: pl.DataFrame, known: Told) -> pl.DataFrame:
    told, answers = (found.filter("plausible", pl.col("part") == each) for each in _ANSWERING)
    spoken = known.mentions.select("fact", "object_id")
    met = answers.select("case", "index", "fact").unique().join(spoken, on="fact")
    answered = told.join(met, on=["case", "index", "object_id"], how="semi")
    return answered.select("case", "index", "fact").unique()


def _matched(known: Told, played: list[Role]) -> pl.DataFrame:
    """Mentions by facts that fit a role: role, fact, object_id, at, plausible, received_at."""
    verdicts = [
        known.shapes.filter(_fits(role)).select("shape", role=pl.lit(number, pl.UInt16))
        for number, role in enumerate(played)
    ]
    matched = known.mentions.join(pl.concat(verdicts), on="shape").drop("shape")
    parts = []
    for number, role in enumerate(played):
        matcher = role.matcher
        if not (matcher.object_type or matcher.where):
            continue
        part = matched.filter(role=number)
        matched = matched.filter(pl.col("role") != number)
        if matcher.object_type:
            part = part.filter(object_type=matcher.object_type)
        if matcher.where:
            part = part.filter(_where(matcher, known.facts["payload"].gather(part["fact"])))
        parts.append(part)
    return pl.concat([matched, *parts]).drop("object_type")


def _where(matcher: Matcher, payloads: pl.Series) -> pl.Expr:
    return holds(matcher.where, lambda name: pl.lit(text_of(payloads, name)))


def _fits(role: Role) -> pl.Expr:
    matcher, outcome = role.matcher, role.matcher.outcome
    fits = _named("name", matcher.names)
    if matcher.systems:
        fits &= _named("system", matcher.systems)
    if matcher.kind != "any":
        fits &= pl.col("kind") == matcher.kind
    if role.part in ("failed", "unremedied"):
        return fits & (pl.col("outcome") == "error") & (outcome not in ("error", "any"))
    return fits if outcome == "any" else fits & pl.col("outcome").is_in(OUTCOMES[outcome])


def _named(column: str, patterns: tuple[str, ...]) -> pl.Expr:
    plain = [pattern for pattern in patterns if "*" not in pattern]
    named = pl.col(column).is_in(plain)
    for pattern in patterns:
        if "*" in pattern:
            expression = ".*".join(re.escape(part) for part in pattern.split("*"))
            named |= pl.col(column).str.contains(f"^(?s:{expression})$")
    return named


def _allowed(played: list[Role], paths: tuple[Path, ...]) -> pl.DataFrame:
    rows = [
        (number, paths.index(path), role.part, role.index, path.kind == "self", role.alternative)
        for number, role in enumerate(played)
        for path in role.matcher.paths
    ]
    schema: dict[str, pl.DataType] = {
        "role": pl.UInt16(),
        "path": pl.UInt8(),
        "part": PART,
        "index": pl.UInt16(),
        "own": pl.Boolean(),
        "alternative": pl.UInt8(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
