"""Sending what is due, once for each period, by however many processes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from alerts.receivers import Outcome
from alerts.receivers.smtp import Mailer
from threadline.api.services import ApiServices
from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.mail_sections import SummarySettings
from threadline.model.people import Principal
from threadline.store.control.watermarks import Watermarks
from threadline.summaries.deliveries import Deliveries
from threadline.summaries.ledger import Ledger
from threadline.summaries.letter import Letter
from threadline.summaries.schedule import decide, slot, wait
from threadline.summaries.writing import Office
from threadline.wire.summaries import SummaryDelivery

logger = logging.getLogger(__name__)

# Who reads a mail has proved nothing: a summary says what an executive may see.
READER = Principal(who="threadline", roles=frozenset({"executive"}))
_INTERRUPTED = "an attempt was interrupted while the mail server had it; it may have gone out"
_TOO_LATE = "half a period late: the next one tells more"


class Sending:
    """Sends through `mailer`."""

    def __init__(
        self,
        mailer: Mailer,
        office: Office,
        deliveries: Deliveries,
        watermarks: Watermarks,
        clock: Clock,
    ) -> None:
        self._mailer, self._office, self._deliveries = mailer, office, deliveries
        self._watermarks, self._clock = watermarks, clock

    def at_once(self, services: ApiServices, summary: SummarySettings, who: str) -> SummaryDelivery:
        """Send one because `who` asks for it; what is due by schedule is sent all the same."""
        now = self._clock.now()
        letter = self._office.write(_as_read(services), summary, now)
        return self._deliveries.record(summary.name, now, self._sent(summary, letter), who=who)

    def turn(self, services: ApiServices, summaries: Iterable[SummarySettings]) -> None:
        """Send what is due and not sent yet, by this process or another."""
        if services.rebuilding():  # figures of half an index would be wrong
            return
        for summary in summaries:
            try:
                self._look(services, summary)
            except ThreadlineError as error:
                logger.warning("the summary %s waits: %s", summary.name, error)

    def _look(self, services: ApiServices, summary: SummarySettings) -> None:
        now, ledger = self._clock.now(), Ledger(self._watermarks, summary.name)
        due, settled = slot(summary, self._office.clock, now), ledger.settled(now)
        decision = decide(due, settled, now)
        if decision == "too-late" and ledger.settle(due.due_at, settled):
            self._deliveries.given_up(summary.name, due.due_at, _TOO_LATE)
        until = now + wait(due, now)
        if decision != "due" or not ledger.claim(now, until):
            return
        went = self._attempted(services, summary, due.due_at, until)
        if went is None:
            return
        if went.delivered or went.unclear:
            ledger.settle(due.due_at, settled)
        else:
            ledger.take_back(due.due_at, until)
        self._deliveries.record(summary.name, due.due_at, went)

    def _attempted(
        self, services: ApiServices, summary: SummarySettings, due_at: datetime, until: datetime
    ) -> Outcome | None:
        """How an attempt went; None where it took so long that another process has taken over."""
        ledger = Ledger(self._watermarks, summary.name)
        if ledger.was_handed_over(due_at):
            return Outcome(delivered=False, reason=_INTERRUPTED, unclear=True)
        try:
            letter = self._office.write(_as_read(services), summary, due_at)
        except ThreadlineError as error:
            return Outcome(delivered=False, reason=str(error))
        if not ledger.hand_over(due_at, until, self._clock.now()):
            return None
        # The same for every attempt: servers know a letter by it that came before.
        return self._sent(summary, letter, f"summary.{summary.name}.{due_at:%Y%m%dT%H%M}")

    def _sent(self, summary: SummarySettings, letter: Letter, number: str = "") -> Outcome:
        contact = self._office.contact_of(summary)
        known = {"Message-ID": f"<{number}@{self._mailer.domain}>"} if number else {}
        return self._mailer.send(
            letter.subject,
            letter.text,
            letter.html,
            to=summary.to,
            images=letter.images,
            headers=_headers(contact) | known,
        )


def _as_read(services: ApiServices) -> ApiServices:
    return replace(services, asker=READER)


def _headers(contact: str) -> dict[str, str]:
    """No answers by machines, and where to ask for none of these any more (RFC 3834, RFC 2369)."""
    return {
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<mailto:{contact}?subject=unsubscribe>",
        "Reply-To": contact,
    }
