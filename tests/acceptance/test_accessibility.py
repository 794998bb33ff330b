"""No page of the three audiences breaks a rule of axe, in any of the three languages."""

import pytest
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import select

from proctor.exams.tables import Course
from proctor.people import accounts
from proctor.sittings.tables import Sitting, SittingState
from tests.acceptance.conftest import RunningService
from tests.support.axe import violations
from tests.support.chromium import signed_in

pytestmark = pytest.mark.acceptance

LANGUAGES = ["kk", "ru", "en"]


def broken_rules(context: BrowserContext, url: str, paths: list[str], language: str) -> list[str]:
    page = context.new_page()
    found = []
    for path in paths:
        response = page.goto(url + path)
        assert response is not None
        # the pages of errors are pages too; a crash is not
        assert response.status in (200, 404), path
        assert page.get_attribute("html", "lang") == language, path
        assert page.locator("h1").count() == 1, path
        found += violations(page)
    return found


def course_id(service: RunningService) -> str:
    with service.db.transaction() as tx:
        return tx.scalars(select(Course.id)).one()


def finished_sitting(service: RunningService, user: str) -> str:
    with service.db.transaction() as tx:
        account = accounts.by_email(tx, f"{user}@example.org")
        query = select(Sitting.id).where(Sitting.account_id == account.id)
        return tx.scalars(query.where(Sitting.state == SittingState.FINISHED)).one()


def test_axe_finds_what_is_broken(service: RunningService, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(service.url + "/sign-in")
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    (broken,) = violations(page)
    assert " label: " in broken
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_public_pages(service: RunningService, browser: Browser, language: str) -> None:
    context = browser.new_context()
    context.add_cookies([{"name": "tanu_language", "value": language, "url": service.url}])
    unused_link = service.link("moldir").removeprefix(service.url)
    assert broken_rules(context, service.url, ["/sign-in", unused_link, "/nowhere"], language) == []
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_students(service: RunningService, browser: Browser, language: str) -> None:
    receipt = f"/sittings/{finished_sitting(service, 'aigerim')}/receipt"
    context = signed_in(browser, service.link("aigerim"), language)
    paths = ["/exams", "/consent", "/enrolment", receipt, "/sittings/none"]
    assert broken_rules(context, service.url, paths, language) == []
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("user", ["proctor", "reviewer"])
def test_pages_of_proctors_and_reviewers(
    service: RunningService, browser: Browser, user: str, language: str
) -> None:
    sittings = [finished_sitting(service, learner) for learner in ("aigerim", "dauren")]
    context = signed_in(browser, service.link(user), language)
    paths = ["/review", "/review?show=decided", *(f"/review/sittings/{s}" for s in sittings)]
    assert broken_rules(context, service.url, paths, language) == []
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_the_exam_office(service: RunningService, browser: Browser, language: str) -> None:
    course = f"/office/courses/{course_id(service)}"
    context = signed_in(browser, service.link("office"), language)
    paths = ["/office", course, f"{course}/report", "/office/imports", "/office/references"]
    assert broken_rules(context, service.url, paths, language) == []
    context.close()
