"""Signatures of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"


def key(secret: str) -> bytes:
    """The bytes of a secret as Standard Webhooks writes it: `whsec_` and base64.

    Raises `ValueError`, without repeating the secret.
    """
    try:
        decoded = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not 16 <= len(decoded) <= 256:
        raise ValueError(
            "must be 'whsec_' and 24 to 64 bytes in base64 once variables are filled in"
        )
    return decoded


def signed(message: str, at: datetime, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The three headers by which the other side knows who sent `body`, and when."""
    timestamp = str(int(at.timestamp()))
    content = f"{message}.{timestamp}.".encode() + body
    signatures = (
        "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
        for secret in secrets
    )
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
