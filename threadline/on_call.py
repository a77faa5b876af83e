"""Whom to tell and whether: definitions, and what people have decided since, put together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from alerts.duty.rota import Rota, on_duty
from alerts.muting import Muting
from alerts.telling import Surroundings
from threadline.activation import Active
from threadline.errors import NotFound
from threadline.store.control.overrides import Overrides
from threadline.store.control.silences import Silences


class OnCall:
    """Answers for an instant, each from what is stored at the moment of asking.

    Raises `NotFound` for a rota that there is not, which no policy that was loaded names, and
    `ControlUnavailable` as the store does.
    """

    def __init__(self, active: Active, silences: Silences, overrides: Overrides) -> None:
        self._rotas, self._maintenance = active.rotas.by_name, active.windows.all
        self._there = {receiver.name for receiver in active.policies.receivers}
        self._silences, self._overrides = silences, overrides

    @property
    def surroundings(self) -> Surroundings:
        """It, as escalation asks it."""
        return Surroundings(
            muted=self.muted, silences=self.silences, opens=self.opens, on_duty=self.on_duty
        )

    def muted(self, labels: Mapping[str, str], at: datetime) -> datetime | None:
        """Until when nobody is told about an incident with these labels; None: somebody is."""
        mute = Muting(self._silences.standing(at), self._maintenance).of(labels, at)
        return mute.until if mute else None

    def silences(self, at: datetime) -> frozenset[str]:
        """The ids of all that keep somebody from being told, maintenance windows too."""
        return Muting(self._silences.standing(at), self._maintenance).in_force(at)

    def on_duty(self, rota: str, at: datetime) -> tuple[str, ...]:
        """The receivers (`policy/receiver`) of whoever is on duty, but for those left out.

        Empty where nobody is.
        """
        duty = on_duty(self._named(rota), at, self._overrides.since(at))
        return tuple(name for name in duty.receivers if name in self._there)

    def opens(self, rota: str, at: datetime) -> datetime:
        """The first instant from `at` on within the business hours of a rota.

        One without hours, or with hours that never come, keeps nobody waiting.
        """
        hours = self._named(rota).hours
        return (hours.next_open(at) if hours else None) or at

    def _named(self, rota: str) -> Rota:
        if rota not in self._rotas:
            raise NotFound("rota", rota)
        return self._rotas[rota]
