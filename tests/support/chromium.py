"""A real browser for the acceptance tests: Debian's Chromium, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Playwright

from proctor.commands.browser_student import arguments, find_chromium

MISSING = "no Chromium on this machine (apt-get install chromium)"


@contextmanager
def open_chromium(playwright: Playwright, film: Path | None = None) -> Iterator[Browser]:
    """One browser process whose webcam plays *film*."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments(film))
    try:
        yield browser
    finally:
        browser.close()


def signed_in(browser: Browser, link: str, language: str) -> BrowserContext:
    """A context whose cookies are those of the person the one-time *link* is for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies(
        [{"name": "tanu_language", "value": language, "url": link.split("/sign-in/")[0]}]
    )
    page = context.new_page()
    page.goto(link)
    page.locator("main form button").click()
    page.wait_for_load_state()
    page.close()
    return context
