"""What intake tells Prometheus about itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class IntakeCounts:
    """Requests and bytes by signal, registered in `registry`.

    Outcomes: accepted, partial, malformed, too_large, unsupported, unauthenticated, forbidden,
    unavailable, disconnected.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "threadline_intake_requests",
            "Requests to intake, by what became of them.",
            ["signal", "outcome"],
            registry=registry,
        )
        self._bytes = Counter(
            "threadline_intake_bytes",
            "Bytes of acknowledged request bodies, as received.",
            ["signal"],
            registry=registry,
        )

    def acknowledge(self, signal: str, size: int, *, partial: bool) -> None:
        """A request of `size` bytes is in the log; `partial`: with items that cannot be read."""
        self._requests.labels(signal, "partial" if partial else "accepted").inc()
        self._bytes.labels(signal).inc(size)

    def refuse(self, signal: str, outcome: str) -> None:
        """A request was not taken."""
        self._requests.labels(signal, outcome).inc()
