"""The executive's sentence names what matters first."""

from __future__ import annotations

from typing import Any

from threadline.wire import Kpi
from threadline.wire.verdict import verdict


def kpi(title: str, **told: Any) -> Kpi:
    usual: dict[str, Any] = {
        "kpi": title,
        "title": title,
        "description": "",
        "unit": "ratio",
        "n": 9,
        "direction": "lower",
        "state": "breached",
        "coverage": 1.0,
        "previous": None,
        "previous_n": None,
        "interval": None,
    }
    return Kpi(**usual | told)


def test_money_comes_first_then_what_misses_its_target_by_most_and_integrations_last():
    off = [
        kpi("A hop", group="integration", value=0.9, target=0.01),
        kpi("B rate", group="quality", value=0.2, target=0.1),
        kpi("C share", group="quality", value=0.6, target=0.9, direction="higher"),
        kpi("D late", group="quality", value=0.1, target=0.0),
        kpi("E money", group="money", unit="EUR", value=11.0, target=10.0),
    ]

    tone, words = verdict(off)
    _, fewer = verdict([one for one in off if one.title not in ("D late", "E money")])

    assert (tone, words.index("E money") < words.index("D late") < words.index("C share")) == (
        "bad",
        True,
    )
    assert "B rate" not in words
    assert fewer.index("C share") < fewer.index("B rate") < fewer.index("A hop")
