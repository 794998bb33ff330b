"""An exam in a real browser over a service that the test starts, kills and watches."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from sqlalchemy import select

from proctor.clock import Clock
from proctor.commands import service as process
from proctor.commands import stage, visits
from proctor.commands.camera_film import make_film, read_footage
from proctor.commands.seed import seed_demo
from proctor.inference.pool import InferencePool
from proctor.media.recorder import read_recorded
from proctor.media.tables import MediaGap, Recording
from proctor.observations import Track
from proctor.people import sign_in
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.sittings.tables import Sitting
from proctor.vault import Vault
from tests.support.chromium import open_chromium, signed_in
from tests.support.waiting import wait_until

EXAM_S = 120
# shorter than the exam: it begins again
FILM_S = 30.0


@dataclass(frozen=True)
class Exam:
    """A service that is started and killed at will, and the ways in."""

    settings: Settings
    db: Database
    link: str
    reviewer_id: str

    def reviewer_link(self) -> str:
        with self.db.transaction() as tx:
            token = sign_in.make_link(tx, self.reviewer_id, Clock().now())
        return f"{self.settings.url}/sign-in/{token}"

    @property
    def log(self) -> Path:
        return self.settings.data_dir / "service.log"

    def sitting(self) -> Sitting:
        with self.db.transaction() as tx:
            return tx.scalars(select(Sitting)).one()

    def files(self) -> set[Path]:
        """Recordings of what arrived, with pictures in them."""
        found = self.settings.recordings_dir.glob("*/*-0*.webm")
        return {path for path in found if path.stat().st_size > 0}

    def wait_for_new(self, before: set[Path], limit_s: float = 30.0) -> float:
        """Seconds until both tracks have a file with pictures that was not there *before*."""

        def streams() -> bool:
            return len({path.name.split("-")[0] for path in self.files() - before}) == len(Track)

        return wait_until(streams, limit_s)


@pytest.fixture
def exam_s() -> int:
    return EXAM_S


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, port=process.free_port())


@pytest.fixture
def exam(settings: Settings, exam_s: int) -> Iterator[Exam]:
    db = Database(settings.database)
    db.upgrade()
    vault = Vault(institution_key(settings))
    pool = InferencePool(workers=1, models_dir=settings.models_dir, backend=settings.face_backend)
    portrait = visits.assess_portrait(pool, stage.MATERIAL / "portrait_honest.jpg")
    with db.transaction() as tx:
        now = Clock().now()
        seeded = seed_demo(tx, settings.institution, now, exam_s=exam_s)
        office = visits.Desk(tx, vault, seeded.office, now)
        learner = seeded.learners[2]
        visits.consent(office, learner)
        visits.enrol_face(office, pool, learner, portrait)
        token = sign_in.make_link(tx, learner.id, now)
    pool.close()
    yield Exam(settings, db, f"{settings.url}/sign-in/{token}", seeded.reviewers[0].id)
    db.close()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mjpeg"
    make_film(path, FILM_S, read_footage(stage.MATERIAL / "camera_honest.mp4", FILM_S), seed=5)
    return path


@pytest.fixture
def filmed(playwright: Playwright, film: Path) -> Iterator[Browser]:
    """A browser whose webcam shows the honest learner."""
    with open_chromium(playwright, film) as browser:
        yield browser


def begin(page: Page, link: str) -> None:
    """From the sign-in link to the questions."""
    connect(page, link)
    start(page, lambda: page.locator("#start-button:enabled").click())


def start(page: Page, press: Callable[[], None]) -> None:
    """Into the exam. A start is refused while the pictures are away for a moment: tried again."""
    paper, refused = page.locator("#paper textarea"), page.locator("#start-status:not(:empty)")
    for _ in range(20):
        press()
        expect(paper.or_(refused).first).to_be_visible()
        if paper.count():
            return
    pytest.fail("the exam did not start")


def connect(page: Page, link: str) -> None:
    """From the sign-in link to camera and screen on their way."""
    page.set_default_timeout(60_000)
    page.goto(link)
    page.locator("main form button").click()
    page.wait_for_url("**/exams")
    page.locator("form[action$='/sittings'] button").click()
    # loaded: a click before its script runs is lost
    page.wait_for_url("**/sittings/*")
    share(page)


def share(page: Page) -> None:
    """Camera and screen on their way."""
    for source in ("camera", "screen"):
        page.locator(f"#{source}-button:enabled").click()
        page.locator(f"#{source}-check[data-state=ok]").wait_for()
    page.locator("#connect-button:enabled").click()


def hand_in(page: Page) -> str:
    """The receipt's hash."""
    page.locator("#finish-button").click()
    page.locator("#confirm-finish").click()
    # after thirty deaths there are some hundred files to close
    expect(page.locator("#receipt-link")).to_be_visible(timeout=180_000)
    expect(page.locator("#receipt-hash")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
    return page.locator("#receipt-hash").inner_text()


SEEK = """async (url) => {
  const video = document.createElement("video");
  video.muted = true;
  video.src = url;
  const once = (name) => new Promise((done, failed) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener("error", () => failed(video.error?.message), { once: true });
  });
  await once("loadedmetadata");
  const wanted = video.duration * 0.6;
  const sought = once("seeked");
  const began = performance.now();
  video.currentTime = wanted;
  await sought;
  const took = performance.now() - began;
  return [Math.abs(video.currentTime - wanted), video.videoWidth, video.duration, took];
}"""


def every_file_seeks(browser: Browser, exam: Exam) -> None:
    """Chromium opens each recording from the review room and jumps into the middle of it."""
    page = signed_in(browser, exam.reviewer_link(), "en").new_page()
    page.goto(f"{exam.settings.url}/review")
    root = exam.settings.recordings_dir
    with exam.db.transaction() as tx:
        files = [row for row in tx.scalars(select(Recording)) if row.bytes > 0]
    # one whose recorder was killed in its first second holds no picture
    held = [row for row in files if read_recorded(root / row.path).intervals]
    assert held
    for row in held:
        off_s, width, length_s, _ = page.evaluate(SEEK, f"/review/recordings/{row.id}")
        assert off_s < 0.01
        assert width >= 160
        assert length_s > 0


def running_recordings_seek(browser: Browser, exam: Exam, slack: float) -> None:
    """The review room jumps into recordings that still grow."""
    page = signed_in(browser, exam.reviewer_link(), "en").new_page()
    page.goto(f"{exam.settings.url}/review/sittings/{exam.sitting().id}")
    tracks = json.loads(page.locator("#page-data").inner_text())["tracks"]
    for track in Track:
        # a page that was slow to connect has an earlier part, which does not grow
        (part,) = (each for each in tracks[track.value] if "until" in each["url"])
        off_s, _, length_s, took_ms = page.evaluate(SEEK, part["url"])
        print(f"{track}: sought in {length_s:.1f} s that grow, in {took_ms:.0f} ms")
        assert off_s < 0.01
        assert length_s > 3.0
        assert took_ms <= 500 * slack
    page.context.close()


def missing_s(gaps: list[MediaGap]) -> float:
    return sum(gap.end_s - gap.start_s for gap in gaps)
