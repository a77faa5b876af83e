"""What is put right afterwards: payments that were returned, invoices that stood on old terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from threadline.simulator.acts import BILLING, Act, Event, Row, Value

DAY = timedelta(days=1)
LOCKED = "the period of the invoice is closed"


def run(acts: Sequence[Act], returned: int, compensated: int) -> Iterator[Act]:
    """One payment in `returned` is taken back, one invoice in `compensated` of those on old terms
    gets a compensating entry; 0: none.

    Nothing is drawn, so that a world with remedies is but for these acts the same as without them.
    """
    payments = [act for act in acts if isinstance(act, Row) and "Rechnung" in act.cells]
    payments.sort(key=lambda act: (act.at, act.cells["Referenz"]))
    for payment in payments[returned - 1 :: returned] if returned else ():
        yield from _returned(payment)
    stale = sorted(_stale(acts), key=lambda pair: (pair[1].at, pair[0].id))
    for place, pair in enumerate(stale[:: compensated or 1] if compensated else ()):
        yield from _compensated(*pair, refused=place % 3 == 1)


def _returned(payment: Row) -> Iterator[Act]:
    """The bank takes a payment back within days; mostly the customer pays again."""
    invoice, at = payment.cells["Rechnung"], payment.at + 4 * DAY
    said = {"invoice.number": invoice, "error.message": "returned unpaid"}
    yield _event(payment, BILLING, "billing.payment.reversed", at, said, invoice)
    if sum(map(ord, invoice)) % 4:
        again = {**payment.cells, "Referenz": f"{payment.cells['Referenz']}-2"}
        yield replace(payment, at=at + 6 * DAY, cells=again)


def _stale(acts: Sequence[Act]) -> Iterator[tuple[Event, Event]]:
    """Every amendment of billing terms, with each invoice issued before the ERP knew of it."""
    told = [act for act in acts if isinstance(act, Event) and not act.phantom]
    updated = {
        act.data.get("amendment.id"): act.at
        for act in reversed(told)
        if act.type == "erp.billing_schedule.updated"
    }
    issued = [act for act in told if act.type == "erp.invoice.issued"]
    for act in told:
        terms = act.data.get("amendment.kind") == "billing_terms"
        if act.type == "clm.amendment.approved" and terms:
            until = updated.get(act.data["amendment.id"], act.at)
            for invoice in issued:
                if invoice.of == act.of and act.at <= invoice.at < until:
                    yield act, invoice


def _compensated(amendment: Event, invoice: Event, *, refused: bool) -> Iterator[Act]:
    """The ERP posts an entry that sets the invoice right; it may be `refused` at first."""
    numbers = ("invoice.number", "s4.invoice.number")
    own = {name: invoice.data[name] for name in numbers if name in invoice.data}
    said = {"amendment.id": amendment.data["amendment.id"], **own}
    at, key = invoice.at + 3 * DAY, f"{amendment.data['amendment.id']}-{next(iter(own.values()))}"
    name = "erp.compensating_entry.posted"
    if refused:
        fault = {**said, "error.message": LOCKED, "outcome": "error"}
        yield _event(invoice, invoice.service, name, at, fault, f"{key}-refused")
    yield _event(invoice, invoice.service, name, at + DAY, said, key)


def _event(
    after: Act, service: str, name: str, at: datetime, data: Mapping[str, Value], key: str
) -> Event:
    return Event(
        id=f"{after.of}-{name}-{key}",
        service=service,
        type=name,
        at=at,
        data={**data, "actor.type": "integration"},
        of=after.of,
        sure=True,
    )
