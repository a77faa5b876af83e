"""People and their OpenID provider, as far as attacks need them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
from oidc_provider_mock import User, run_server_in_thread

CLIENT = "threadline"
BACK = "http://127.0.0.1:1/oauth2callback"
LIFETIME_SECONDS = 20  # of their tokens, so that one can be seen to expire
ROLES = ("executive", "support", "on-call", "admin")


@contextmanager
def provider() -> Iterator[str]:
    """A real provider on loopback that knows one person of each role; its issuer."""
    lifetime = timedelta(seconds=LIFETIME_SECONDS)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    users = [
        User(sub=role, claims={"email": f"{role}@example.test", "roles": [role]}) for role in ROLES
    ]
    with run_server_in_thread(user_claims=users, access_token_max_age=lifetime) as server:
        yield f"http://localhost:{server.server_port}"


def sign_in(issuer: str, person: str, client: str = CLIENT) -> str:
    """The ID token that the code flow ends with."""
    asked = {"client_id": client, "redirect_uri": BACK, "response_type": "code"}
    asked |= {"scope": "openid email profile", "nonce": "n", "state": "s"}
    with httpx.Client(base_url=issuer) as http:
        agreed = http.post("/oauth2/authorize", params=asked, data={"sub": person})
        (code,) = parse_qs(urlsplit(agreed.headers["location"]).query)["code"]
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        answer = http.post("/oauth2/token", data=given, auth=(client, "secret"))
        token: str = answer.raise_for_status().json()["id_token"]
        return token
