"""Summaries as they are set up: composed for whoever looks, sent when they are due."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter

from threadline.api.services import ApiServices
from threadline.clock import Clock
from threadline.errors import NotFound, ThreadlineError
from threadline.mail_sections import SummarySettings
from threadline.model.people import Principal
from threadline.store.control.audit import Audit
from threadline.store.control.watermarks import Watermarks
from threadline.summaries.content import gather
from threadline.summaries.deliveries import Deliveries
from threadline.summaries.drawing import draw
from threadline.summaries.ledger import Ledger
from threadline.summaries.letter import Letter, compose
from threadline.summaries.mail import Post, Sent
from threadline.summaries.schedule import Slot, decide, slot, wait
from threadline.wire.summaries import SummaryDelivery, SummaryLetter, SummaryRow

logger = logging.getLogger(__name__)

LOOK_SECONDS = 30
# Who reads a mail has proved nothing: a summary says what an executive may see.
READER = Principal(who="threadline", roles=frozenset({"executive"}))
_INTERRUPTED = "an attempt was interrupted while the mail server had it; it may have gone out"
_TOO_LATE = "half a period late: the next one tells more"


@dataclass(frozen=True, kw_only=True)
class Office:
    """Where summaries are written: what they link to, who takes addresses off, whose clocks."""

    dashboards: str
    contact: str
    clock: str


class Summaries:
    """All that are set up; `post` is None where no mail server is, so that none is sent."""

    def __init__(
        self,
        summaries: Sequence[SummarySettings],
        post: Post | None,
        office: Office,
        *,
        watermarks: Watermarks,
        audit: Audit,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        self._summaries = {one.name: one for one in summaries}
        self._post, self._office, self._clock = post, office, clock
        self._ledgers = {name: Ledger(watermarks, name) for name in self._summaries}
        self._deliveries = Deliveries(
            audit,
            clock,
            Counter(
                "threadline_summaries",
                "Attempts to send an executive summary, by how they went.",
                ["summary", "outcome"],
                registry=registry,
            ),
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
                next_at=slot(one, self._office.clock, now).next_at if self._post else None,
                deliveries=gone.get(name, []),
            )
            for name, one in self._summaries.items()
        ]

    def letter(self, services: ApiServices, name: str) -> SummaryLetter:
        """What would be sent now, with what the asker of `services` may see.

        Raises `NotFound` for a name that is not set up.
        """
        summary = self._known(name)
        letter = self._compose(services, summary, self._clock.now())
        return SummaryLetter(
            name=name,
            to=list(summary.to),
            subject=letter.subject,
            text=letter.text,
            html=letter.page,
        )

    def send(self, services: ApiServices, name: str, who: str) -> SummaryDelivery:
        """Send one now because `who` asks for it; what is due by schedule is sent all the same.

        Raises `NotFound` for a name that is not set up.
        """
        summary, now = self._known(name), self._clock.now()
        went = self._sent(summary, self._compose(_as_read(services), summary, now))
        return self._deliveries.record(name, now, went, who=who)

    def turn(self, services: ApiServices) -> None:
        """Send what is due and not sent yet, by this process or another."""
        if self._post is None or services.rebuilding():
            return
        for summary in self._summaries.values():
            try:
                self._look(services, summary)
            except ThreadlineError as error:
                logger.warning("the summary %s waits: %s", summary.name, error)

    def _look(self, services: ApiServices, summary: SummarySettings) -> None:
        now, ledger = self._clock.now(), self._ledgers[summary.name]
        due, settled = slot(summary, self._office.clock, now), ledger.settled(now)
        match decide(due, settled, now):
            case "too-late":
                if ledger.settle(due.due_at, settled):
                    self._deliveries.given_up(summary.name, due.due_at, _TOO_LATE)
            case "due" if ledger.claim(now, now + wait(due, now)):
                self._attempt(services, summary, due, settled)

    def _attempt(
        self, services: ApiServices, summary: SummarySettings, due: Slot, settled: datetime
    ) -> None:
        ledger, now = self._ledgers[summary.name], self._clock.now()
        if ledger.was_handed_over(due.due_at):
            went = Sent(reason=_INTERRUPTED, unclear=True)
        else:
            try:
                letter = self._compose(_as_read(services), summary, due.due_at)
            except ThreadlineError as error:
                self._deliveries.record(summary.name, due.due_at, Sent(reason=str(error)))
                return
            if not ledger.hand_over(due.due_at, now):
                return
            went = self._sent(summary, letter)
        if went.reason and not went.unclear:
            ledger.take_back(due.due_at, now + wait(due, now))
        else:
            ledger.settle(due.due_at, settled)
        self._deliveries.record(summary.name, due.due_at, went)

    def _compose(self, services: ApiServices, summary: SummarySettings, at: datetime) -> Letter:
        content = gather(services, summary, at)
        office = self._office
        contact = summary.contact or office.contact
        pictures = draw(content.trends)
        return compose(content, pictures, dashboards=office.dashboards, contact=contact)

    def _sent(self, summary: SummarySettings, letter: Letter) -> Sent:
        if self._post is None:
            return Sent(reason="no mail server is set: smtp.host in threadline.yaml names it")
        return self._post(
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            images=letter.images,
            to=summary.to,
            headers=_headers(summary.contact or self._office.contact),
        )

    def _known(self, name: str) -> SummarySettings:
        if name not in self._summaries:
            raise NotFound("summary", name)
        return self._summaries[name]


def _as_read(services: ApiServices) -> ApiServices:
    return replace(services, asker=READER)


def _headers(contact: str) -> Mapping[str, str]:
    """No answer by machines, and where to ask for none of these any more (RFC 3834, RFC 2369)."""
    return {
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<mailto:{contact}?subject=unsubscribe>",
        "Reply-To": contact,
    }
