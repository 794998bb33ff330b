"""A line that becomes thin under a real browser: fewer pictures, stills, and all of them again."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from proctor import events
from proctor.commands import service as process
from proctor.incidents.tables import IncidentRow
from proctor.media.tables import MediaGap, Recording
from proctor.observations import Track
from proctor.sittings.tables import SittingState
from tests.support.thin_line import ThinLine
from tests.support.watched_exam import Exam, begin, hand_in, missing_s

pytestmark = [pytest.mark.acceptance, pytest.mark.faults]


@pytest.fixture
def line() -> Iterator[ThinLine]:
    with ThinLine() as line:
        yield line


def paces(exam: Exam) -> list[tuple[str, int | None]]:
    """What the page said it sends, and what it had measured."""
    with exam.db.transaction() as tx:
        told = events.read(tx, exam.sitting().id, "observation")
    facts = [each.payload for each in told if each.payload["name"] == "pace"]
    return [(fact["values"]["pace"], fact["values"].get("kbit_s")) for fact in facts]


def wait_for(page: Page, exam: Exam, pace: str, limit_s: float) -> float:
    began = time.monotonic()
    while not paces(exam) or paces(exam)[-1][0] != pace:
        assert time.monotonic() - began < limit_s, (pace, paces(exam))
        page.wait_for_timeout(200)
    return time.monotonic() - began


@pytest.mark.parametrize("exam_s", [600])
def test_thin_line_costs_pictures_and_never_the_exam(
    filmed: Browser, exam: Exam, line: ThinLine
) -> None:
    context = filmed.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    line.put_before(context)
    page = context.new_page()
    with process.running(exam.settings, exam.log):
        begin(page, exam.link)
        page.wait_for_timeout(10_000)
        assert paces(exam) == []
        line.kbit_s = 170
        print(f"170 kbit/s: low after {wait_for(page, exam, 'low', 40.0):.0f} s")
        expect(page.locator("#pace")).to_be_visible()
        print(page.locator("#pace").inner_text())
        page.wait_for_timeout(8_000)
        line.kbit_s = 50
        print(f"50 kbit/s: stills after {wait_for(page, exam, 'stills', 40.0):.0f} s")
        print(page.locator("#pace").inner_text())
        files = {path: path.stat().st_size for path in exam.files()}
        page.wait_for_timeout(30_000)
        grown = {p.name: p.stat().st_size - files.get(p, 0) for p in exam.files()}
        print(f"30 s of stills: {grown} bytes more")
        line.kbit_s = None
        print(f"wide again: full after {wait_for(page, exam, 'full', 120.0):.0f} s")
        expect(page.locator("#pace")).to_be_hidden()
        page.wait_for_timeout(5_000)
        hand_in(page)
    sitting = exam.sitting()
    assert sitting.state is SittingState.FINISHED
    assert sitting.exam_s is not None
    with exam.db.transaction() as tx:
        files_of = list(tx.scalars(select(Recording)))
        gaps = list(tx.scalars(select(MediaGap)))
        incidents = {row.kind for row in tx.scalars(select(IncidentRow))}
    print(paces(exam), incidents, f"{sitting.exam_s:.0f} s")
    for track in Track:
        lost = [gap for gap in gaps if gap.track is track]
        recorded_s = sum(file.recorded_s for file in files_of if file.track is track)
        by_cause = {gap.cause: 0.0 for gap in lost}
        for gap in lost:
            by_cause[gap.cause] += gap.end_s - gap.start_s
        print(track, f"recorded {recorded_s:.1f} s", by_cause)
        for gap in sorted(lost, key=lambda gap: gap.start_s):
            print(f"  {gap.cause} {gap.start_s:.1f} to {gap.end_s:.1f} s")
        assert abs(recorded_s + missing_s(lost) - sitting.exam_s) <= 1.0
        assert by_cause["stills_only"] > 25.0
