"""Cutting a schedule down to what still breaks the same rule."""

from __future__ import annotations

import logging
from dataclasses import replace

from simulation.play import Play, Schedule

_PLAYS = 150


def minimised(schedule: Schedule) -> Schedule:
    """The schedule without acts that do not matter; one that breaks no rule stays as it is."""
    logging.disable(logging.CRITICAL)
    rules = {finding.rule for finding in Play(schedule).run()}
    left, size = _PLAYS, max(len(schedule.acts) // 2, 1)
    while rules and size and left > 0:
        at = 0
        while at < len(schedule.acts) and left > 0:
            acts = schedule.acts[:at] + schedule.acts[at + size :]
            shorter, left = replace(schedule, acts=acts), left - 1
            if rules & {finding.rule for finding in Play(shorter).run()}:
                schedule = shorter
            else:
                at += size
        size //= 2
    return schedule
