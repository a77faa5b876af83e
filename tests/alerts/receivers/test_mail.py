"""Mails as a mail program shows them: one thread, both parts alike, fit for phone and dark."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from mail_server import mail_server
from notifications import STORM, notification
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SENDER = "Threadline <threadline@example.org>"


@pytest.fixture
def mails():
    with mail_server() as server:
        yield server


@pytest.fixture
def mailbox(mails, receiver):
    return receiver(
        "email",
        host=mails.host,
        port=mails.port,
        security="none",
        sender=SENDER,
        to=("duty@example.org", "billing-primary@example.org"),
    )


def parts(mail) -> tuple[str, str]:
    text, html = mail.iter_parts()
    return text.get_content(), html.get_content()


def test_all_that_is_told_of_an_incident_is_one_thread(mails, mailbox):
    for one in (
        notification(),
        notification("update", id="another"),
        notification("resolved", id="third"),
        notification(incident="inc-8", id="of another incident"),
        notification("digest"),
    ):
        assert mailbox.deliver(one).delivered
    parents = [mail["References"] for mail in mails.mails]
    assert parents[0] == parents[1] == parents[2] != parents[3]
    assert parents[4] is None
    assert [mail["In-Reply-To"] for mail in mails.mails] == parents
    assert len({mail["Message-ID"] for mail in mails.mails}) == 5
    assert mails.recipients[0] == ["duty@example.org", "billing-primary@example.org"]


def test_a_notification_sent_again_is_the_same_message(mails, mailbox):
    for repeat in (False, True):
        mailbox.deliver(notification(repeat=repeat))
    first, again = mails.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert "You may have had this message before." in parts(again)[0]
    assert first["Auto-Submitted"] == "auto-generated"


def test_text_and_html_say_the_same(mails, mailbox):
    mailbox.deliver(notification(**STORM))
    (mail,) = mails.mails
    text, html = parts(mail)
    assert mail["Subject"].startswith("Failure: erp: 23 cases hang on “no answer within 30 s”")
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    for line in text.splitlines():
        said = re.sub(r"^(\d\. |[A-Z][a-z ]+: )", "", line.strip())
        if said and not said.startswith("https://") and said != "Next:":
            assert said in " ".join(shown.split())
    for url in re.findall(r"https://\S+", text):
        assert f'href="{url.replace("&", "&amp;")}"' in html


def test_strangers_words_are_words_in_html_and_one_line_in_the_subject(mails, mailbox):
    words = (
        'C-1\r\nBcc: all@example.org <script>alert(1)</script><img src="https://evil.example/a">'
    )
    told = dict.fromkeys(("what", "error", "owner", "contract"), words)
    assert mailbox.deliver(notification(**told, next_moves=[words])).delivered
    (mail,) = mails.mails
    assert "Bcc" not in mail
    html = parts(mail)[1]
    assert "<script" not in html
    assert "<img" not in html


def test_a_page_is_important_and_a_warning_is_not(mails, mailbox):
    for severity in ("warning", "failure"):
        mailbox.deliver(notification(severity=severity))
    assert [mail["Importance"] for mail in mails.mails] == [None, "high"]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.mark.parametrize("width", [360, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["page", "resolved", "digest"])
def test_a_mail_is_readable_on_phone_and_desk_in_light_and_dark(
    kind, width, scheme, mails, mailbox, browser, tmp_path
):
    long = {"error": "PROJECT_TYPE_NOT_MAPPED_FOR_" * 8}
    mailbox.deliver(notification(kind, **(STORM | long if kind == "page" else {})))
    file = Path(tmp_path / "mail.html")
    file.write_text(parts(mails.mails[0])[1], encoding="utf-8")
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=False
    )
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    overflow = page.locator("body").evaluate("body => document.documentElement.scrollWidth")
    colours = page.locator("h1").evaluate(
        "h1 => [getComputedStyle(h1).color, getComputedStyle(h1.closest('.card')).backgroundColor]"
    )
    page.screenshot(path=tmp_path / "mail.png", full_page=True)
    context.close()
    assert overflow <= width, "nothing is cut off at the side"
    assert _contrast(*colours) >= 7
    assert asked == [file.as_uri()], "opening a mail tells nobody"


def _contrast(first: str, second: str) -> float:
    """Of two colours `rgb(r, g, b)`: Web Content Accessibility Guidelines 2.2, 1.4.6."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
