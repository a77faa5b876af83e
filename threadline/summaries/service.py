"""Summaries as they are set up: shown to whoever asks, sent when they are due."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from alerts.receivers.smtp import Mailer
from metrics.kpis import FirmCalendar
from threadline.api.services import ApiServices
from threadline.clock import Clock
from threadline.errors import NoMailServer, NotFound, SettingsError
from threadline.mail_sections import SummarySettings
from threadline.store.control.audit import Audit
from threadline.store.control.watermarks import Watermarks
from threadline.summaries.deliveries import Deliveries
from threadline.summaries.schedule import slot
from threadline.summaries.sending import Sending
from threadline.summaries.writing import Office
from threadline.wire.summaries import SummaryDelivery, SummaryLetter, SummaryRow

LOOK_SECONDS = 30


class Summaries:
    """All that are set up; without a `mailer` they are shown and never sent.

    Raises `SettingsError` for a window that there is not.
    """

    def __init__(
        self,
        summaries: Sequence[SummarySettings],
        mailer: Mailer | None,
        office: Office,
        *,
        watermarks: Watermarks,
        audit: Audit,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        for one in summaries:
            _require_window(one, clock)
        self._summaries = {one.name: one for one in summaries}
        self._office, self._clock = office, clock
        counted = Counter(
            "threadline_summaries",
            "Attempts to send an executive summary, by how they went.",
            ["summary", "outcome"],
            registry=registry,
        )
        self._deliveries = Deliveries(audit, clock, counted)
        self._sending = (
            Sending(mailer, office, self._deliveries, watermarks, clock) if mailer else None
        )

    def rows(self) -> list[SummaryRow]:
        """Each summary, when it is due next and how the last attempts went."""
        now = self._clock.now()
        gone = self._deliveries.of_all()
        return [
            SummaryRow(
                name=name,
                every=one.every,
                to=list(one.to),
                next_at=slot(one, self._office.clock, now).next_at if self._sending else None,
                deliveries=gone.get(name, []),
            )
            for name, one in self._summaries.items()
        ]

    def letter(self, services: ApiServices, name: str) -> SummaryLetter:
        """What would be sent now, with what the asker of `services` may see.

        Raises `NotFound` for a name that is not set up.
        """
        summary = self._known(name)
        letter = self._office.write(services, summary, self._clock.now())
        return SummaryLetter(
            name=name,
            to=list(summary.to),
            subject=letter.subject,
            text=letter.text,
            html=letter.page,
        )

    def send(self, services: ApiServices, name: str, who: str) -> SummaryDelivery:
        """Send one now because `who` asks for it.

        Raises `NotFound` for a name that is not set up, `NoMailServer` where none is.
        """
        summary = self._known(name)
        if self._sending is None:
            raise NoMailServer
        return self._sending.at_once(services, summary, who)

    def turn(self, services: ApiServices) -> None:
        """Send what is due and not sent yet."""
        if self._sending is not None:
            self._sending.turn(services, self._summaries.values())

    def _known(self, name: str) -> SummarySettings:
        if name not in self._summaries:
            raise NotFound("summary", name)
        return self._summaries[name]


def _require_window(summary: SummarySettings, clock: Clock) -> None:
    try:
        FirmCalendar().named(summary.covers, clock.now())
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"setting summaries, {summary.name}: window: {error}") from error
