"""Takes the pictures of the guide anew: ``.venv/bin/python docs/guide/pictures/take.py [PART]``.

Plays a few exams (``live``), whose camera shows the demonstration's own film, and a demonstration
(``after``), and photographs the service in Chromium. Both need what ``proctor demo`` needs, and
five minutes together.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from proctor.clock import Clock
from proctor.commands import service, wall_bench
from proctor.commands.browser_student import arguments, find_chromium
from proctor.people import accounts, sign_in
from proctor.plumbing.db import Database
from proctor.reports.bookkeeper import Bookkeeper
from proctor.settings import Settings

HERE = Path(__file__).parent
ON_THE_WALL = 12
WATCHED_S = 120.0
SETTLED_MS = 6000


def main() -> None:
    parts = sys.argv[1:] or ["live", "after"]
    if "live" in parts:
        # the browser's driver keeps an event loop, which the exams want first
        with wall_bench.under_way(ON_THE_WALL, WATCHED_S) as exams, chromium() as browser:
            of_exams_under_way(browser, exams)
    if "after" not in parts:
        return
    with tempfile.TemporaryDirectory(prefix="tanu-pictures-") as name:
        play = [sys.executable, "-m", "proctor", "demo", "--json", "--keep", name]
        subprocess.run(play, check=True, stdout=subprocess.DEVNULL)
        gather_figures(Path(name))
        with chromium() as browser:
            of_what_came_of_them(browser, Path(name))


def gather_figures(data_dir: Path) -> None:
    """Those of the overview, which the service gathers every minute."""
    db = Database(Settings(data_dir=data_dir).database)
    asyncio.run(Bookkeeper(db, Clock()).round())
    db.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launch = playwright.chromium.launch
        browser = launch(executable_path=find_chromium(), args=arguments(None))
        yield browser
        browser.close()


def of_exams_under_way(browser: Browser, exams: wall_bench.UnderWay) -> None:
    """Wall and live page; one student's exam is paused, with a reason."""
    url, token = exams.house.settings.url, exams.house.proctor
    with page_of(browser, url, token, 1280, 800) as page:
        page.goto(f"{url}/proctor/sittings/{exams.sittings[1]}")
        page.locator("#pause > summary").click()
        page.locator("#pause-reason").fill("The fire alarm rings in the hall.")
        page.locator("#pause form button").click()
        page.locator("#resume").wait_for()
        page.goto(f"{url}/proctor/sittings/{exams.sittings[0]}")
        page.locator("#words").fill("Please move the lamp a little to the left.")
        page.locator("#say-form button[value=message]").click()
        page.locator(".live-line-message").wait_for()
        page.wait_for_timeout(SETTLED_MS)
        take(page, "live", 860)
        page.goto(f"{url}/proctor/wall")
        shown = page.locator(".tile-picture img:not([hidden])")
        expect(shown).to_have_count(2 * ON_THE_WALL, timeout=60_000)
        page.wait_for_timeout(SETTLED_MS)
        take(page, "wall", 800)


def of_what_came_of_them(browser: Browser, data_dir: Path) -> None:
    """Queue, one sitting, the student's own record and the overview."""
    settings = Settings(data_dir=data_dir, port=service.free_port())
    db = Database(settings.database)

    def token_of(name: str) -> str:
        with db.transaction() as tx:
            account = accounts.by_email(tx, f"{name}@example.org")
            return sign_in.begin(tx, account.id, Clock().now())

    url = settings.url
    with service.running(settings, data_dir / "service.log"):
        with page_of(browser, url, token_of("reviewer"), 1280, 900) as page:
            page.goto(f"{url}/review")
            take(page, "review-queue", 480)
            page.goto(f"{url}/review?show=all")
            page.get_by_role("link", name="Дәурен").click()
            page.locator("#ticks span").first.wait_for()
            with page.expect_response("**/look"):
                page.keyboard.press("n")
            page.wait_for_timeout(SETTLED_MS)
            take(page, "review-sitting", 1700)
        with page_of(browser, url, token_of("dauren"), 1280, 900) as page:
            page.goto(f"{url}/exams")
            page.locator("a[href$='/record']").click()
            take(page, "student-record", 1100)
        with page_of(browser, url, token_of("office"), 960, 900) as page:
            page.goto(f"{url}/office")
            take(page, "overview", 1110)
    db.close()


@contextmanager
def page_of(browser: Browser, url: str, token: str, width: int, height: int) -> Iterator[Page]:
    context = browser.new_context(viewport=ViewportSize(width=width, height=height))
    chosen = {wall_bench.COOKIE: token, "tanu_language": "en"}
    context.add_cookies([{"name": key, "value": chosen[key], "url": url} for key in chosen])
    yield context.new_page()
    context.close()


def take(page: Page, name: str, height: int) -> None:
    """The top of the page, as wide as the window."""
    width = (page.viewport_size or {"width": 1280})["width"]
    page.screenshot(
        path=HERE / f"{name}.jpg",
        full_page=True,
        clip={"x": 0, "y": 0, "width": width, "height": height},
        type="jpeg",
        quality=60,
    )
    print(name, flush=True)


if __name__ == "__main__":
    main()
