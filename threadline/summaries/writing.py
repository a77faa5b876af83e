"""From the figures to a letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from threadline.api.services import ApiServices
from threadline.mail_sections import SummarySettings
from threadline.summaries.content import gather
from threadline.summaries.drawing import draw
from threadline.summaries.letter import Letter, compose


@dataclass(frozen=True, kw_only=True)
class Office:
    """Where summaries are written: what they link to, whose clocks count, and who takes an address
    off a list where the summary names nobody.
    """

    dashboards: str
    contact: str
    clock: str

    def contact_of(self, summary: SummarySettings) -> str:
        """Whom its readers write to, to stop getting it."""
        return summary.contact or self.contact

    def write(self, services: ApiServices, summary: SummarySettings, at: datetime) -> Letter:
        """The letter due at `at`, with what the asker of `services` may see; raises what asking
        for the figures raises.
        """
        content = gather(services, summary, at)
        pictures = draw(content.trends)
        contact = self.contact_of(summary)
        return compose(content, pictures, dashboards=self.dashboards, contact=contact)
