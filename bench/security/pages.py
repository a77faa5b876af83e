"""Script, markup and Markdown in everything that a page displays, in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
from outcomes import Outcome
from playwright.sync_api import Page, sync_playwright
from target import Target, approved, until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
STRANGE = "http://127.0.0.9:9"  # nobody is there; a page that asks it has been made to
SCRIPT = "window.hacked=1"
EVIL = (
    f'<script>{SCRIPT}</script><img src="{STRANGE}/i.png" onerror="{SCRIPT}">'
    f'<svg onload="{SCRIPT}">"\'><a href="javascript:{SCRIPT}">x</a>'
    f"![y]({STRANGE}/m.png) [z](javascript:{SCRIPT}) :red[w] $\\href{{{STRANGE}}}{{v}}$"
)
NUMBER = f"C-<b>{SCRIPT}</b>![y]({STRANGE}/n.png)"


def displayed(target: Target) -> Iterator[Outcome]:
    """All that a page shows carries script; no page runs it, or asks for what it names."""
    if CHROMIUM is None:
        yield Outcome(
            "script in every displayed attribute", False, "not tried: Chromium is missing"
        )
        return
    _send(target)
    thread = target.ask("support", f"/api/v1/contracts/{quote(NUMBER, safe='')}").json()
    shown = str(thread).count(SCRIPT)
    with _dashboards(target), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, path in _pages(thread, _incident(target)).items():
            yield _visited(browser.new_page(), target.dashboards + path, name)
        browser.close()
    yield Outcome("(the script was there to be shown)", shown > 10, f"{shown} times in one thread")


def _pages(thread: dict[str, Any], incident: str) -> dict[str, str]:
    dimension = quote(EVIL, safe="")
    return {
        "executive": "/?days=7",
        "a contract's thread": f"/contract?id={quote(thread['identifier'], safe='')}",
        "a contract that is not known": f"/contract?id={dimension}",
        "on-call": "/on-call",
        "an incident": f"/on-call?incident={incident}",
        "an incident that is not known": f"/on-call?incident={dimension}",
        "behind a number": "/kpi?kpi=stuck-cases&by=tier&days=7",
        "facts behind a number": "/kpi?kpi=orphan-share&by=source",
        "masters and copies": "/mismatches",
        "journeys": "/journeys?journey=contract-activation&window=all-time",
        "cases behind a path": f"/journeys?waiting={dimension}",
        "a part of a number": f"/kpi?kpi=stuck-cases&by=tier&label={dimension}&days=7",
        "odd parameters": f"/?days={dimension}&journey={dimension}",
    }


def _incident(target: Target) -> str:
    """One about the contract of script, with a note of script."""
    found = target.ask("on-call", "/api/v1/incidents").json()["items"]
    incident = str(next((one["id"] for one in found if SCRIPT in str(one)), ""))
    path = f"{target.api}/api/v1/incidents/{incident}/note"
    httpx.post(path, json={"text": EVIL, "actor": EVIL}, headers=target.proof("on-call"))
    return incident


def _visited(page: Page, url: str, name: str) -> Outcome:
    asked: list[str] = []
    talked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (talked.append(dialog.message), dialog.dismiss()))
    page.goto(url)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_timeout(500)
    for opening in page.locator("[data-testid=stExpander] summary").all()[:5]:
        opening.click()
    page.wait_for_timeout(500)
    ran = page.evaluate("window.hacked === 1")
    strangers = [one for one in asked if one.startswith(STRANGE)]
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.href.baseVal ?? a.href)")
    bad = [one for one in links if one.startswith(("javascript:", STRANGE))]
    broken = page.locator("[data-testid=stException]").count()
    page.close()
    held = not (ran or strangers or talked or bad or broken)
    how = f"shown as text; {len(asked)} requests, none to the address it names"
    if not held:
        how = f"ran={ran} asked={strangers} dialogs={talked} links={bad} broken={broken}"
    return Outcome(f"script in what is displayed: {name}", held, how)


def _send(target: Target) -> None:
    """A contract all of whose words are script: late, failed, contradicted and half understood."""
    started = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    named = dict.fromkeys(("customer.id", "contract.region", "contract.tier", "note"), EVIL)
    named |= {
        "contract.business_unit": EVIL,
        "contract.value": "1000.00",
        "contract.currency": "EUR",
    }
    late = datetime.now(UTC) - timedelta(hours=24) + timedelta(seconds=3)
    events = [
        approved(NUMBER, **named) | {"time": started},
        approved("C-EVIL-LATE", **named | {"contract.tier": "expedited"})
        | {"time": late.isoformat()},
        approved(NUMBER, **{"erp.project.id": EVIL, "error.message": EVIL, "outcome": "error"})
        | {"type": "erp.project.created", "source": "/erp", "id": "p", "time": started},
        approved(NUMBER, message=EVIL)
        | {"type": EVIL, "id": EVIL, "source": EVIL, "subject": EVIL},
        approved(NUMBER, **{"invoice.number": EVIL, "purchase_order.number": EVIL}) | {"id": "i"},
        approved("C-OTHER", **{"erp.project.id": EVIL}) | {"id": "conflict", "source": "/erp"},
    ]
    for event in events:
        target.send(event).raise_for_status()
    target.settle()


@contextmanager
def _dashboards(target: Target) -> Iterator[None]:
    token = target.token("dashboards", "--role", "support", "--role", "on-call")
    environment = target.environment | {
        "THREADLINE_DASHBOARDS__TOKEN": token,
        "THREADLINE_ACCESS__OIDC__ISSUER": "",
        "THREADLINE_ACCESS__OIDC__CLIENT_ID": "",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "threadline.cli", "dashboards"],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: httpx.get(f"{target.dashboards}/_stcore/health").status_code == 200)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


ATTACKS = (displayed,)
