"""Whether somebody wanted nobody to be told: pure functions of silences, labels and the time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from threadline.model.silences import LABELS, Matcher, Operator, Silence

LONGEST = timedelta(days=90)
MOST_MATCHERS = 20
_WRITTEN = re.compile(r"\s*([a-z_]+)\s*(=~|!~|!=|=)\s*(\"[^\"]*\"|[^\"\s].*?|)\s*")


def muting(silences: Iterable[Silence], labels: Mapping[str, str], at: datetime) -> Silence | None:
    """The silence that keeps an incident with these labels from being told at `at`.

    Of several the one that lasts longest: until then nothing has to be decided anew.
    """
    held = [silence for silence in silences if silence.mutes(labels, at)]
    return max(held, key=lambda silence: (silence.until, silence.id), default=None)


def parse(text: str) -> Matcher:
    """A matcher as it is written: `system="erp"`, `journey=~"billing|dunning"`, `step != pay`.

    Raises `ValueError` saying what it is not.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no matcher, such as system="erp" or journey=~"a|b"')
    label, op, value = found.groups()
    return Matcher(label=label, op=cast("Operator", op), value=value.strip('"'))


def of_matchers(matchers: Sequence[Matcher]) -> Iterator[str]:
    """What is wrong with these, if anything."""
    for matcher in matchers:
        if matcher.label not in LABELS:
            yield f"{matcher.label!r} is no label of an incident (known: {', '.join(LABELS)})"
    if len(matchers) > MOST_MATCHERS:
        yield f"at most {MOST_MATCHERS} matchers, all of which have to hold"
    if not any(matcher.narrows for matcher in matchers):
        yield 'it would mute everything: a matcher has to name what is meant, such as system="erp"'


def of_span(starts_at: datetime, ends_at: datetime, now: datetime) -> Iterator[str]:
    """What is wrong with a time to be silent, if anything."""
    if ends_at <= starts_at:
        yield "ends_at: has to be after starts_at"
    elif ends_at <= now:
        yield "ends_at: is past already"
    elif ends_at - max(starts_at, now) > LONGEST:
        yield f"ends_at: it lasts {LONGEST.days} days at most"
