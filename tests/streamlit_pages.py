"""Streamlit's pages in a browser: patience with them, and that they fit."""

from __future__ import annotations

from playwright.sync_api import Page

PATIENCE = 30_000  # milliseconds; a busy machine takes its time to draw

_APP = "[data-testid=stApp]"
_DONE = "[data-test-script-state=notRunning]"
_MOVING = f"{_APP}:not({_DONE}), [data-testid=stSkeleton]"  # it still runs; a part is to come


def patient(page: Page) -> Page:
    """`page`, on which nothing is done while something moves.

    Who clicks then may press the button on a link and let it go beside it, which opens nothing.
    """
    page.set_default_timeout(PATIENCE)
    page.add_locator_handler(page.locator(_MOVING).first, lambda _: None)
    return page


def settled(page: Page) -> None:
    """Wait until the script has run to its end."""
    page.wait_for_selector(_APP + _DONE)


def fits(page: Page) -> None:
    """Nothing sticks out to the side, and nothing went wrong."""
    settled(page)
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.locator("[data-testid=stException]").count() == 0
