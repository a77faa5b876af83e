"""What the dashboards need to let people sign in: Streamlit's own secrets, written at start."""

from __future__ import annotations

import json
import os
import secrets
import tomllib
from pathlib import Path
from typing import Any

from threadline.errors import SettingsError
from threadline.networks import is_loopback
from threadline.settings import Settings, host_and_port


def admit(settings: Settings) -> None:
    """Raise `SettingsError` where anybody on the network would see what the dashboards show."""
    host, _ = host_and_port(settings.dashboards.listen)
    if is_loopback(host):
        return
    place = f"dashboards.listen ({settings.dashboards.listen}) can be reached from other machines"
    if not settings.access.oidc.issuer:
        raise SettingsError(f"{place}, and nobody would have to sign in: set access.oidc.issuer")
    if settings.tls.certificate is None and not settings.tls.terminated:
        raise SettingsError(
            f"{place}, and what people see would cross the network readable: set tls.certificate"
            " and tls.key, or tls.terminated: true where a proxy on the way speaks TLS"
        )


def flags(settings: Settings) -> dict[str, str]:
    """Options of `streamlit run` for sign-in and TLS."""
    options = {}
    if settings.access.oidc.issuer:
        options["secrets.files"] = str(_written(settings))
    if settings.tls.certificate and settings.tls.key:
        options["server.sslCertFile"] = str(settings.tls.certificate)
        options["server.sslKeyFile"] = str(settings.tls.key)
    return options


def _written(settings: Settings) -> Path:
    """The secrets, readable by nobody else; sessions outlive a restart by the same cookie key."""
    file = settings.data_dir / "dashboards" / "secrets.toml"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = _content(settings, _cookie_secret(file))
    fresh = file.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as to:
        to.write(content)
    fresh.replace(file)
    return file


def _content(settings: Settings, cookie_secret: str) -> str:
    oidc = settings.access.oidc
    issuer = (oidc.issuer or "").rstrip("/")
    told: dict[str, str | list[str]] = {
        "redirect_uri": f"{settings.dashboards_url}/oauth2callback",
        "cookie_secret": cookie_secret,
        "client_id": oidc.client_id,
        "client_secret": oidc.client_secret.get_secret_value(),
        "server_metadata_url": f"{issuer}/.well-known/openid-configuration",
        "expose_tokens": ["id"],
    }
    lines = [f"{name} = {_toml(value)}" for name, value in told.items()]
    kwargs = f'{{ scope = {_toml(oidc.scope)}, prompt = "select_account" }}'
    return "\n".join(["[auth]", *lines, f"client_kwargs = {kwargs}", ""])


def _toml(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=True)  # TOML's basic strings have JSON's escapes


def _cookie_secret(file: Path) -> str:
    try:
        known: Any = tomllib.loads(file.read_text(encoding="utf-8"))["auth"]["cookie_secret"]
    except (OSError, ValueError, KeyError):
        return secrets.token_urlsafe(48)
    return str(known)
