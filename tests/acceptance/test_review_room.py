"""Three hours with 200 incidents, reviewed by keyboard in Chromium; axe on the pages around."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.centres.tables import Cause
from proctor.clock import Clock
from proctor.commands import service as process
from proctor.exams.accommodations import Effect, grant
from proctor.exams.external_tests import set_address
from proctor.exams.tables import AssessmentEvent, EventKind, Mode, Venue
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.incidents.kinds import Kind
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.observations import Track
from proctor.people import consents, sign_in
from proctor.people.tables import Account, Purpose, SignInSession
from proctor.plumbing.db import Database
from proctor.review.looks import record_view
from proctor.review.statements import answer, appeal
from proctor.review.tables import Decision, Verdict
from proctor.review.verdicts import decide_identity, decide_incident
from proctor.settings import Settings, institution_key
from proctor.shares.repair import open_window, second_technologies
from proctor.sittings.fallback import move_everybody
from proctor.sittings.tables import Sitting, SittingState
from proctor.vault import Vault
from tests.support.axe import violations
from tests.support.cast import Cast, assemble
from tests.support.chromium import signed_in
from tests.support.sittings import incident_of, record_track, sitting_of

pytestmark = pytest.mark.acceptance

EXAM_S = 3 * 3600.0
INCIDENTS = 200
DECIDED = 20
UNHIDE = "document.querySelectorAll('main [hidden]').forEach((each) => { each.hidden = false; })"


@dataclass(frozen=True)
class Long:
    """A service over one long sitting."""

    url: str
    db: Database
    sitting_id: str
    running_id: str
    sample_id: str
    blind_id: str
    appealed_id: str
    course_id: str

    @property
    def page(self) -> str:
        return f"{self.url}/review/sittings/{self.sitting_id}"

    def link(self, name: str) -> str:
        with self.db.transaction() as tx:
            query = select(Account).where(Account.email == f"{name}@example.org")
            token = sign_in.make_link(tx, tx.scalars(query).one().id, Clock().now())
        return f"{self.url}/sign-in/{token}"

    def hand_over(self, name: str) -> None:
        """Let the newest sign-in of who sits the running exam go on with it."""
        with self.db.transaction() as tx:
            query = select(SignInSession).join(Account, Account.id == SignInSession.account_id)
            query = query.where(Account.email == f"{name}@example.org")
            newest = tx.scalars(query.order_by(SignInSession.created_at.desc())).first()
            assert newest is not None
            tx.get_one(Sitting, self.running_id).sign_in_id = newest.id


@pytest.fixture(scope="module")
def long(chromium_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Long]:
    directory = tmp_path_factory.mktemp("long")
    settings = Settings(
        data_dir=directory,
        port=process.free_port(),
        min_free_mib=0,
        review_sample_percent=100,
        second_review_percent=100,
        first_look=True,
    )
    vault = Vault(institution_key(settings))
    db = Database(settings.database)
    db.upgrade()
    with db.transaction() as tx:
        cast = assemble(tx, Clock().now())
        sitting = sitting_of(tx, cast, cast.alice, Clock().now())
        sitting.exam_s = EXAM_S
        kinds = list(Kind)
        for number in range(INCIDENTS):
            start_s = 20.0 + number * (EXAM_S - 60) / INCIDENTS
            kind = kinds[number % len(kinds)]
            incident_of(tx, sitting, kind, start_s, start_s + 7, llr=-6.0, samples=8)
        for at_s in range(0, int(EXAM_S), 6):
            tx.add(
                IdentityCheck(
                    sitting_id=sitting.id,
                    modality=Modality.FACE,
                    at_s=float(at_s),
                    result=CheckResult.MATCH,
                    score=0.7,
                    llr=9.0,
                    model_id="sface",
                )
            )
        for track in Track:
            record_track(
                tx, sitting, directory / "recordings", track, seconds=EXAM_S, rate=1, plain=True
            )
        running = sitting_of(tx, cast, cast.charlie, Clock().now(), SittingState.RUNNING)
        running.deadline_at = Clock().now() + timedelta(hours=2)
        agreed = dict.fromkeys(Purpose, True)
        consents.record(tx, vault, cast.charlie.id, agreed, "en", Clock().now())
        sample = sitting_of(tx, cast, cast.tom, Clock().now())
        appealed = sitting_of(tx, cast, cast.bob, Clock().now())
        blind = decided(tx, appealed, cast.paula)
        appeal_of(tx, vault, cast, appealed)
        grant(tx, cast.olga, cast.alice, cast.course.id, [Effect.BREAKS], 25, Clock().now())
        grant(tx, cast.olga, cast.charlie, cast.course.id, [Effect.BREAKS], 0, Clock().now())
        elsewhere(tx, cast)
    with process.running(settings, directory / "service.log"):
        yield Long(
            settings.url,
            db,
            sitting.id,
            running.id,
            sample.id,
            blind.id,
            appealed.id,
            cast.course.id,
        )
    db.close()


def decided(tx: Session, sitting: Sitting, by: Account) -> IncidentRow:
    """An incident with a clip that one person dismissed."""
    row = incident_of(tx, sitting, "phone_visible", 5.0, 9.0)
    tx.add(clip_of(row))
    now = Clock().now()
    record_view(tx, by.id, sitting.id, "recording", "camera", now)
    decide_incident(tx, by, sitting, row.id, Decision.DISMISSED, "It is a calculator.", now)
    return row


def clip_of(row: IncidentRow) -> ClipRow:
    return ClipRow(
        incident_id=row.id,
        track=Track.CAMERA,
        path="none.webm",
        start_s=0.0,
        end_s=12.0,
        sha256="0" * 64,
        parent_sha256="1" * 64,
    )


def appeal_of(tx: Session, vault: Vault, cast: Cast, sitting: Sitting) -> None:
    """A program sent the pictures, two people did not verify the student, who appeals."""
    now = Clock().now()
    events.append(tx, sitting.id, "media_connected", {"via": "whip"}, now)
    # seen, and not decided by the one who rules
    clip = incident_of(tx, sitting, "multiple_faces", 11.0, 15.0)
    tx.add(clip_of(clip))
    for person in (cast.paula, cast.rita):
        record_view(tx, person.id, sitting.id, "recording", "camera", now)
        decide_identity(tx, person, sitting, Decision.UNVERIFIED, "Another person sat there.", now)
    answer(tx, vault, sitting, clip.id, "My sister brought tea.", now)
    appeal(tx, vault, sitting, None, "It was me, with new glasses.", now)


def elsewhere(tx: Session, cast: Cast) -> None:
    """The exam's test is on another site, and since an outage all are to sit it on site; an
    event that is over can be verified by another technology."""
    now = Clock().now()
    set_address(tx, cast.course.id, "final", "https://quiz.example/7", cast.olga, now)
    over = now - timedelta(hours=2)
    event = AssessmentEvent(
        scheme_id=cast.final.scheme_id,
        code="midterm",
        title="Midterm",
        kind=EventKind.MOOC_FINAL,
        weight=Decimal(30),
        mode=Mode.SYNC,
        venue=Venue.ONLINE,
        opens_at=now - timedelta(days=2),
        closes_at=over,
        duration_s=3600,
        identity_plan=["proctoring"],
    )
    tx.add(event)
    tx.flush()
    reason = "The mains of the campus failed."
    move_everybody(tx, cast.course, cast.final, Cause.OUTAGE, reason, cast.olga, now)
    second = second_technologies(cast.course, event)
    for technology in second:
        window = now, now + timedelta(days=3)
        open_window(tx, cast.course, event, technology, *window, cast.olga, now)


@pytest.fixture
def reviewer(long: Long, browser: Browser) -> Iterator[BrowserContext]:
    context = signed_in(browser, long.link("rita"), "en")
    yield context
    context.close()


def worked_s(browser: CDPSession) -> float:
    """Processor time of the page's own thread, whatever else the machine does."""
    metrics = browser.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")


