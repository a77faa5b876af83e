"""Time zones, from the bundled tz database, not the host's."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

_PACKAGE = "tzdata.zoneinfo"


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA zone `name`; raises `ValueError` where there is none."""
    file = resources.files(_PACKAGE).joinpath(*name.split("/"))
    if ".." in name or not file.is_file():
        raise ValueError(f"{name!r} is not an IANA time zone")
    try:
        with file.open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except ValueError as error:
        raise ValueError(f"{name!r} is not an IANA time zone") from error
