"""Who is on duty, in words; instants as the clock of the rota shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.duty import wall_clock
from alerts.duty.rota import LOOK, Duty, Rota
from threadline.zones import zone


def told(rota: Rota, now: Duty, following: Duty | None) -> str:
    """Who is on duty, why if somebody decided it, until when, and who follows."""
    on = _on_duty(now.members)
    if now.override is not None:
        on += f" instead ({now.override.why})" if now.override.why else " instead"
    if now.until is None or following is None:
        return f"{on}; nothing changes for {LOOK.days} days"
    return f"{on} until {shown(rota, now.until)}; then {_names(following.members)}"


def shown(rota: Rota, at: datetime) -> str:
    """`Mon 30 Mar 2026 09:00 (Europe/Berlin)`."""
    return f"{wall_clock.shown(at, zone(rota.zone)):%a %d %b %Y %H:%M} ({rota.zone})"


def _on_duty(members: Sequence[str]) -> str:
    return f"{_names(members)} {'are' if len(members) > 1 else 'is'} on duty"


def _names(members: Sequence[str]) -> str:
    return " and ".join(members) or "nobody"
