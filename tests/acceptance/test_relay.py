"""Behind a network that lets no UDP out: a real browser, a real TURN server, and its death."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from proctor import events
from proctor.commands import service as process
from proctor.incidents.tables import IncidentRow
from proctor.media import ledger
from proctor.media.recorder import read_recorded
from proctor.media.tables import MediaGap, Recording
from proctor.observations import Track
from proctor.settings import Settings
from proctor.sittings.tables import SittingState
from tests.support.turn_server import MISSING, SECRET, TurnServer, find_turnserver
from tests.support.watched_exam import Exam, begin, hand_in

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.faults,
    pytest.mark.skipif(find_turnserver() is None, reason=MISSING),
]

# as if nothing got out but what goes to the relay, over TCP
RELAY_ONLY = """
const Made = RTCPeerConnection;
window.RTCPeerConnection = class extends Made {
  constructor(given) { super({ ...given, iceTransportPolicy: "relay" }); }
};
"""


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[TurnServer]:
    with TurnServer(tmp_path) as relay:
        yield relay


@pytest.fixture
def settings(tmp_path: Path, relay: TurnServer) -> Settings:
    port = process.free_port()
    return Settings(data_dir=tmp_path, port=port, turn_urls=relay.url, turn_secret=SECRET)


def ways(exam: Exam) -> list[str]:
    """Which way the pictures came, by the page's word."""
    with exam.db.transaction() as tx:
        told = events.read(tx, exam.sitting().id, "observation")
    names = [each.payload["name"] for each in told]
    return [name for name in names if name in ("media_direct", "media_relayed")]


def test_exam_goes_through_a_relay_and_comes_back_after_its_death(
    filmed: Browser, exam: Exam, relay: TurnServer
) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}, locale="en").new_page()
    page.add_init_script(RELAY_ONLY)
    with process.running(exam.settings, exam.log):
        begin(page, exam.link)
        print(f"both tracks recorded {exam.wait_for_new(set()):.1f} s after the start")
        expect(page.locator("#route")).to_have_text(re.compile("through the university's relay"))
        page.wait_for_timeout(8_000)
        before = exam.files()
        relay.kill()
        page.wait_for_timeout(6_000)
        assert exam.files() == before
        relay.start()
        print(f"relay again: both tracks recorded {exam.wait_for_new(before, 60.0):.1f} s later")
        page.wait_for_timeout(8_000)
        hand_in(page)
    sitting = exam.sitting()
    assert sitting.state is SittingState.FINISHED
    assert sitting.exam_s is not None
    assert set(ways(exam)) == {"media_relayed"}
    assert SECRET not in exam.log.read_text("utf-8")
    assert sitting.account_id not in relay.log.read_text("utf-8")
    with exam.db.transaction() as tx:
        files = list(tx.scalars(select(Recording)))
        gaps = list(tx.scalars(select(MediaGap)))
        incidents = {row.kind for row in tx.scalars(select(IncidentRow))}
        told_s = {track: ledger.accounted_s(tx, sitting.id, track) for track in Track}
    print(f"{sitting.exam_s:.1f} s of exam, {ways(exam)}, incidents {incidents}")
    for track in Track:
        lost = [gap for gap in gaps if gap.track is track]
        recorded_s = sum(file.recorded_s for file in files if file.track is track)
        print(
            f"{track}: recorded {recorded_s:.1f} s, {[(g.cause, g.start_s, g.end_s) for g in lost]}"
        )
        assert abs(told_s[track] - sitting.exam_s) <= ledger.EXACT_S
    root = exam.settings.recordings_dir
    assert all(read_recorded(root / each.path).intervals for each in files if each.bytes > 0)


def test_relay_is_left_alone_where_the_direct_way_is_open(filmed: Browser, exam: Exam) -> None:
    page = filmed.new_context(viewport={"width": 1280, "height": 900}, locale="en").new_page()
    with process.running(exam.settings, exam.log):
        begin(page, exam.link)
        expect(page.locator("#route")).to_have_text("Camera and screen go to the server directly.")
        page.wait_for_timeout(3_000)
        hand_in(page)
    assert ways(exam)[-1] == "media_direct"
    print(ways(exam))
