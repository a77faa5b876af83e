"""What does not belong to one contract: the nightly batch over many, and projects nobody claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from threadline.simulator.acts import CLM, ERP, Act, Event, Span

BATCH = "erp.rates.revalued"
MEMBERS = 12


def run(random: Random, acts: Sequence[Act], now: datetime) -> Iterator[Act]:
    """Last night's batch over the latest rate cards: one shared span, a child for each project.

    The children link to the spans that had created the rate cards.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    cards = [
        a
        for a in acts
        if isinstance(a, Span) and a.service == ERP and a.name == "erp.rate_card.created"
    ]
    latest = sorted((c for c in cards if c.at < midnight), key=lambda card: card.at)[-MEMBERS:]
    if not latest:
        return
    trace = random.getrandbits(128) | 1
    batch = Span(
        key="nightly",
        service=ERP,
        name="batch rates revaluation",
        role="consumer",
        started_at=midnight,
        ended_at=midnight + timedelta(seconds=len(latest) + 5),
        trace_id=trace,
        attributes={
            "batch.id": f"RATES-{midnight:%Y%m%d}",
            "erp.project.id": tuple(str(card.attributes["erp.project.id"]) for card in latest),
        },
    )
    yield batch
    for second, card in enumerate(latest):
        start = midnight + timedelta(seconds=second)
        yield Span(
            key=f"nightly/{second}",
            service=ERP,
            name=BATCH,
            started_at=start,
            ended_at=start + timedelta(milliseconds=800),
            parent=batch.key,
            attributes={"erp.project.id": card.attributes["erp.project.id"]},
            links=(card.key,),
        )


def renewal(random: Random, acts: Sequence[Act], now: datetime, contracts: int) -> Iterator[Act]:
    """Ten days before the end many contracts are renewed in one trace, an amendment for each.

    Whoever instrumented the run gave the batch above them all the name of the children's step.
    """
    at = now - timedelta(days=10)
    approved = [
        act
        for act in acts
        if isinstance(act, Event) and act.type == "clm.contract.approved" and not act.phantom
    ]
    chosen = [act for act in approved if act.at < at - timedelta(days=2)][-contracts or len(acts) :]
    if not chosen:
        return
    batch = Span(
        key="renewal",
        service=CLM,
        name="clm.amendment.approved",
        started_at=at,
        ended_at=at + timedelta(seconds=2),
        trace_id=random.getrandbits(128) | 1,
        attributes={
            "contract.id": tuple(str(act.data["contract.id"]) for act in chosen),
            "amendment.id": tuple(f"R-{act.of.removeprefix('C-')}" for act in chosen),
        },
    )
    yield batch
    for second, act in enumerate(chosen, 3):
        start = at + timedelta(seconds=second)
        terms = ("contract.id", "contract.region", "contract.business_unit")
        yield Span(
            key=f"renewal/{second}",
            service=CLM,
            name="clm.amendment.approved",
            started_at=start,
            ended_at=start + timedelta(milliseconds=700),
            parent=batch.key,
            attributes={
                **{name: act.data[name] for name in terms},
                "amendment.id": f"R-{act.of.removeprefix('C-')}",
                "amendment.kind": "scope",
                "amendment.value": "1000.00",
                "amendment.currency": act.data["contract.currency"],
                "actor.type": "integration",
            },
            of=act.of,
        )
    yield Span(
        key="renewal/report",
        service=CLM,
        name="write report",
        started_at=at + timedelta(seconds=1),
        ended_at=at + timedelta(seconds=2),
        parent=batch.key,
    )


def orphans(now: datetime) -> Iterator[Act]:
    """Two projects whose contracts no system ever names."""
    for number in (9_991, 9_992):
        yield Event(
            id=f"orphan-{number}",
            service=ERP,
            type="erp.billing_schedule.created",
            at=now - timedelta(days=number - 9_985, hours=3),
            data={"erp.project.id": f"P-{number:05d}", "actor.type": "integration"},
        )
