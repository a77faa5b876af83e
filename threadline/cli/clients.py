"""How commands speak to the service: over TLS where it does, with the token of `THREADLINE_TOKEN`.

A token on the command line would be seen by every user of the machine.
"""

from __future__ import annotations

import os
from typing import Any

import httpx

from threadline.settings import Settings

VARIABLE = "THREADLINE_TOKEN"


def client(settings: Settings, seconds: float) -> httpx.Client:
    """A client for the service of `settings`, waiting so long for an answer."""
    return httpx.Client(**wire(settings), timeout=seconds)


def wire(settings: Settings) -> dict[str, Any]:
    """What httpx needs to be let in."""
    token = os.environ.get(VARIABLE, "")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return {"headers": headers, "verify": settings.tls.trusted}


def remedy(status: int) -> str:
    """What to do about being refused, if anything is to be said beyond the refusal."""
    if status == httpx.codes.UNAUTHORIZED:
        return f" (the environment variable {VARIABLE} carries the token)"
    return ""
