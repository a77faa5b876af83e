"""A certificate that signs itself, for localhost."""

from __future__ import annotations

import subprocess
from pathlib import Path

from threadline.sections import TlsSettings


def self_signed(place: Path) -> TlsSettings:
    """Key and certificate as files in `place`."""
    key, certificate = place / "key.pem", place / "certificate.pem"
    asked = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", *made, *asked, *files], check=True, capture_output=True
    )
    return TlsSettings(certificate=certificate, key=key, authority=certificate)
