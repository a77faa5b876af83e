"""What belongs elsewhere after all: moved amendments, numbers given out again, words taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from threadline.simulator.acts import CLM, ERP, PROCUREMENT, PSA, Act, Event, Value

DAY = timedelta(days=1)
NUMBER = "purchase_order.number"


def run(acts: Sequence[Act], share: int) -> Iterator[Act]:
    """One amendment and one purchase order in `share` goes over to the contract before its own.

    Nothing is drawn, so that a world with moves is but for these acts the same as without them.
    """
    told = [act for act in acts if isinstance(act, Event) and not act.phantom and act.told is None]
    contracts = sorted({act.of for act in told} - {""})
    before = dict(zip(contracts[1:], contracts[:-1], strict=True))
    for act in told if share else ():
        to = before.get(act.of, "")
        if to and act.type == "clm.amendment.approved":
            yield from _moved(act, to) if _chosen(act, share) else ()
            yield from _taken_back(act, to) if _chosen(act, share, 1) else ()
            yield from _denied(act) if _chosen(act, share, 2) else ()
        if to and act.type == "procurement.request.created" and _chosen(act, share):
            yield from _given_out_again(act, to)


def _chosen(act: Event, share: int, after: int = 0) -> bool:
    return (int(act.of.removeprefix("C-")) - after) % share == 0


def _moved(approved: Event, to: str) -> Iterator[Act]:
    """The CLM moves an amendment from the next day on; the ERP hears of it, then the PSA."""
    name = {"amendment.id": approved.data["amendment.id"]}
    since = approved.at + 3 * DAY
    said = {**name, "contract.id": to, "amendment.valid_from": _written(since)}
    yield _event(approved, CLM, "clm.amendment.moved", since - DAY, said)
    after = {**name, "contract.id": to}
    yield _event(approved, ERP, "erp.billing_schedule.updated", since + DAY, after)
    yield _event(approved, PSA, "psa.project.updated", since + 2 * DAY, name)


def _taken_back(approved: Event, to: str) -> Iterator[Act]:
    """The CLM finds that the amendment is another contract's; the PSA had said so, and said not."""
    name = {"amendment.id": approved.data["amendment.id"]}
    own, other = ({**name, "contract.id": contract} for contract in (approved.of, to))
    hour = DAY / 24
    yield _event(approved, PSA, "psa.budget.copied", approved.at - hour, other)
    yield _event(approved, PSA, "link.retracted", approved.at + hour, other)
    yield _event(approved, CLM, "link.retracted", approved.at + DAY, own)
    yield _event(approved, CLM, "clm.amendment.corrected", approved.at + DAY + hour, other)


def _denied(approved: Event) -> Iterator[Act]:
    """The CLM takes an amendment back and confirms it; then the PSA takes it back too."""
    said = {"amendment.id": approved.data["amendment.id"], "contract.id": approved.of}
    yield _event(approved, CLM, "link.retracted", approved.at + DAY, said)
    yield _event(approved, CLM, "clm.amendment.confirmed", approved.at + DAY * 1.1, said)
    yield _event(approved, PSA, "link.retracted", approved.at + DAY * 2, said)


def _given_out_again(created: Event, to: str) -> Iterator[Act]:
    """Procurement gives the number of an old order to another contract."""
    since = created.at + 12 * DAY
    number = {NUMBER: created.data[NUMBER]}
    said = {**number, "contract.id": to, "purchase_order.valid_from": _written(since)}
    yield _event(created, PROCUREMENT, "procurement.request.created", since, said)
    yield _event(created, PROCUREMENT, "procurement.order.issued", since + DAY, number)


def _event(after: Event, service: str, name: str, at: datetime, data: Mapping[str, Value]) -> Event:
    return Event(
        id=f"{after.id}-{service}-{name}",
        service=service,
        type=name,
        at=at,
        data={**data, "actor.type": "integration"},
        of=after.of,
        sure=True,
    )


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
