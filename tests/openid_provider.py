"""A real OpenID provider on loopback, and the way a program signs in there as a person would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from oidc_provider_mock import User, run_server_in_thread

CLIENT = "threadline"
BACK = "http://127.0.0.1:1/oauth2callback"

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "sub-exec": {"email": "exec@example.test", "roles": ["executive"]},
    "sub-support": {"email": "support@example.test", "roles": ["support"]},
    "sub-oncall": {"email": "oncall@example.test", "roles": ["on-call"]},
    "sub-admin": {"email": "admin@example.test", "roles": ["admin", "not-one-of-ours"]},
    "sub-guest": {"email": "guest@example.test"},
}


@dataclass(frozen=True)
class Provider:
    """One that is running."""

    issuer: str

    def sign_in(self, person: str, *, client: str = CLIENT) -> str:
        """The ID token that the code flow ends with."""
        asked = {
            "client_id": client,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "openid email profile",
            "nonce": "n",
            "state": "s",
        }
        with httpx.Client(base_url=self.issuer) as http:
            agreed = http.post("/oauth2/authorize", params=asked, data={"sub": person})
            (code,) = parse_qs(urlsplit(agreed.headers["location"]).query)["code"]
            given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
            answer = http.post("/oauth2/token", data=given, auth=(client, "secret"))
            return answer.raise_for_status().json()["id_token"]


@contextmanager
def openid_provider(
    people: Mapping[str, Mapping[str, Any]] = PEOPLE,
    *,
    port: int = 0,
    lifetime: timedelta = timedelta(hours=1),
) -> Iterator[Provider]:
    """A provider that knows `people` by subject; its keys are new with every start."""
    users: Sequence[User] = [
        User(sub=subject, claims=dict(claims)) for subject, claims in people.items()
    ]
    with run_server_in_thread(port, user_claims=users, access_token_max_age=lifetime) as server:
        yield Provider(f"http://localhost:{server.server_port}")
