"""What is said of cases that were lost or re-opened, and of steps done again or in parts."""

from __future__ import annotations

from threadline.wire.cases import Attempt, CaseRow, Lost, Step
from threadline.wire.phrases import instant, moment, sentence


def reopened(case: CaseRow) -> str:
    """When a case went on that had ended, in one sentence; '' where it never did."""
    if case.reopened_at is None:
        return ""
    times = f", the last of {case.reopenings} times" if case.reopenings > 1 else ""
    ended = f", after it had ended {instant(case.ended_before_at)}"
    return f"Re-opened {instant(case.reopened_at)}{times}{ended}."


def lost(one: Lost) -> str:
    """Between which systems a case was lost, in two sentences."""
    seen = f"{sentence(one.last)} saw it last ({one.name}, {instant(one.at)})"
    if one.last == one.to:
        where = f"{seen}: it got there, and neither success nor failure has come of it since."
    else:
        where = f"Lost on the way from {one.last} to {one.to}. {seen}; {one.to} never did."
    if not one.passed:
        return f"{where} No other case has come through since."
    cases = "1 other case has" if one.passed == 1 else f"{one.passed:,} other cases have"
    return f"{where} {cases} come through since, the last {instant(one.passed_at)}."


def lost_briefly(one: Lost) -> str:
    """Between which systems a case was lost, in a few words."""
    if one.last == one.to:
        return f"It reached {one.to}, and nothing has come of it since."
    return f"Lost on the way from {one.last} to {one.to}."


def again(step: Step) -> str:
    """What was done more than once, or has to be: '' where nothing was."""
    since = moment(step.reopened_at)[:16]
    if step.reopened_at and not step.closed_at:
        return f"has to be done again since {since}"
    said = [f"done again {step.rework}×"] if step.rework else []
    return "; ".join([*said, *([f"re-opened {since}"] if step.reopened_at else [])])


def progress(step: Step) -> str:
    """How far a step is that has to be done several times: `2 of 3`; '' for others."""
    if step.times == 1:
        return ""
    return f"{step.done} of {'an unknown number' if step.times is None else step.times}"


def attempts(step: Step) -> list[str]:
    """How often and when it was tried to put a step right, one line each."""
    return [_attempt(one) for one in step.attempts]


def _attempt(one: Attempt) -> str:
    how = "succeeded" if one.succeeded else "failed"
    said = f": {one.message}" if one.message and not one.succeeded else ""
    return f"{one.kind} {how} {moment(one.at)[:16]}{said}"
