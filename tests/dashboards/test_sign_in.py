"""People sign in at a real OpenID provider; the API verifies their token and goes by its roles."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from handmade_services import served
from openid_provider import CLIENT, Provider, openid_provider
from playwright.sync_api import Browser, Page, expect
from streamlit_pages import patient
from streamlit_process import dashboards

from threadline.access import Gate
from threadline.access.oidc import People
from threadline.access.provider import Provider as Published
from threadline.api import ApiServices, create_api
from threadline.cli import sign_in
from threadline.clock import SystemClock
from threadline.sections import AccessSettings, OidcSettings
from threadline.settings import Settings


@dataclass(frozen=True)
class Signed:
    """Dashboards that people sign in to, in a browser that remembers nobody."""

    url: str
    provider: Provider
    services: ApiServices
    page: Page

    def sign_in(self, person: str) -> None:
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name=person).click()
        self.page.wait_for_url(f"{self.url}/**")


class Moved(SystemClock):
    """The machine's clock, set forward when told: a provider's tokens are of the present."""

    ahead = timedelta()

    def now(self):
        return super().now() + self.ahead


@pytest.fixture(scope="module")
def later() -> Moved:
    return Moved()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with openid_provider() as running:
        yield running


@pytest.fixture(scope="module")
def signed_api(api_services: ApiServices, provider: Provider, later: Moved):
    """The API as it is where people sign in."""
    oidc = OidcSettings(issuer=provider.issuer, client_id=CLIENT)
    people = People(oidc, Published(provider.issuer, later), later)
    gate = Gate(api_services.gate.tokens, people, required=True)
    given = replace(api_services, gate=gate)
    with served(create_api(given)) as url:
        yield given, url


@pytest.fixture(scope="module")
def signed_url(
    browser: Browser, signed_api, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    oidc = OidcSettings(issuer=provider.issuer, client_id=CLIENT, client_secret="s")
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("signed"),
        dashboards={"listen": f"127.0.0.1:{port}"},
        access=AccessSettings(oidc=oidc),
    )
    flags = [f"--{name}={value}" for name, value in sign_in.flags(settings).items()]
    with dashboards(signed_api[1], port=port, flags=flags) as url:
        yield url


@pytest.fixture
def signed(browser: Browser, signed_url: str, provider: Provider, signed_api) -> Iterator[Signed]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = patient(context.new_page())
    yield Signed(signed_url, provider, signed_api[0], page)
    context.close()


def test_an_executive_signs_in_reads_may_not_handle_and_is_asked_again_when_it_expires(
    signed, later
):
    page = signed.page
    page.goto(f"{signed.url}/contract?id=C-100234")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert "C-100234" not in page.inner_text("body")

    signed.sign_in("sub-exec")
    expect(page.get_by_role("heading", name="Contract C-100234")).to_be_visible()
    assert page.url == f"{signed.url}/contract?id=C-100234", "the page that was asked for"
    expect(page.get_by_text("exec@example.test (executive)")).to_be_visible()
    page.get_by_role("link", name="On-call").first.click()
    expect(page.locator(".tl-card").first).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)

    later.ahead = timedelta(hours=2)
    try:
        page.reload()
        expect(page.get_by_text("Your sign-in has ended.")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in again")).to_be_visible()
        assert page.locator(".tl-card").count() == 0
    finally:
        later.ahead = timedelta()


def test_acknowledging_is_recorded_in_the_name_signed_in_with(signed):
    page = signed.page
    page.goto(signed.url)
    signed.sign_in("sub-oncall")
    page.get_by_role("link", name="On-call").first.click()
    expect(page.get_by_role("button", name="Acknowledge").first).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_count(0)

    page.get_by_role("button", name="Acknowledge").first.click()

    expect(page.get_by_text("acknowledged by oncall@example.test").first).to_be_visible()
    record = signed.services.audit.latest(1)[0]
    assert (record.who, record.what) == ("oncall@example.test", "incident.acknowledged")


def test_who_has_no_role_is_told_what_to_do_and_signs_out(signed):
    page = signed.page
    page.goto(signed.url)
    signed.sign_in("sub-guest")
    expect(page.get_by_role("heading", name="You have no role here")).to_be_visible()
    expect(page.get_by_text("You are signed in as guest@example.test.")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
