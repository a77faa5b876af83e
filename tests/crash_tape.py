"""Sends a recorded world to a service that keeps dying, each request until it is acknowledged."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import httpx
from judge.tape import Delivery, tape

from collector.imports import BATCH_TYPE, import_file

PATIENCE = 60  # seconds for what takes milliseconds
PROTOBUF = {"content-type": "application/x-protobuf"}


class TapeSender:
    """Goes round the tape in a thread of its own; what comes twice must change nothing."""

    def __init__(self, http: str, world: Path) -> None:
        self._deliveries = list(tape(world))
        self._url = f"http://{http}"
        self._acknowledged = self._refused = 0
        self._stopping = threading.Event()
        self._finishing = threading.Event()
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin with the first request."""
        self._thread.start()

    def stop(self) -> None:
        """Give up, whatever has not been acknowledged."""
        self._stopping.set()
        self._thread.join()

    def finish(self) -> None:
        """Go on until every request has been acknowledged."""
        self._finishing.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the service does not take what it is sent"

    def wait_for(self, more: int) -> None:
        """Until so many more requests were acknowledged."""
        with self._progress:
            enough = self._acknowledged + more
            assert self._progress.wait_for(lambda: self._acknowledged >= enough, PATIENCE)

    def wait_for_refusals(self, more: int) -> None:
        """Until so many more requests were answered with 503."""
        with self._progress:
            enough = self._refused + more
            assert self._progress.wait_for(lambda: self._refused >= enough, PATIENCE)

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=5) as client:
            for number, delivery in enumerate(cycle(self._deliveries)):
                if self._finishing.is_set() and number >= len(self._deliveries):
                    return
                while not self._accepted(client, delivery):
                    if self._stopping.wait(0.02):
                        return
                if self._stopping.is_set():
                    return

    def _accepted(self, client: httpx.Client, delivery: Delivery) -> bool:
        with suppress(httpx.HTTPError):
            self._send(client, delivery)
            with self._progress:
                self._acknowledged += 1
                self._progress.notify_all()
            return True
        return False

    def _send(self, client: httpx.Client, delivery: Delivery) -> None:
        if delivery.channel == "file":
            assert delivery.file is not None
            assert delivery.mapping is not None
            import_file(
                delivery.file,
                delivery.mapping,
                lambda body: self._post(client, "/v1/events", body, {"content-type": BATCH_TYPE}),
            )
        elif delivery.channel == "traces-grpc":
            self._post(client, "/v1/traces", delivery.body, PROTOBUF)
        else:
            path = "/v1/traces" if delivery.channel == "traces-http" else "/v1/events"
            self._post(client, path, delivery.body, dict(delivery.headers))

    def _post(self, client: httpx.Client, path: str, body: bytes, headers: dict[str, str]) -> None:
        answer = client.post(path, content=body, headers=headers)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            with self._progress:
                self._refused += 1
                self._progress.notify_all()
        answer.raise_for_status()
