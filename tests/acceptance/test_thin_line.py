"""A line that becomes thin under a real browser: fewer pictures, stills, and all of them again."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from proctor import events
from proctor.commands import service as process
from proctor.incidents.tables import IncidentRow
from proctor.media import files
from proctor.media.ledger import accounted_s
from proctor.media.tables import MediaGap
from proctor.observations import Track
from proctor.sittings.tables import SittingState
from tests.support.thin_line import ThinLine
from tests.support.watched_exam import Exam, begin, hand_in

pytestmark = [pytest.mark.acceptance, pytest.mark.faults]


# a shared screen that is nearly plain, and full of small text once it is told so
WRITTEN = """
const [width, height] = [1920, 1080];
const canvas = Object.assign(document.createElement("canvas"), { width, height });
const pen = canvas.getContext("2d");
const words = "what follows from a rule of assessment when no second reader has seen it".split(" ");
const word = (n) => words[(7 * n) % words.length];
let typed = 0;
window.rows = 0;
window.setInterval(() => {
  typed += 1;
  pen.fillStyle = "white";
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = "black";
  pen.font = "17px sans-serif";
  for (let row = 0; row <= window.rows; row += 1) {
    const length = row < window.rows ? 26 : typed % 26;
    const line = Array.from({ length }, (_, n) => word(row + n * n)).join(" ");
    pen.fillText(line, 60, 60 + 24 * row);
  }
}, 500);
navigator.mediaDevices.getDisplayMedia = async () => {
  const stream = canvas.captureStream(5);
  const [track] = stream.getVideoTracks();
  const own = track.getSettings.bind(track);
  track.getSettings = () => ({ ...own(), displaySurface: "monitor" });
  return stream;
};
"""


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


def pictures(exam: Exam) -> Counter[Track]:
    """How many are in the files of what arrived, by track."""
    found: Counter[Track] = Counter()
    for path in exam.files():
        track = Track(path.name.split("-")[0])
        with path.open("rb") as file:
            for cluster in files.scan(path).clusters:
                file.seek(cluster.offset)
                found[track] += len(list(files.read_blocks(file.read(cluster.size))))
    return found


@pytest.mark.parametrize("exam_s", [600])
def test_thin_line_costs_pictures_and_never_the_exam(
    filmed: Browser, exam: Exam, line: ThinLine
) -> None:
    context = filmed.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    line.put_before(context)
    page = context.new_page()
    page.add_init_script(WRITTEN)
    with process.running(exam.settings, exam.log):
        begin(page, exam.link)
        page.wait_for_timeout(10_000)
        assert paces(exam) == []
        line.kbit_s = 110
        print(f"110 kbit/s: low after {wait_for(page, exam, 'low', 40.0):.0f} s")
        expect(page.locator("#pace")).to_be_visible()
        print(page.locator("#pace").inner_text())
        page.wait_for_timeout(8_000)
        assert [pace for pace, _ in paces(exam)] == ["low"]
        line.kbit_s = 50
        page.evaluate("window.rows = 40")
        print(f"50 kbit/s: stills after {wait_for(page, exam, 'stills', 40.0):.0f} s")
        print(page.locator("#pace").inner_text())
        # what waits in the line leaves it; 19 s after the step a better pace may be tried
        page.wait_for_timeout(4_000)
        before = pictures(exam)
        page.wait_for_timeout(15_000)
        came = pictures(exam) - before
        print(f"15 s of stills: {came}")
        line.kbit_s = None
        print(f"wide again: full after {wait_for(page, exam, 'full', 120.0):.0f} s")
        expect(page.locator("#pace")).to_be_hidden()
        page.wait_for_timeout(5_000)
        hand_in(page)
    sitting = exam.sitting()
    assert sitting.state is SittingState.FINISHED
    assert sitting.exam_s is not None
    with exam.db.transaction() as tx:
        gaps = list(tx.scalars(select(MediaGap).order_by(MediaGap.start_s)))
        incidents = {row.kind for row in tx.scalars(select(IncidentRow))}
        told = {track: accounted_s(tx, sitting.id, track) for track in Track}
    print(paces(exam), incidents, f"{sitting.exam_s:.0f} s")
    for track in Track:
        print(track)
        for gap in (gap for gap in gaps if gap.track is track):
            print(f"  {gap.cause} {gap.start_s:.1f} to {gap.end_s:.1f} s")
        assert told[track] == pytest.approx(sitting.exam_s, abs=1.0)
    # one in 2.5 and one in 5 s; what is sent afterwards may fill the time between them
    assert came[Track.CAMERA] >= 3
    assert came[Track.SCREEN] >= 2
