"""A student without a pointer sits an exam, from the sign-in link to the receipt."""

import pytest
from playwright.sync_api import Browser, Page, expect

from proctor.clock import Clock
from proctor.commands import stage, visits
from proctor.commands.seed import seed_demo
from proctor.inference.pool import InferencePool
from tests.acceptance.conftest import RunningService
from tests.support.axe import violations
from tests.support.watched_exam import start

pytestmark = pytest.mark.acceptance

STOPS = 200


@pytest.fixture
def link(service: RunningService) -> str:
    """The sign-in link of a learner who enrolled and has an exam of ten minutes."""
    pool = InferencePool(workers=1, models_dir=service.settings.models_dir, backend="opencv")
    portrait = visits.assess_portrait(pool, stage.MATERIAL / "portrait_honest.jpg")
    with service.db.transaction() as tx:
        now = Clock().now()
        seeded = seed_demo(tx, service.settings.institution, now, exam_s=600)
        desk = visits.Desk(tx, service.vault, seeded.office, now)
        visits.consent(desk, seeded.learners[2])
        visits.enrol_face(desk, pool, seeded.learners[2], portrait)
    pool.close()
    return service.link("moldir")


def reach(page: Page, selector: str) -> None:
    """Press Tab until the focus is on the element."""
    for _ in range(STOPS):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{selector} cannot be reached with Tab on {page.url}")


def press(page: Page, selector: str) -> None:
    expect(page.locator(selector).first).to_be_enabled(timeout=60_000)
    reach(page, selector)
    page.keyboard.press("Enter")


def test_keyboard_alone_finishes_an_exam(filmed: Browser, link: str) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(link)
    press(page, "main form button")
    page.wait_for_url("**/exams")
    press(page, "form[action$='/sittings'] button")
    page.wait_for_url("**/sittings/*")
    press(page, "#camera-button")
    press(page, "#screen-button")
    broken = violations(page)
    press(page, "#connect-button")
    expect(page.locator("#start-button")).to_be_enabled(timeout=60_000)
    broken += violations(page)
    start(page, lambda: press(page, "#start-button"))
    broken += violations(page)
    reach(page, "#paper input[type=radio]")
    page.keyboard.press("Space")
    reach(page, "#paper input[type=text]")
    page.keyboard.type("A page of 2009 about prices.")
    reach(page, "#paper textarea")
    page.keyboard.type("Who says it, when, and who else says it.")
    expect(page.locator("[data-save]:not(:empty)").last).to_be_visible()
    press(page, "#finish-button")
    broken += violations(page)
    press(page, "#confirm-finish")
    expect(page.locator("#receipt-link")).to_be_visible(timeout=60_000)
    broken += violations(page)
    press(page, "#receipt-link")
    page.wait_for_url("**/receipt")
    assert broken == []
