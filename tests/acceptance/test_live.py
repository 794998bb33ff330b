"""A proctor watches an exam in one browser that a student sits in another."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from sqlalchemy import select

from proctor import events
from proctor.catalogue import translate
from proctor.clock import Clock
from proctor.commands import service as process
from proctor.exams.accommodations import Effect, grant
from proctor.exams.external_tests import set_address
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent
from proctor.identity.tables import TypingSample
from proctor.people import accounts, sign_in
from proctor.people.tables import Account, Role
from proctor.settings import institution_key
from proctor.sittings.interventions import said_in
from proctor.vault import Vault
from tests.support.axe import violations
from tests.support.chromium import signed_in
from tests.support.waiting import wait_until
from tests.support.watched_exam import Exam, begin, share

pytestmark = pytest.mark.acceptance

OPENS_S = BEHIND_S = 2.0
TOLD_S = 3.0
REASON = "The fire alarm rings."
PLAYING = """(() => { const videos = [...document.querySelectorAll('video')];
  return videos.length === 2 && videos.every((each) => each.readyState >= 3); })()"""
# what was sent to the service before is lost, and it is not found again
CUT = """() => {
  const Theirs = WebSocket, send = Theirs.prototype.send;
  Theirs.prototype.send = () => undefined;
  window.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006 })); } };
  window.mend = () => { Theirs.prototype.send = send; window.WebSocket = Theirs; };
}"""


def proctor(browser: Browser, exam: Exam, user: str, language: str = "en") -> BrowserContext:
    with exam.db.transaction() as tx:
        account = accounts.by_email(tx, f"{user}@example.org")
        token = sign_in.make_link(tx, account.id, Clock().now())
    return signed_in(browser, f"{exam.settings.url}/sign-in/{token}", language)


def act(live: Page, name: str) -> None:
    """Open one of the forms, give the reason and send it."""
    live.locator(f"#{name} > summary").click()
    live.locator(f"#{name}-reason").fill(REASON)
    if name == "end":
        live.locator("#end input[name=confirmed]").check()
    live.locator(f"#{name} form button").click()


def shown_s(page: Page) -> int:
    minutes, seconds = page.locator("#clock").inner_text().split(":")
    return 60 * int(minutes) + int(seconds)


@pytest.mark.parametrize("exam_s", [300])
def test_proctor_watches_speaks_and_acts(filmed: Browser, exam: Exam, slack: float) -> None:
    student = filmed.new_context(viewport={"width": 1280, "height": 900}).new_page()
    furnish(exam)
    with process.running(exam.settings, exam.log):
        begin(student, exam.link)
        context = proctor(filmed, exam, "proctor")
        live = context.new_page()
        sees_the_wall(live, exam)
        opens_the_sitting(live, slack)
        they_speak(live, student, slack)
        takes_a_break(live, student)
        goes_to_the_test(live, student)
        reloads_with_typing_unsent(student, exam)
        pauses_and_extends(live, student)
        hands_in_nothing_unsaved(student)
        extends_at_the_last_moment(live, student)
        extends_for_one_who_is_cut_off(live, student)
        two_people_end_it(filmed, exam, live, student)
        assert all_is_written(exam)


def furnish(exam: Exam) -> None:
    """The student may take breaks, and the test is on another site."""
    now = Clock().now()
    with exam.db.transaction() as tx:
        final = tx.scalars(select(AssessmentEvent).where(AssessmentEvent.code == "final")).one()
        learner = tx.scalars(select(Account).where(Account.learner_number == "D-26003")).one()
        office = tx.scalars(select(Account).where(Account.role == Role.EXAM_OFFICE)).one()
        grant(tx, office, learner, None, [Effect.BREAKS], 0, now)
        course_id = course_of(tx, final).id
        set_address(tx, course_id, final.code, "https://quiz.example/7", office, now)


def sees_the_wall(page: Page, exam: Exam) -> None:
    page.goto(f"{exam.settings.url}/proctor/wall")
    for track in ("camera", "screen"):
        expect(page.locator(f".tile-{track} img")).to_be_visible()
    expect(page.locator(".tile-name")).to_have_text("Student D-26003")
    page.locator("#show-names").check()
    expect(page.locator(".tile-name")).to_have_text("Мөлдір Әбдіқадырова")
    for language in ("kk", "ru", "en"):
        cookie = {"name": "tanu_language", "value": language, "url": exam.settings.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.reload()
        expect(page.locator(".tile-screen img")).to_be_visible()
        assert violations(page) == []


def opens_the_sitting(page: Page, slack: float) -> None:
    page.locator(".tile a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/proctor/sittings/*", wait_until="commit")
    wait_until(lambda: page.evaluate(PLAYING), OPENS_S * slack)
    for track in ("camera", "screen"):
        assert behind_s(page.locator(f"#lag-{track}")) <= BEHIND_S * slack
    assert violations(page) == []


def behind_s(lag: Locator) -> float:
    """The first delay that is told; between two looks there may be no picture."""
    told: list[str] = []
    wait_until(lambda: told.extend(re.findall(r"^(-?\d+\.\d) s behind$", lag.inner_text())) or told)
    return float(told[0])


def they_speak(live: Page, student: Page, slack: float) -> None:
    live.locator("#words").fill("Please move the lamp.")
    live.locator("#say-form button[value=message]").click()
    told = student.locator("#told-text")
    wait_until(lambda: told.inner_text() == "Please move the lamp.", TOLD_S * slack)
    expect(live.locator("#words")).to_have_value("")
    live.locator("#phrase").select_option("light")
    live.locator("#say-form button[value=warning]").click()
    expect(told).to_have_text("Warning: Please turn on the light or face a window.")
    assert violations(student) == []
    student.locator("#told-reply").click()
    student.keyboard.type("It is on now.")
    student.locator("#talk-form button").click()
    reply = live.locator(".live-line-reply .live-text")
    wait_until(reply.count, TOLD_S * slack)
    expect(reply).to_have_text("Student: It is on now.")


def takes_a_break(live: Page, student: Page) -> None:
    student.locator("#break-button").click()
    expect(student.locator("#on-break")).to_be_visible()
    expect(student.locator("#paper")).to_be_hidden()
    expect(student.locator("#break-end")).to_be_focused()
    expect(live.locator("#state")).to_contain_text("Break")
    assert violations(student) == []
    student.keyboard.press("Enter")
    expect(student.locator("#on-break")).to_be_hidden()
    expect(student.locator("#paper")).to_be_visible()
    said = ["The student left for a break", "The student is back from the break"]
    expect(live.locator(".live-line-break .live-text")).to_have_text(said)


def goes_to_the_test(live: Page, student: Page) -> None:
    student.context.route("https://quiz.example/**", lambda route: route.fulfill(body="Quiz"))
    with student.context.expect_page() as opened:
        student.locator("#test-open").click()
    opened.value.wait_for_url("https://quiz.example/7?tanu_code=*")
    expect(student.locator("#test-back")).to_be_visible()
    assert violations(student) == []
    opened.value.close()
    student.locator("#test-back").click()
    expect(student.locator("#test-back")).to_be_hidden()
    expect(live.locator(".live-line-break .live-text")).to_have_count(4)
    hidden = translate("en", "incident.page_hidden")
    expect(live.locator(".live-line").filter(has_text=hidden)).to_have_count(0)


def reloads_with_typing_unsent(student: Page, exam: Exam) -> None:
    """Typed while nothing got through: the page takes it along, and leaves nothing of it."""

    def keys() -> int:
        with exam.db.reading() as tx:
            return sum(tx.scalars(select(TypingSample.n_keys)))

    assert keys() == 0
    student.evaluate("WebSocket.prototype.send = () => undefined")
    student.locator("#paper textarea").first.focus()
    student.keyboard.type("before the reload")
    student.reload()
    share(student)
    student.locator("#start-button:enabled").click()
    expect(student.locator("#paper textarea").first).to_be_visible()
    wait_until(lambda: keys() == 17)
    assert student.evaluate("sessionStorage.length") == 0


def pauses_and_extends(live: Page, student: Page) -> None:
    act(live, "pause")
    expect(student.locator("#paused")).to_be_visible()
    expect(student.locator("#paper")).to_be_hidden()
    left_s = shown_s(student)
    assert violations(student) == []
    act(live, "extension")
    expect(live.locator("#state")).to_have_text("Paused")
    wait_until(lambda: shown_s(student) == left_s + 300)
    live.locator("#resume").click()
    expect(student.locator("#paused")).to_be_hidden()
    expect(student.locator("#paper")).to_be_visible()
    wait_until(lambda: shown_s(student) < left_s + 300)


def hands_in_nothing_unsaved(student: Page) -> None:
    student.route("**/answers/*", lambda route: route.abort())
    student.locator("#paper textarea").first.fill("Half a sentence")
    student.locator("#finish-button").click()
    student.locator("#confirm-finish").click()
    expect(student.locator("#finish-status")).to_contain_text("Answers not saved yet: 1")
    student.locator("#cancel-finish").click()
    student.unroute("**/answers/*")
    saved = student.locator("[data-question]", has=student.locator("textarea")).first
    expect(saved.locator("[data-save]")).to_have_text("Saved")


def extends_at_the_last_moment(live: Page, student: Page) -> None:
    """The page's time is over, and the service has not heard of it when more is given."""
    student.route("**/finish", lambda route: route.abort())
    is_over(student)
    act(live, "extension")
    expect(student.locator("#paper textarea").first).to_be_enabled()
    student.unroute("**/finish")
    assert shown_s(student) > 300


