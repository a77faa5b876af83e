"""Contracts as business events over HTTP: opened, and failing at the ERP."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

_BATCH = {"content-type": "application/cloudevents-batch+json"}
TERMS = {
    "contract.value": "184000.00",
    "contract.currency": "EUR",
    "contract.region": "EMEA",
    "contract.business_unit": "Cloud Engineering",
    "contract.tier": "standard",
}


class Intake:
    """One connection to the intake at `address`."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=120)

    def post(self, events: Iterable[dict[str, Any]]) -> float:
        """Send a batch until it is acknowledged; seconds that the acknowledgement took."""
        body = json.dumps(list(events))
        while True:
            begun = time.monotonic()
            try:
                self._connection.request("POST", "/v1/events", body, _BATCH)
                answer = self._connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()  # it was left idle for long; the next attempt opens it
                continue
            if answer.status == 200:
                return time.monotonic() - begun
            time.sleep(0.1)


def opened(number: str) -> list[dict[str, Any]]:
    """A contract that was approved and validated, and waits for its ERP project."""
    return [
        _event("/clm", "clm.contract.approved", {"contract.id": number, **TERMS}),
        _event("/middleware", "middleware.fields.validated", {"contract.id": number}),
    ]


def failed(number: str, error: str) -> dict[str, Any]:
    """Its ERP project is refused."""
    said = {"contract.id": number, "outcome": "error", "error.message": error}
    return _event("/erp", "erp.project.created", said)


def _event(source: str, kind: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": source,
        "type": kind,
        "time": datetime.now(UTC).isoformat(),
        "data": data,
    }