def opened(context: BrowserContext, long: Long) -> Page:
    page = context.new_page()
    page.goto(long.page)
    expect(page.locator("#clock")).to_contain_text("3:00:00")
    return page


def shown_s(page: Page) -> list[float]:
    """Where both videos stand once they show the moment asked for; None while they seek."""
    script = """() => ['camera', 'screen'].map(name => {
      const video = document.getElementById('video-' + name);
      return video.readyState >= 2 && !video.seeking ? video.currentTime : -1; })"""
    found: list[float] = page.evaluate(script)
    return found


def seek_ms(page: Page, key: str) -> float:
    """Press *key*; milliseconds until both videos show the incident of another card."""
    before = page.get_attribute("[data-row][aria-current]", "data-row")
    began = time.monotonic()
    page.keyboard.press(key)
    page.wait_for_function(
        """before => { const card = document.querySelector('#card [data-incident]');
          const wanted = Number(card.dataset.start) - 1;
          if (card.dataset.incident === before) return false;
          return ['camera', 'screen'].every(name => {
            const video = document.getElementById('video-' + name);
            const off = Math.abs(video.currentTime - wanted);
            return video.readyState >= 2 && !video.seeking && off < 0.2; }); }""",
        arg=before,
        polling=10,
    )
    return 1000 * (time.monotonic() - began)


