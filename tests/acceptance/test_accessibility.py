"""No page of the three audiences breaks a rule of axe, in any of the three languages."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import select

from proctor.centres.tables import Centre
from proctor.clock import Clock
from proctor.exams.schemes import events_in_force
from proctor.exams.tables import Course
from proctor.people import accounts
from proctor.reports.bookkeeper import Bookkeeper
from proctor.reports.certificate_form import Results, form_of
from proctor.reports.certificates import issue_certificates
from proctor.reports.tables import Certificate
from proctor.settings import Settings
from proctor.sittings.tables import Sitting, SittingState
from tests.acceptance.conftest import RunningService
from tests.support.axe import violations
from tests.support.certificates import FORM
from tests.support.chromium import signed_in
from web.access import all_routes
from web.app import create_app

pytestmark = pytest.mark.acceptance

LANGUAGES = ["kk", "ru", "en"]

# every page of the service, by who opens it here
PAGES = {
    None: ["/sign-in", "/sign-in/{token}", "/certificates/{certificate_id}"],
    "aigerim": [
        "/exams",
        "/consent",
        "/enrolment",
        "/my-data",
        "/notices",
        "/courses/{course_id}/identity",
        "/sittings/{sitting_id}/receipt",
        "/sittings/{sitting_id}/record",
    ],
    "proctor": [
        "/notices",
        "/proctor/wall",
        "/proctor/protocols",
        "/proctor/protocols/{event_id}",
        "/review",
        "/review/sittings/{sitting_id}",
    ],
    "reviewer": [
        "/notices",
        "/review",
        "/review/sittings/{sitting_id}",
    ],
    "office": [
        "/notices",
        "/office",
        "/office/imports",
        "/office/quality",
        "/office/references",
        "/office/retention",
        "/office/courses/{course_id}",
        "/office/courses/{course_id}/accommodations",
        "/office/courses/{course_id}/attendance",
        "/office/courses/{course_id}/certificates",
        "/office/courses/{course_id}/report",
        "/office/courses/{course_id}/events/{event_code}",
    ],
}
# pages that need an exam under way or a file just sent: other tests here and beside look at them
SEEN_ELSEWHERE = {
    "/",
    "/office/imports/drafts/{draft_id}",
    "/proctor/sittings/{sitting_id}",
    "/review/blind/{incident_id}",
    "/review/sittings/{sitting_id}/incidents/{incident_id}",
    "/sittings/{sitting_id}",
    "/sittings/{sitting_id}/paper",
}
# what is fetched and is no page
FILES = {
    "/.well-known/did.json",
    "/certificates/{certificate_id}/badge.jwt",
    "/certificates/{certificate_id}/badge.svg",
    "/certificates/{certificate_id}/status.jwt",
    "/courses/{course_id}/certificate.pdf",
    "/healthz",
    "/my-data/erasures/{erasure_id}.json",
    "/my-data/export.json",
    "/office/certificates/{certificate_id}.pdf",
    "/office/courses/{course_id}/attendance.{file_format}",
    "/office/courses/{course_id}/declarations.{file_format}",
    "/office/courses/{course_id}/events/{event_code}/sheet.{file_format}",
    "/office/imports/{kind}.csv",
    "/office/reports/{report_id}.{file_format}",
    "/openapi.json",
    "/review/clips/{clip_id}",
    "/review/clips/{clip_id}/mp4",
    "/review/recordings/{recording_id}",
    "/review/sittings/{sitting_id}/incidents/{incident_id}/pictures/{moment}",
    "/sittings/{sitting_id}/clips/{clip_id}",
}


def broken_rules(context: BrowserContext, url: str, paths: list[str], language: str) -> list[str]:
    page = context.new_page()
    found = []
    for path in paths:
        response = page.goto(url + path)
        assert response is not None
        assert response.status == (404 if "/none" in path else 200), path
        assert page.get_attribute("html", "lang") == language, path
        assert page.locator("h1").count() == 1, path
        # one line at 1280 pixels, whatever the language
        bar = page.locator(".page-header-bar").evaluate("bar => bar.offsetHeight")
        assert bar < 70, path
        found += violations(page)
    return found


@pytest.fixture(scope="module")
def ids(service: RunningService) -> dict[str, list[str]]:
    """What stands in the addresses of pages, by the name of the path parameter."""
    # the browser's driver has the event loop of this thread
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: asyncio.run(Bookkeeper(service.db, Clock()).round())).result()
    form = form_of(FORM).model_copy(update={"requires_share": False, "domain": "127.0.0.1"})
    with service.db.transaction() as tx:
        # that of the demonstration: other tests may have made some since
        course = tx.scalars(select(Course).order_by(Course.code)).first()
        assert course is not None
        events = events_in_force(tx, course.id)
        learner = accounts.by_email(tx, "aigerim@example.org")
        results = Results({learner.learner_number or "": frozenset(e.code for e in events)}, {})
        ((_, issued),) = issue_certificates(
            tx, course, [learner], form, results, service.url, Clock().now()
        )
        assert isinstance(issued, Certificate), issued
        invigilator = accounts.by_email(tx, "proctor@example.org")
        names = [invigilator.name]
        centre = {"institution_id": course.institution_id, "code": "ATY-1", "region": "Атырау"}
        tx.add(Centre(**centre, name="Атырау", workplaces=["1"], invigilators=names))
        final = next(event for event in events if event.code == "final")
        finished = select(Sitting.id).where(Sitting.state == SittingState.FINISHED)
        own = finished.where(Sitting.account_id == learner.id)
        return {
            "course_id": [course.id],
            "event_code": [events[0].code, final.code],
            "event_id": [final.id],
            "certificate_id": [issued.id],
            "sitting_id": list(dict.fromkeys([*tx.scalars(own), *tx.scalars(finished)])),
        }


def addresses(user: str | None, ids: dict[str, list[str]]) -> list[str]:
    """The pages of *user*: one of each that shows an id, of each of its kinds."""
    found = []
    for page in PAGES[user]:
        names = re.findall(r"{(\w+)}", page)
        kinds = [ids[name] for name in names]
        # a student has one sitting, the others see both
        if user == "aigerim":
            kinds = [kind[:1] for kind in kinds]
        found += [page.format(**dict(zip(names, each, strict=True))) for each in product(*kinds)]
    if user == "office":
        found.append(f"/office?course={ids['course_id'][0]}")
    return found


def test_every_page_is_looked_at(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, min_free_mib=0))
    routes = [(path, route) for path, route in all_routes(app) if isinstance(route, APIRoute)]
    there = {path for path, route in routes if "GET" in (route.methods or ())}
    walked = {page for pages in PAGES.values() for page in pages}
    assert walked | SEEN_ELSEWHERE | FILES == there


def test_axe_finds_what_is_broken(service: RunningService, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(service.url + "/sign-in")
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    (broken,) = violations(page)
    assert " label: " in broken
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("user", list(PAGES), ids=str)
def test_pages(
    service: RunningService,
    browser: Browser,
    ids: dict[str, list[str]],
    user: str | None,
    language: str,
) -> None:
    if user is None:
        context = browser.new_context()
        context.add_cookies([{"name": "tanu_language", "value": language, "url": service.url}])
        link = service.link("moldir").removeprefix(f"{service.url}/sign-in/")
        paths = ["/none", *addresses(None, ids | {"token": [link]})]
    else:
        context = signed_in(browser, service.link(user), language)
        paths = addresses(user, ids)
    assert broken_rules(context, service.url, paths, language) == []
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_previews_of_imports(service: RunningService, browser: Browser, language: str) -> None:
    context = signed_in(browser, service.link("office"), language)
    found = []
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
