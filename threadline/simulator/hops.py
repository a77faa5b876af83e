"""How an act of the engagement travels: the spans that it leaves in each system it passes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from threadline.simulator.acts import MIDDLEWARE, Role, Value
from threadline.simulator.script import Script

Part = tuple[str, Role, int, int, int]

# Of each piece of work: name, role, milliseconds after the act's instant, milliseconds it takes,
# and the place in the list of the one it is done for.
_CARRIED: tuple[Part, ...] = (
    ("transform payload", "internal", 5, 300, 0),
    ("SELECT mapping", "client", 10, 40, 1),
)
_RECEIVED: tuple[Part, ...] = (
    ("authorize", "internal", 120, 60, 0),
    ("SELECT record", "client", 200, 40, 0),
    ("UPDATE record", "client", 500, 90, 0),
    ("commit work", "internal", 700, 200, 0),
)


class Hops:
    """Writes the spans of acts into the script of a contract; every act begins a trace."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def by_integration(
        self, service: str, act: str, at: datetime, names: Mapping[str, Value]
    ) -> None:
        """The middleware hands the act to `service`, which does it and names the objects."""
        flow = self._root(MIDDLEWARE, f"flow {act}", "consumer", at, 2500)
        self._under(MIDDLEWARE, at, _CARRIED, [flow])
        later = at + timedelta(milliseconds=350)
        call = self._script.span(MIDDLEWARE, f"POST {act}", "client", later, 2000, parent=flow)
        hook = self._script.span(service, f"POST /api/{act}", "server", later, 1900, parent=call)
        self._done(service, act, later, names, hook)

    def by_person(self, service: str, act: str, at: datetime, names: Mapping[str, Value]) -> None:
        """Somebody does it in `service`, and the middleware hears of it."""
        page = self._root(service, f"POST /ui/{act}", "server", at, 1900)
        self._done(service, act, at, names, page)
        later = at + timedelta(milliseconds=900)
        told = self._script.span(service, f"publish {act}", "producer", later, 60, parent=page)
        heard = at + timedelta(milliseconds=990)
        flow = self._script.span(MIDDLEWARE, f"flow {act}", "consumer", heard, 900, parent=told)
        self._under(MIDDLEWARE, heard, _CARRIED, [flow])

    def _done(
        self, service: str, act: str, at: datetime, names: Mapping[str, Value], above: str
    ) -> None:
        handler = self._script.span(
            service, f"handle {act}", "internal", at, 1500, parent=above, attributes=names
        )
        self._under(service, at, _RECEIVED, [handler])

    def _under(self, service: str, at: datetime, parts: tuple[Part, ...], keys: list[str]) -> None:
        for name, role, after, takes, place in parts:
            begins = at + timedelta(milliseconds=after)
            keys.append(self._script.span(service, name, role, begins, takes, parent=keys[place]))

    def _root(self, service: str, name: str, role: Role, at: datetime, milliseconds: int) -> str:
        trace = self._script.random.getrandbits(128) | 1
        return self._script.span(service, name, role, at, milliseconds, trace_id=trace)
