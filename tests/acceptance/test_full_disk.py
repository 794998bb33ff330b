"""A small disk is filled in the middle of an exam: only the pictures stop, and they come back."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

from proctor import events
from proctor.commands import service as process
from proctor.media import ledger
from proctor.media.tables import MediaGap
from proctor.observations import Track
from proctor.settings import Settings
from proctor.sittings.tables import Answer, SittingState
from tests.support.chromium import signed_in
from tests.support.small_disk import mounted
from tests.support.waiting import wait_until
from tests.support.watched_exam import Exam, begin, every_file_seeks, hand_in, missing_s

pytestmark = [pytest.mark.acceptance, pytest.mark.faults]

DISK_MIB, KEPT_FREE_MIB = 64, 16


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    root = tmp_path / "small"
    with mounted(root, DISK_MIB << 20):
        yield Settings(data_dir=root, port=process.free_port(), min_free_mib=KEPT_FREE_MIB)


@pytest.mark.parametrize("exam_s", [300])
def test_full_disk_stops_the_pictures_alone(filmed: Browser, exam: Exam) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}).new_page()
    root = exam.settings.data_dir
    with process.running(exam.settings, exam.log):
        begin(page, exam.link)
        exam.wait_for_new(set())
        essay = page.locator("#paper textarea").first
        essay.press_sequentially("Before. ")
        before = exam.files()
        free = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize
        (root / "ballast").write_bytes(bytes(free - (2 << 20)))
        wait_until(lambda: stops(exam) == {"recorder_disk_low"}, 20.0)

        sizes = {path: path.stat().st_size for path in before}
        revision = saved(exam)
        essay.press_sequentially("While the disk is full. ")
        wait_until(lambda: saved(exam) > revision, 15.0)
        batch = exam.sitting().last_batch
        wait_until(lambda: exam.sitting().last_batch > batch + 1, 15.0)
        reviewer = signed_in(filmed, exam.reviewer_link(), "en").new_page()
        shown = reviewer.goto(f"{exam.settings.url}/review/sittings/{exam.sitting().id}")
        assert shown is not None
        assert shown.ok
        time.sleep(3.0)
        assert {path: path.stat().st_size for path in before} == {
            path: pytest.approx(size, rel=0.2) for path, size in sizes.items()
        }

        (root / "ballast").unlink()
        back_s = exam.wait_for_new(before, 35.0)
        print(f"recording again {back_s:.1f} s after there was room")
        assert back_s <= 30.0
        time.sleep(3.0)
        hand_in(page)
        every_file_seeks(filmed, exam)
    sitting = exam.sitting()
    assert sitting.state is SittingState.FINISHED
    assert sitting.exam_s is not None
    with exam.db.transaction() as tx:
        assert events.verify(tx, sitting.id) is None
        gaps = list(tx.scalars(select(MediaGap)))
        told_s = {track: ledger.accounted_s(tx, sitting.id, track) for track in Track}
    for track in Track:
        lost = [gap for gap in gaps if gap.track is track]
        assert abs(told_s[track] - sitting.exam_s) <= 1.0
        assert missing_s([gap for gap in lost if gap.cause == "recorder_disk_low"]) > 5.0


def saved(exam: Exam) -> int:
    """Which version of the answers the service has."""
    with exam.db.transaction() as tx:
        return sum(tx.scalars(select(Answer.revision)))


def stops(exam: Exam) -> set[str]:
    """Why both tracks are not recorded, as the events say."""
    with exam.db.transaction() as tx:
        told = events.read(tx, exam.sitting().id, "observation")
    stopped = [values for each in told if "cause" in (values := each.payload["values"])]
    both = {values["track"] for values in stopped} == set(Track)
    return {values["cause"] for values in stopped} if both else set()
