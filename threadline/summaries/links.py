"""Whole addresses of pages: a letter is read elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from threadline.wire import Kpi


@dataclass(frozen=True, kw_only=True)
class Links:
    """Pages of the dashboards at `address`, in the window and journey of a summary."""

    address: str
    window: str
    journey: str

    def executive(self, as_of: datetime | None = None) -> str:
        """The executive page, perhaps as of a past instant."""
        return self._page("", as_of=as_of.isoformat() if as_of else "")

    def kpi(self, kpi: Kpi, by: str = "") -> str:
        """What is behind a KPI, perhaps cut by a dimension."""
        return self._page("kpi", kpi=kpi.kpi, currency=kpi.currency, by=by)

    def contract(self, identifier: str) -> str:
        """The contract of any identifier."""
        return f"{self.address}/contract?{urlencode({'id': identifier})}"

    def _page(self, name: str, **more: str) -> str:
        asked = {**more, "window": self.window, "journey": self.journey}
        return f"{self.address}/{name}?" + urlencode({k: v for k, v in asked.items() if v})
