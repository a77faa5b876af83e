"""Deriving everything anew from the log, and holding it against what was there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from threadline import activation
from threadline.clock import Clock
from threadline.erasing import applied
from threadline.errors import ThreadlineError
from threadline.forgetting import FORGOTTEN, rewritten
from threadline.instruments import PipelineInstruments
from threadline.pipeline import Pipeline
from threadline.settings import Settings
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry, export


@dataclass(frozen=True, kw_only=True)
class RebuildReport:
    """Rows by table after the rebuild, and the tables whose export differs from before."""

    rows: Mapping[str, int]
    different: Sequence[str]


def rebuild(
    settings: Settings, clock: Clock, progress: Callable[[int, int], None]
) -> RebuildReport:
    """Drop the index and derive it from the log under the definitions that were activated last.

    What the log holds beyond the index is derived first, so that both exports speak of the same
    input. `progress(done, total)` counts log entries of both passes. Raises `ThreadlineError` while
    a service runs over the same data.
    """
    with ExitStack() as stack:
        log = Log.open(settings.log, clock)
        stack.callback(log.close)
        control = ControlStore.open(settings.control, clock)
        stack.callback(control.close)
        control.migrate()
        derivation = activation.restore(control)
        if derivation is None:
            raise ThreadlineError("nothing was ever activated here: start the service once first")
        telemetry = Telemetry.open(settings.telemetry)
        stack.callback(telemetry.close)

        erased = applied(control.erasures.all())
        log_of = rewritten(erased, control.watermarks.get(FORGOTTEN))

        def derive() -> None:
            pipeline = Pipeline(
                log=log,
                telemetry=telemetry,
                control=control,
                derivation=derivation,
                clock=clock,
                settings=settings.pipeline,
                instruments=PipelineInstruments(CollectorRegistry()),
                rewritten=lambda: log_of,
            )
            total = sum(log.end().values())
            while pipeline.step():
                progress(total - pipeline.status().entries_behind, total)

        derive()
        before = export.digests(telemetry)
        telemetry.reset()
        derive()
        after = export.digests(telemetry)
        return RebuildReport(
            rows=export.counts(telemetry),
            different=[table for table in after if after[table] != before[table]],
        )
