"""Escalation as policies declare it: whom to tell, when, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alerts.durations import duration
from alerts.escalation import Escalation, EscalationStep, Reach
from threadline.definitions import Document
from threadline.errors import DefinitionError

ROTA = "rota:"


def declared(document: Document, there: set[str]) -> Escalation:
    """The escalation of a policy file that fits its schema; only receivers that are `there`."""
    content = document.content
    repeat, back = content.get("repeat"), content.get("flapping", {})
    times: dict[str, Any] = {
        name: duration(given)
        for name, given in (
            ("every", repeat["every"] if repeat else None),
            ("lapses", content.get("acknowledgement", {}).get("lapses")),
            ("grace", content.get("grace")),
            ("flapping", back.get("within")),
            ("steady", back.get("steady")),
        )
        if given is not None
    }
    counts = {"times": repeat["times"]} if repeat else {}
    counts |= {"flaps": back["reopened"]} if "reopened" in back else {}
    return Escalation(
        steps=tuple(_step(raw, content["policy"], there) for raw in content["escalation"]),
        **{**times, **counts},
    )


def faults(document: Document, rotas: Mapping[str, bool]) -> Iterator[DefinitionError]:
    """What the schema cannot say of the steps; `rotas` by name, and whether each has hours."""
    before = timedelta(0)
    for index, step in enumerate(document.content["escalation"]):
        after = duration(step["after"])
        if after < before:
            rule = "must not be sooner than the step before it"
            yield document.error(["escalation", index, "after"], rule)
        before = after
        if (hours := step.get("hours")) is not None and not rotas.get(hours):
            rule = f"no rota {hours!r} has business hours"
            yield document.error(["escalation", index, "hours"], rule)
        for place, name in enumerate(step["receivers"]):
            path = ("escalation", index, "receivers", place)
            if name.startswith(ROTA):
                if name.removeprefix(ROTA) not in rotas:
                    yield document.error(path, f"no rota is called {name.removeprefix(ROTA)!r}")
            elif name not in document.content["receivers"]:
                yield document.error(path, f"{name!r} is not among this policy's receivers")


def _step(raw: Mapping[str, Any], policy: str, there: set[str]) -> EscalationStep:
    names = [name if name.startswith(ROTA) else f"{policy}/{name}" for name in raw["receivers"]]
    return EscalationStep(
        after=duration(raw["after"]),
        receivers=tuple(name for name in names if name.startswith(ROTA) or name in there),
        criticality=frozenset(raw.get("criticality", ())),
        hours=raw.get("hours", ""),
        reach=_reach(raw["at-least"]) if "at-least" in raw else None,
    )


def _reach(raw: Mapping[str, Any]) -> Reach:
    worth = {unit: Decimal(str(total)) for unit, total in raw.get("worth", {}).items()}
    return Reach(cases=raw.get("cases"), breached=raw.get("breached"), worth=worth)
