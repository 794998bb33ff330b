"""The service is killed in the middle of an exam; the page comes back and nothing is lost."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from sqlalchemy import select

from proctor import events
from proctor.clock import Clock
from proctor.commands import service as process
from proctor.commands import stage, visits
from proctor.commands.camera_film import make_film, read_footage
from proctor.commands.seed import seed_demo
from proctor.incidents.builder import clips_of
from proctor.inference import InferencePool
from proctor.media.tables import MediaGap, Recording
from proctor.observations import Track
from proctor.people import sign_in
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.sittings import desk
from proctor.sittings.tables import Answer, Sitting, SittingState
from proctor.vault import Vault
from tests.support.chromium import open_chromium

pytestmark = pytest.mark.acceptance

EXAM_S = 40
# shorter than the exam: it begins again
FILM_S = 30.0
BEFORE = "Written before the service was killed."
AFTER = " And after it came back."
# what may have kept a picture from being recorded here
CAUSES = {"server_restart", "no_packets", "unknown"}


@dataclass(frozen=True)
class Exam:
    """A service that is started and killed at will, and the learner's way in."""

    settings: Settings
    db: Database
    link: str

    @property
    def log(self) -> Path:
        return self.settings.data_dir / "service.log"

    def sitting(self) -> Sitting:
        with self.db.transaction() as tx:
            return tx.scalars(select(Sitting)).one()


@pytest.fixture
def exam(tmp_path: Path) -> Iterator[Exam]:
    settings = Settings(data_dir=tmp_path, port=process.free_port())
    db = Database(settings.database)
    db.upgrade()
    vault = Vault(institution_key(settings))
    pool = InferencePool(workers=1, models_dir=settings.models_dir, backend=settings.face_backend)
    portrait = visits.assess_portrait(pool, stage.MATERIAL / "portrait_honest.jpg")
    with db.transaction() as tx:
        now = Clock().now()
        seeded = seed_demo(tx, settings.institution, now, exam_s=EXAM_S)
        office = visits.Desk(tx, vault, seeded.office, now)
        learner = seeded.learners[2]
        visits.consent(office, learner)
        visits.enrol_face(office, pool, learner, portrait)
        token = sign_in.make_link(tx, learner.id, now)
    pool.close()
    yield Exam(settings, db, f"{settings.url}/sign-in/{token}")
    db.close()


@pytest.fixture
def filmed(playwright: Playwright, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose webcam shows the honest learner."""
    film = tmp_path / "film.mjpeg"
    make_film(film, FILM_S, read_footage(stage.MATERIAL / "camera_honest.mp4", FILM_S), seed=5)
    with open_chromium(playwright, film) as browser:
        yield browser


def begin(page: Page, link: str) -> None:
    """From the sign-in link to the questions."""
    page.set_default_timeout(60_000)
    page.goto(link)
    page.locator("main form button").click()
    page.wait_for_url("**/exams")
    page.locator("form[action$='/sittings'] button").click()
    # loaded: a click before its script runs is lost
    page.wait_for_url("**/sittings/*")
    for source in ("camera", "screen"):
        page.locator(f"#{source}-button:enabled").click()
        page.locator(f"#{source}-check[data-state=ok]").wait_for()
    page.locator("#connect-button:enabled").click()
    page.locator("#start-button:enabled").click()
    expect(page.locator("#paper textarea").first).to_be_visible()


def missing_s(gaps: list[MediaGap]) -> float:
    return sum(gap.end_s - gap.start_s for gap in gaps)


def decoded(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_exam_survives_the_death_of_the_service(filmed: Browser, exam: Exam) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}).new_page()
    with ExitStack() as stopped:
        first = stopped.enter_context(process.running(exam.settings, exam.log))
        begin(page, exam.link)
        essay = page.locator("#paper textarea").first
        essay.press_sequentially(BEFORE)
        expect(page.locator("#clock")).to_have_text(re.compile(r"^0:3[0-4]$"), timeout=20_000)
        first.kill()
        first.wait()
        essay.press_sequentially(AFTER)
        expect(page.locator("#notice")).to_be_visible()

        with process.running(exam.settings, exam.log):
            # the page is not touched: it comes back by itself
            expect(page.locator("#notice")).to_be_hidden(timeout=20_000)
            expect(page.locator("#clock")).to_have_text(
                re.compile(r"^(0:1\d|0:0\d)$"), timeout=30_000
            )
            page.locator("#finish-button").click()
            page.locator("#confirm-finish").click()
            expect(page.locator("#receipt-link")).to_be_visible(timeout=30_000)
            expect(page.locator("#receipt-hash")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
            nothing_is_missing(exam, page.locator("#receipt-hash").inner_text())


def nothing_is_missing(exam: Exam, receipt: str) -> None:
    sitting, recordings_dir = exam.sitting(), exam.settings.recordings_dir
    assert sitting.state is SittingState.FINISHED
    assert sitting.exam_s is not None
    vault = Vault(institution_key(exam.settings))
    with exam.db.transaction() as tx:
        assert events.verify(tx, sitting.id) is None
        assert desk.receipt(tx, sitting).hash == receipt
        answers = list(tx.scalars(select(Answer)))
        texts = [vault.open(tx, sitting.account_id, "answer", row.sealed) for row in answers]
        assert BEFORE + AFTER in [text.decode() for text in texts]
        assert len(events.read(tx, sitting.id, "media_connected")) == 2
        batches = [event.payload["seq"] for event in events.read(tx, sitting.id, "batch_kept")]
        assert batches == list(range(1, sitting.last_batch + 1))
        files = list(tx.scalars(select(Recording)))
        gaps = list(tx.scalars(select(MediaGap)))
        clips = clips_of(tx, sitting.id)

    for track in Track:
        held = [file for file in files if file.track is track]
        lost = [gap for gap in gaps if gap.track is track]
        assert [file.part for file in held] == [1, 2]
        recorded_s = sum(file.recorded_s for file in held)
        assert abs(recorded_s + missing_s(lost) - sitting.exam_s) <= 1.0
        assert recorded_s >= sitting.exam_s - 20.0
        restart = [gap for gap in lost if gap.cause == "server_restart"]
        assert missing_s(restart) >= 1.0
        assert {gap.cause for gap in lost} <= CAUSES
        assert missing_s([gap for gap in lost if gap.cause == "unknown"]) <= 2.5
    for file in files:
        path = recordings_dir / file.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
        assert decoded(path) > 0
    assert {clip.track for clip in clips} == set(Track)
    for clip in clips:
        path = recordings_dir / clip.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == clip.sha256
        assert decoded(path) > 0