def test_the_page_is_usable_within_a_second(
    long: Long, reviewer: BrowserContext, slack: float
) -> None:
    opened(reviewer, long).close()
    usable, worked = [], []
    for _ in range(3):
        page = reviewer.new_page()
        inside = reviewer.new_cdp_session(page)
        inside.send("Performance.enable", {"timeDomain": "threadTicks"})
        began = time.monotonic()
        page.goto(long.page, wait_until="domcontentloaded")
        page.wait_for_function("document.querySelectorAll('#ticks span').length > 0", polling=10)
        usable.append(time.monotonic() - began)
        worked.append(worked_s(inside))
        page.close()
    print(f"usable after {[round(each, 2) for each in usable]} s")
    print(f"worked for {[round(each, 2) for each in worked]} s")
    assert min(usable) <= 1.0 * slack
    assert min(worked) <= 1.0


def test_an_incident_is_reached_fast_and_both_streams_agree(
    long: Long, reviewer: BrowserContext, slack: float
) -> None:
    page = opened(reviewer, long)
    with page.expect_response("**/look"):
        page.keyboard.press("n")
    times = [seek_ms(page, "n") for _ in range(12)]
    print(f"seek, ms: {[round(each) for each in times]}")
    camera, screen = shown_s(page)
    assert abs(camera - screen) <= 0.2
    assert statistics.median(times) <= 500 * slack
    page.close()


def test_twenty_incidents_are_decided_by_keyboard_alone(
    long: Long, reviewer: BrowserContext, slack: float
) -> None:
    page = opened(reviewer, long)
    times = []
    for _ in range(DECIDED):
        began = time.monotonic()
        with page.expect_response("**/look"):
            page.keyboard.press("n")
        page.keyboard.press("d")
        page.keyboard.press("3")
        with page.expect_navigation():
            page.keyboard.press("s")
        expect(page.locator("#clock")).to_contain_text("3:00:00")
        times.append(time.monotonic() - began)
    print(f"page time, s: median {statistics.median(times):.2f}, most {max(times):.2f}")
    with long.db.reading() as tx:
        given = tx.scalars(select(Verdict).where(Verdict.sitting_id == long.sitting_id)).all()
    assert len({each.incident_id for each in given}) == DECIDED
    assert {each.reason for each in given} == {"The recording does not show this fact."}
    assert statistics.median(times) <= 10 * slack
    page.close()


def test_shortcuts_can_be_switched_off(long: Long, reviewer: BrowserContext) -> None:
    page = opened(reviewer, long)
    page.locator("#shortcuts").uncheck()
    page.keyboard.press("d")
    assert page.locator("#verdict-form input:checked").count() == 0
    page.reload()
    assert not page.locator("#shortcuts").is_checked()
    page.locator("#shortcuts").check()
    page.close()


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_nothing_is_seen_before_it_is_asked_for_and_axe_is_content(
    long: Long, browser: Browser, language: str
) -> None:
    context = signed_in(browser, long.link("rustam"), language)
    page = context.new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(long.page)
    page.wait_for_load_state("networkidle")
    assert [url for url in fetched if "/recordings/" in url or "/clips/" in url] == []
    with page.expect_response("**/look"):
        page.keyboard.press("n")
    assert violations(page) == []
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= 375")
    assert violations(page) == []
    context.close()


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_axe_is_content_with_the_pages_around(long: Long, browser: Browser, language: str) -> None:
    course, own = f"/courses/{long.course_id}", f"/sittings/{long.appealed_id}"
    pages = {
        "rustam": [
            "/review",
            "/review?show=all&kind=paste",
            f"/review/sittings/{long.sample_id}",
            f"/review{own}",
            f"/review/blind/{long.blind_id}",
            f"/proctor/sittings/{long.running_id}",
        ],
        "olga": [
            "/office/quality",
            f"/office{course}/accommodations",
            f"/office{course}/events/final",
            f"/office{course}/events/midterm",
        ],
        "alice": ["/exams", f"{course}/identity"],
        "bob": ["/notices", f"{own}/record"],
        "charlie": [f"/sittings/{long.running_id}"],
    }
    for name, paths in pages.items():
        context = signed_in(browser, long.link(name), language)
        if name == "charlie":
            long.hand_over(name)
        page = context.new_page()
        for path in paths:
            answer = page.goto(long.url + path)
            assert answer is not None
            assert answer.status == 200, path
            if long.running_id in path:
                # what only shows when something happens, all at once
                page.evaluate(UNHIDE)
            assert violations(page) == []
            page.set_viewport_size({"width": 375, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= 375"), path
            page.set_viewport_size({"width": 1280, "height": 800})
        context.close()