def extends_for_one_who_is_cut_off(live: Page, student: Page) -> None:
    """The page's time is over, and it could hand in, but does not hear the service."""
    student.evaluate(CUT)
    expect(student.locator("#notice")).to_contain_text("Connection lost")
    with student.expect_response("**/finish") as tried:
        is_over(student)
        act(live, "extension")
    assert tried.value.status == 409
    student.evaluate("window.mend()")
    expect(student.locator("#paper textarea").first).to_be_enabled()
    assert shown_s(student) > 300


def is_over(student: Page) -> None:
    student.evaluate(
        "performance.now = ((now) => () => now() + 1e6)(performance.now.bind(performance))"
    )
    expect(student.locator("#paper textarea").first).to_be_disabled()


def two_people_end_it(browser: Browser, exam: Exam, live: Page, student: Page) -> None:
    act(live, "end")
    expect(live.locator("#asked")).to_contain_text("A colleague has to agree")
    expect(student.locator("#paper")).to_be_visible()
    colleague = proctor(browser, exam, "reviewer").new_page()
    colleague.goto(live.url)
    expect(colleague.locator("#asked")).to_contain_text("asked to end the exam early")
    act(colleague, "end")
    expect(student.locator("#finish-text")).to_contain_text("The proctors ended the exam early")
    expect(live.locator("#state")).to_have_text("Finished")


def all_is_written(exam: Exam) -> bool:
    sitting, vault = exam.sitting(), Vault(institution_key(exam.settings))
    with exam.db.reading() as tx:
        said = [each.act.value for each in said_in(tx, vault, sitting)]
        views = [e.payload["what"] for e in events.read(tx, sitting.id, "recording_viewed")]
        assert events.verify(tx, sitting.id) is None
    assert views[:2] == [f"wall:{sitting.id}", f"live:{sitting.id}"]
    assert said == [
        "message",
        "warning",
        "reply",
        "pause",
        "extension",
        "resume",
        "extension",
        "extension",
        "end_asked",
        "end",
    ]
    return True
