"""No page of the three audiences breaks a rule of axe, in any of the three languages."""

import pytest
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import select

from proctor.clock import Clock
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import Course
from proctor.people import accounts
from proctor.reports.certificates import Results, form_of, issue_certificate
from proctor.reports.tables import Certificate
from proctor.sittings.tables import Sitting, SittingState
from tests.acceptance.conftest import RunningService
from tests.support.axe import violations
from tests.support.certificates import FORM
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


def event_codes(service: RunningService) -> list[str]:
    with service.db.reading() as tx:
        return [event.code for event in events_in_force(tx, tx.scalars(select(Course.id)).one())]


def finished_sitting(service: RunningService, user: str) -> str:
    with service.db.transaction() as tx:
        account = accounts.by_email(tx, f"{user}@example.org")
        query = select(Sitting.id).where(Sitting.account_id == account.id)
        return tx.scalars(query.where(Sitting.state == SittingState.FINISHED)).one()


@pytest.fixture(scope="module")
def certificate_page(service: RunningService) -> str:
    form = form_of(FORM).model_copy(update={"requires_share": False, "domain": "127.0.0.1"})
    with service.db.transaction() as tx:
        course = tx.scalars(select(Course)).one()
        learner = accounts.by_email(tx, "aigerim@example.org")
        codes = frozenset(event.code for event in events_in_force(tx, course.id))
        results = Results({learner.learner_number or "": codes}, {})
        issued = issue_certificate(tx, course, learner, form, results, service.url, Clock().now())
        assert isinstance(issued, Certificate), issued
        return f"/certificates/{issued.id}"


def test_axe_finds_what_is_broken(service: RunningService, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(service.url + "/sign-in")
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    (broken,) = violations(page)
    assert " label: " in broken
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_public_pages(
    service: RunningService, browser: Browser, certificate_page: str, language: str
) -> None:
    context = browser.new_context()
    context.add_cookies([{"name": "tanu_language", "value": language, "url": service.url}])
    unused_link = service.link("moldir").removeprefix(service.url)
    paths = ["/sign-in", unused_link, certificate_page, "/nowhere"]
    assert broken_rules(context, service.url, paths, language) == []
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_students(service: RunningService, browser: Browser, language: str) -> None:
    sitting = f"/sittings/{finished_sitting(service, 'aigerim')}"
    context = signed_in(browser, service.link("aigerim"), language)
    identity = f"/courses/{course_id(service)}/identity"
    paths = ["/exams", "/consent", "/enrolment", identity, "/sittings/none"]
    paths += [f"{sitting}/receipt", f"{sitting}/record"]
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
    paths.append(f"{course}/attendance")
    paths += [f"{course}/events/{code}" for code in event_codes(service)]
    found = broken_rules(context, service.url, paths, language)
    page = context.new_page()
    unreadable = b"course,email\nnone,\n"
    header = b"code,title,kind,starts_on,ends_on\n"
    with_errors = header + b"NEW,New,mooc,2026-09-01,2026-12-20\nX,,course,,\n"
    for data in (unreadable, with_errors):
        page.goto(service.url + "/office/imports")
        file = {"name": "courses.csv", "mimeType": "text/csv", "buffer": data}
        form = page.locator("form[action$=courses]")
        form.locator("input[type=file]").set_input_files(files=[file])
        form.locator("button").click()
        page.wait_for_load_state()
        assert page.locator("h1").count() == 1
        found += violations(page)
    assert "/office/imports/drafts/" in page.url
    assert page.get_by_role("checkbox").count() == 1
    assert found == []
    context.close()
