"""The service is killed in the middle of an exam; the page comes back and nothing is lost."""

import hashlib
import random
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import Popen

import av
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from proctor import events
from proctor.clock import Clock
from proctor.commands import service as process
from proctor.incidents.builder import clips_of
from proctor.media import ledger
from proctor.media.recorder import read_recorded
from proctor.media.tables import MediaGap, Recording, Source
from proctor.observations import Track
from proctor.settings import institution_key
from proctor.sittings import desk
from proctor.sittings.tables import Answer, SittingState
from proctor.vault import Vault
from tests.support.watched_exam import (
    Exam,
    begin,
    every_file_seeks,
    hand_in,
    missing_s,
    running_recordings_seek,
)

pytestmark = pytest.mark.acceptance

BEFORE = "Written before the service was killed."
AFTER = " And after it came back."
# what may have kept a picture from being recorded here
CAUSES = {"server_restart", "no_packets", "reconnected", "connection_left", "unknown"}


def decoded(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@dataclass(frozen=True)
class Death:
    """One kill: when, what was lost of each track before it, how soon the page was back."""

    at: datetime
    resumed_s: float
    lost_s: dict[Track, float]


def kill(service: Popen[bytes], exam: Exam, since: datetime) -> tuple[datetime, dict[Track, float]]:
    """End the process without a word: when, and seconds of each track's pictures that are lost.

    ``since``: when the page began to stream.
    """
    service.kill()
    at = Clock().now()
    service.wait()
    sitting, lost_s = exam.sitting(), {}
    assert sitting.started_at is not None
    for track in Track:
        kept = sorted(path for path in exam.files() if path.name.startswith(track))
        # killed twice before a picture was written, the newest two are empty
        ends = [i.end for path in kept for i in read_recorded(path).intervals]
        last = sitting.started_at + timedelta(seconds=max(ends) - sitting.exam_offset_s)
        lost_s[track] = (at - max(last, since)).total_seconds()
    return at, lost_s


def test_exam_survives_the_death_of_the_service(filmed: Browser, exam: Exam, slack: float) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}).new_page()
    with ExitStack() as stopped:
        first = stopped.enter_context(process.running(exam.settings, exam.log))
        begin(page, exam.link)
        essay = page.locator("#paper textarea").first
        essay.press_sequentially(BEFORE)
        some_seconds_later = re.compile(r"^(1:([0-4].|5[0-4])|0:..)$")
        expect(page.locator("#clock")).to_have_text(some_seconds_later, timeout=20_000)
        running_recordings_seek(filmed, exam, slack)
        before = exam.files()
        _, lost_s = kill(first, exam, exam.sitting().created_at)
        assert max(lost_s.values()) <= 2.5 * slack
        essay.press_sequentially(AFTER)
        expect(page.locator("#notice")).to_be_visible()

        with process.running(exam.settings, exam.log):
            # the page is not touched: it comes back by itself
            assert exam.wait_for_new(before) < 20.0
            expect(page.locator("#notice")).to_be_hidden(timeout=20_000)
            time.sleep(4.0)
            receipt = hand_in(page)
            nothing_is_missing(exam, receipt)
            every_file_seeks(filmed, exam)


@pytest.mark.faults
@pytest.mark.parametrize("exam_s", [3600])
def test_exam_survives_thirty_deaths_at_random_moments(filmed: Browser, exam: Exam) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}).new_page()
    chance, deaths = random.Random(30), list[Death]()
    with ExitStack() as ended:
        service = ended.enter_context(process.running(exam.settings, exam.log))
        begin(page, exam.link)
        exam.wait_for_new(set())
        streaming = Clock().now()
        for _ in range(30):
            time.sleep(chance.uniform(0.0, 6.0))
            before = exam.files()
            at, lost_s = kill(service, exam, streaming)
            time.sleep(chance.uniform(0.0, 4.0))
            service = ended.enter_context(process.running(exam.settings, exam.log))
            deaths.append(Death(at, exam.wait_for_new(before), lost_s))
            streaming = Clock().now()
            print(f"back after {deaths[-1].resumed_s:.2f} s, lost {lost_s}", flush=True)
        receipt = hand_in(page)
        assert exam.sitting().state is SittingState.FINISHED
        every_file_seeks(filmed, exam)
    resumed = sorted(each.resumed_s for each in deaths)
    print(f"streaming again: median {resumed[15]:.2f} s, 95th percentile {resumed[28]:.2f} s")
    assert resumed[28] <= 5.0
    assert max(max(each.lost_s.values()) for each in deaths) <= 2.0
    each_is_in_the_ledger(exam, deaths, receipt)


def each_is_in_the_ledger(exam: Exam, deaths: Sequence[Death], receipt: str) -> None:
    sitting = exam.sitting()
    assert sitting.started_at is not None
    assert sitting.exam_s is not None
    with exam.db.transaction() as tx:
        assert events.verify(tx, sitting.id) is None
        assert desk.receipt(tx, sitting).hash == receipt
        files, gaps = list(tx.scalars(select(Recording))), list(tx.scalars(select(MediaGap)))
        told_s = {track: ledger.accounted_s(tx, sitting.id, track) for track in Track}
    for track in Track:
        lost = [gap for gap in gaps if gap.track is track]
        assert abs(told_s[track] - sitting.exam_s) <= 1.0
        assert {gap.cause for gap in lost} <= CAUSES
        sent = [file for file in files if file.track is track and file.source is not Source.LIVE]
        spans = [(gap.start_s, gap.end_s) for gap in lost]
        spans += [(file.starts_s, file.starts_s + file.recorded_s) for file in sent]
        for death in deaths:
            # what the page sent afterwards may have filled all of it but an edge
            at_s = (death.at - sitting.started_at).total_seconds()
            assert [start for start, end in spans if start - 0.5 <= at_s <= end + 0.5]
        restarts = [gap for gap in lost if gap.cause == "server_restart"]
        print(f"{track}: {len(restarts)} gaps of {len(deaths)} deaths say server_restart")


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
        assert len(events.read(tx, sitting.id, "media_connected")) >= 2
        batches = [event.payload["seq"] for event in events.read(tx, sitting.id, "batch_kept")]
        assert batches == list(range(1, sitting.last_batch + 1))
        files = list(tx.scalars(select(Recording)))
        gaps = list(tx.scalars(select(MediaGap)))
        clips = clips_of(tx, sitting.id)
        told_s = {track: ledger.accounted_s(tx, sitting.id, track) for track in Track}

    for track in Track:
        held = [file for file in files if file.track is track and file.source is Source.LIVE]
        sent = [file for file in files if file.track is track and file not in held]
        lost = [gap for gap in gaps if gap.track is track]
        assert len(held) >= 2
        sent_s = sum(file.recorded_s for file in sent)
        assert abs(told_s[track] - sitting.exam_s) <= 1.0
        # what the page kept while the service was away is there too
        assert sent_s >= 2.0
        restart = [gap for gap in lost if gap.cause == "server_restart"]
        assert missing_s(restart) > 0.0
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
