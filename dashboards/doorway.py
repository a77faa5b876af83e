"""Around Streamlit's server: who signs in comes to the page asked for; cookies keep to TLS."""

from __future__ import annotations

from http.cookies import SimpleCookie
from urllib.parse import quote, unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASKED = "threadline_asked"  # the page that was asked for before signing in
_SIGNED_IN = "_streamlit_user"  # Streamlit's own
_CALLBACK = "/oauth2callback"
_KEPT = 600  # seconds; a sign-in takes no longer
_LONGEST = 2_000  # signs of an address; a cookie holds no more than 4,096 bytes


class Doorway:
    """ASGI middleware; `secure`: people's browsers speak TLS, here or with a proxy on the way."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app, self._secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._amend(scope, cookies, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, sent)

    def _amend(self, scope: Scope, cookies: SimpleCookie, headers: MutableHeaders) -> None:
        if scope["path"] == _CALLBACK:
            if any(each.startswith(f"{_SIGNED_IN}=") for each in headers.getlist("set-cookie")):
                headers["location"] = _asked(cookies)
                headers.append("set-cookie", _cookie("", 0))
        elif _SIGNED_IN not in cookies and _is_page(headers):
            headers.append("set-cookie", _cookie(_address(scope), _KEPT))
        if self._secure:
            self._only_over_tls(headers)

    @staticmethod
    def _only_over_tls(headers: MutableHeaders) -> None:
        given = headers.getlist("set-cookie")
        del headers["set-cookie"]
        for one in given:
            flagged = "; secure" in one.lower()
            headers.append("set-cookie", one if flagged else f"{one}; Secure")


def _is_page(headers: MutableHeaders) -> bool:
    return headers.get("content-type", "").startswith("text/html")


def _address(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def _cookie(address: str, seconds: int) -> str:
    value = quote(address[:_LONGEST], safe="")
    return f"{ASKED}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}"


def _asked(cookies: SimpleCookie) -> str:
    """An address of this server, and of no other whatever the cookie says."""
    address = unquote(cookies[ASKED].value) if ASKED in cookies else "/"
    inner = address.startswith("/") and not address.startswith(("//", "/\\"))
    return quote(address, safe="/?&=%:+,;@~-._") if inner else "/"
