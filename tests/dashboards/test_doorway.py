"""Cookies of the dashboards, where sign-in leads to, and TLS."""

from __future__ import annotations

import asyncio
import ssl
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit_process import dashboards
from tls_pair import self_signed

from dashboards.doorway import ASKED, Doorway
from threadline.cli.sign_in import flags
from threadline.settings import Settings


async def page(_: Request) -> Response:
    return HTMLResponse("a page")


async def script(_: Request) -> Response:
    return PlainTextResponse("no page")


async def callback(request: Request) -> Response:
    answer = RedirectResponse("/", 302)
    if "refused" not in request.query_params:
        answer.set_cookie("_streamlit_user", "somebody", httponly=True)
    return answer


STREAMLIT = Starlette(
    routes=[
        Route("/oauth2callback", callback),
        Route("/script", script),
        Route("/{path:path}", page),
    ]
)


def ask(address: str, *, secure: bool = False, **cookies: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(Doorway(STREAMLIT, secure=secure))
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(address, headers={"cookie": sent} if sent else {})

    return asyncio.run(asked())


def kept(answer: httpx.Response) -> str:
    cookies = SimpleCookie("; ".join(answer.headers.get_list("set-cookie")))
    return cookies[ASKED].value if ASKED in cookies else ""


@pytest.mark.parametrize("asked", ["/contract?id=C-1", "/kpi?kpi=x&by=region&label=a%20b", "/"])
def test_whoever_signs_in_comes_to_the_page_asked_for(asked):
    before = kept(ask(asked))
    after = ask("/oauth2callback", **{ASKED: before})
    assert (after.status_code, after.headers["location"]) == (302, asked)
    assert kept(after) == ""


def test_without_a_page_asked_for_or_a_sign_in_it_leads_home():
    assert ask("/oauth2callback").headers["location"] == "/"
    asked = kept(ask("/contract?id=C-1"))
    assert ask("/oauth2callback?refused", **{ASKED: asked}).headers["location"] == "/"


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "evil",
        "",
        "/a\r\nset-cookie: x",
    ],
)
def test_a_forged_cookie_leads_to_no_other_server(evil):
    answer = ask("/oauth2callback", **{ASKED: quote(evil, safe="")})
    location = answer.headers["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "evil" not in httpx.URL(location).host
    assert "x" not in SimpleCookie("; ".join(answer.headers.get_list("set-cookie")))


def test_nothing_is_kept_of_what_is_no_page_or_of_who_is_signed_in():
    assert kept(ask("/script")) == ""
    assert kept(ask("/contract", _streamlit_user="somebody")) == ""


def test_where_browsers_speak_tls_cookies_cross_nothing_else():
    for address in ("/oauth2callback", "/contract"):
        flagged = ask(address, secure=True).headers.get_list("set-cookie")
        assert flagged
        assert all(one.endswith("; Secure") for one in flagged)
        plain = ask(address).headers.get_list("set-cookie")
        assert not any("secure" in one.lower() for one in plain)


def test_with_a_certificate_the_dashboards_speak_tls_and_nothing_else(tmp_path: Path):
    pair = self_signed(tmp_path)
    settings = Settings(data_dir=tmp_path, tls=pair)
    told = [f"--{name}={value}" for name, value in flags(settings).items()]
    with dashboards("http://127.0.0.1:1", flags=told, tls=pair) as url:
        answer = httpx.get(
            f"{url}/contract?id=C-1", verify=ssl.create_default_context(cafile=pair.authority)
        )
        with pytest.raises(httpx.HTTPError):
            httpx.get(url.replace("https", "http"))
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    assert answer.status_code == 200
    assert all("secure" in one.lower() for one in answer.headers.get_list("set-cookie"))
    assert answer.headers.get_list("set-cookie")
