"""Whom to tell and whether: definitions, and what people have decided since, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.duty.rota import Rota, on_duty
from alerts.maintenance.windows import Maintenance
from alerts.muting import Muting
from threadline.errors import NotFound
from threadline.store.control.overrides import Overrides
from threadline.store.control.silences import Silences


class OnCall:
    """Answers for an instant, each from what is stored at the moment of asking.

    Raises `NotFound` for a rota that there is not, `ControlUnavailable` as the store does.
    """

    def __init__(
        self,
        rotas: Mapping[str, Rota],
        maintenance: Sequence[Maintenance],
        silences: Silences,
        overrides: Overrides,
    ) -> None:
        self._rotas, self._maintenance = rotas, maintenance
        self._silences, self._overrides = silences, overrides

    def muted(self, labels: Mapping[str, str], at: datetime) -> datetime | None:
        """Until when nobody is told about an incident with these labels; None: somebody is."""
        mute = Muting(self._silences.standing(at), self._maintenance).of(labels, at)
        return mute.until if mute else None

    def on_duty(self, rota: str, at: datetime) -> tuple[str, ...]:
        """The receivers (`policy/receiver`) of whoever is on duty; empty where nobody is."""
        return on_duty(self._named(rota), at, self._overrides.since(at)).receivers

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
