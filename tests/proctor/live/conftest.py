"""A sitting in a room the test plays the browser of: media by hand, time by hand, a real database.

What is ours is real: capture, recorders, rules, event store. Network and inference are played.
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from biometrics.types import Box, Quality, Template
from keystroke.verifiers.free_text import FreeTextVerifier
from proctor import events
from proctor.identity import enrolment
from proctor.inference import (
    FaceFinding,
    FrameAssessment,
    Looks,
    face_comparison,
    keystroke_verifier,
)
from proctor.live.loading import Line
from proctor.live.register import LiveSittings
from proctor.live.sitting import LiveSitting
from proctor.media import capture as capture_module
from proctor.media import ledger
from proctor.media.disk import Disk
from proctor.media.frames import EncodedFrame, is_key_frame
from proctor.media.offers import OfferRefused
from proctor.media.pace import Pace
from proctor.media.port import MediaPort
from proctor.media.tables import MediaGap, Recording
from proctor.observations import NotAssessed, Track
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.plumbing.db import Database
from proctor.settings import Settings
from proctor.sittings import desk
from proctor.sittings.tables import Sitting
from proctor.vault import Vault
from tests.support.cast import NOON, Cast, assemble
from tests.support.clock import SetClock
from tests.support.sittings import FRAME_RATE, pictures

EXAM_S = 60
MIDS = {"camera": "0", "screen": "1"}
ALICE = Template(face_comparison("opencv").model_id, np.eye(128, dtype=np.float32)[0])
STRANGER = Template(ALICE.model_id, np.eye(128, dtype=np.float32)[1])


def showing(*faces: Template) -> FrameAssessment:
    """A good picture of these people."""
    box = Box(200.0, 100.0, 200.0, 240.0)
    return FrameAssessment(
        width=640,
        height=480,
        quality=Quality(120.0, 50.0, 500.0, covered=False, dark=False, blurred=False),
        faces=tuple(FaceFinding(box, 0.99, False, template) for template in faces),
        model_ids=(ALICE.model_id,),
    )


class PlayedInference:
    """Says what the test wants it to have seen; ``gate`` holds every answer back until set."""

    def __init__(self) -> None:
        self.comparison = face_comparison("opencv")
        self.shows: FrameAssessment | NotAssessed | Exception = showing(ALICE)
        self.asked = self.answered = 0
        self.load = 0.0
        self.gate = asyncio.Event()
        self.gate.set()

    async def assess_frame(
        self, codec: str, keyframe: bytes, looks: Looks
    ) -> FrameAssessment | NotAssessed:
        self.asked += 1
        await self.gate.wait()
        self.answered += 1
        if isinstance(self.shows, Exception):
            raise self.shows
        if isinstance(self.shows, NotAssessed):
            return self.shows
        # a camera never shows the very same picture twice
        return replace(self.shows, fingerprint=bytes([self.answered % 2 * 9]) * 768)


class PlayedPeer:
    """The server's end of a connection whose frames the test makes."""

    codec = "VP8"

    def __init__(self, **takers: Any) -> None:
        self.on_frame: Callable[[EncodedFrame], None] = takers["on_frame"]
        self.on_closed: Callable[[str], None] = takers["on_closed"]
        self.on_silence: Callable[[Track, float], None] = takers["on_silence"]
        self.on_resume: Callable[[Track, float], None] = takers["on_resume"]
        self.is_closed = False
        self.sent = 0
        self.kbit_s = 48
        self.dropped: Counter[str] = Counter()
        self.given_up = 0

    def expect(self, pace: Pace) -> None:
        pass

    def request_keyframe(self, track: Track) -> None:
        pass

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.is_closed = True


class PlayedNetwork:
    """Stands where peers are made; ``gate`` holds every answer back until set."""

    def __init__(self) -> None:
        self.peers: list[PlayedPeer] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def open_peers(self) -> list[PlayedPeer]:
        return [peer for peer in self.peers if not peer.is_closed]

    async def answer(self, sdp: str, **takers: Any) -> tuple[PlayedPeer, str]:
        await self.gate.wait()
        if sdp != "offer":
            raise OfferRefused("malformed")
        self.peers.append(PlayedPeer(**takers))
        return self.peers[-1], "answer"


@dataclass
class Room:
    """Alice's final: the process that runs it, and what the test does to it."""

    line: Line
    cast: Cast
    clock: SetClock
    inference: PlayedInference
    network: PlayedNetwork
    sitting_id: str
    live_sittings: LiveSittings = field(init=False)

    def __post_init__(self) -> None:
        self.live_sittings = LiveSittings(self.line)

    async def open(self) -> LiveSitting:
        return await self.live_sittings.open(self.sitting_id)

    async def check_in(self) -> LiveSitting:
        """Media arrive, and a proctor admits the person."""
        live = await self.open()
        await live.connect("offer", MIDS)
        self.stream(2.0)
        await live.admit(self.cast.paula.id)
        await self.settle()
        return live

    async def begin(self) -> LiveSitting:
        """The exam begins after some seconds of checks."""
        live = await self.check_in()
        self.stream(3.0)
        await self.settle()
        await live.start()
        return live

    def stream(self, seconds: float, *tracks: Track) -> None:
        """Frames of *tracks*, or of both, over the newest connection while time passes."""
        for _ in range(round(seconds * FRAME_RATE)):
            self.clock.advance(1 / FRAME_RATE)
            self.send(*(tracks or Track))

    def stills(self, seconds: int) -> None:
        """A camera's picture every 4 s and a screen's every 12 s, as over a thin line."""
        peer = self.network.peers[-1]
        # four seconds after it comes a key frame
        while peer.sent % FRAME_RATE != 1:
            self.stream(1 / FRAME_RATE)
        for number in range(seconds // 4):
            self.clock.advance(4.0)
            peer.sent += 4 * FRAME_RATE - 1
            self.send(Track.CAMERA, *(() if number % 3 else (Track.SCREEN,)))

    def send(self, *tracks: Track) -> None:
        """One frame of each track now."""
        peer, shown = self.network.peers[-1], pictures()
        data = shown[peer.sent % len(shown)]
        ticks, arrival = 90_000 // FRAME_RATE * peer.sent, self.clock.monotonic()
        for track in tracks:
            peer.on_frame(
                EncodedFrame(track, "VP8", ticks, arrival, is_key_frame("VP8", data), data)
            )
        peer.sent += 1

    def batch(self, seq: int, *names: str, keys: int = 0, ago_s: float = 0.0) -> dict[str, Any]:
        """A batch of the page; *names* happened *ago_s* before it was sent."""
        facts = [{"name": name, "ms": 9000.0 - 1000 * ago_s, "values": {}} for name in names]
        strokes = [[120, 3 + n % 2, 80, 0] for n in range(keys)]
        batch = {"v": 1, "clock_step_ms": 0.1, "events": strokes} if keys else None
        return {"type": "batch", "seq": seq, "now_ms": 9000.0, "browser": facts, "keys": batch}

    async def settle(self) -> None:
        """Until every frame was looked at that will be, and all that was noted is written."""
        live, played = await self.open(), self.inference
        await until(
            lambda: (
                live._capture.newest._frame is None
                and played.asked == played.answered
                and not live._lock.locked()
                and not live._tasks
                and not live._capture._tasks
            )
        )

    async def look(self) -> None:
        """Until the analysis has looked at the newest frame and written what it saw."""
        asked = self.inference.asked
        await until(lambda: self.inference.asked > asked)
        await self.settle()

    def killed(self) -> "Room":
        """What a process finds that is started after this one was killed now."""
        old = self.line.settings.data_dir
        data_dir = old.with_name(old.name + "-after")
        shutil.copytree(old / "recordings", data_dir / "recordings")
        with (
            sqlite3.connect(old / "tanu.db") as source,
            sqlite3.connect(data_dir / "tanu.db") as copy,
        ):
            source.backup(copy)
        source.close()
        copy.close()
        settings = self.line.settings.model_copy(update={"data_dir": data_dir})
        line = replace(self.line, settings=settings, db=Database(settings.database))
        return replace(self, line=line)

    def sitting(self) -> Sitting:
        with self.line.db.transaction() as tx:
            return tx.get_one(Sitting, self.sitting_id)

    def told(self, *kinds: str) -> list[events.Event]:
        """Events of the sitting; their chain holds."""
        with self.line.db.transaction() as tx:
            assert events.verify(tx, self.sitting_id) is None
            return events.read(tx, self.sitting_id, *kinds)

    def media_facts(self) -> list[tuple[str, str, str]]:
        """Name, track and cause of every fact about the media."""
        payloads = [each.payload for each in self.told("observation")]
        return [
            (each["name"], each["values"].get("track", ""), each["values"].get("cause", ""))
            for each in payloads
            if each["check"] == "media"
        ]

    def rows(self, table: type[Any]) -> list[Any]:
        with self.line.db.transaction() as tx:
            return list(tx.scalars(select(table)))

    def recordings(self, track: Track) -> list[Recording]:
        rows = [row for row in self.rows(Recording) if row.track is track]
        return sorted(rows, key=lambda row: row.part)

    def gaps(self, track: Track) -> list[MediaGap]:
        rows = [row for row in self.rows(MediaGap) if row.track is track]
        return sorted(rows, key=lambda row: row.start_s)

    def accounted_s(self, track: Track) -> float:
        """Recorded and missing seconds of the exam together."""
        with self.line.db.transaction() as tx:
            return ledger.accounted_s(tx, self.sitting_id, track)


async def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def commits_fail() -> Iterator[list[int]]:
    """While it holds a number, that many commits fail after everything was written."""
    left = [0]

    def fail(session: Session) -> None:
        if left[0] and session.connection().dialect.name == "sqlite":
            left[0] -= 1
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    event.listen(Session, "before_commit", fail)
    yield left
    event.remove(Session, "before_commit", fail)


@pytest.fixture(scope="session")
def verifier() -> FreeTextVerifier:
    return keystroke_verifier()


@pytest.fixture
async def room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated: Path, verifier: FreeTextVerifier
) -> AsyncIterator[Room]:
    settings = Settings(data_dir=tmp_path / "data", min_free_mib=0)
    (tmp_path / "data" / "recordings").mkdir(parents=True)
    network, inference, clock = PlayedNetwork(), PlayedInference(), SetClock(NOON)
    monkeypatch.setattr(capture_module, "Peer", network)
    shutil.copy(migrated, settings.data_dir)
    db = Database(settings.database)
    vault = Vault(bytes(32))
    with db.transaction() as tx:
        cast = assemble(tx)
        cast.final.duration_s = EXAM_S
        consents.record(tx, vault, cast.alice.id, dict.fromkeys(Purpose, True), "en", NOON)
        _enrol(tx, vault, cast)
        sitting = desk.open_sitting(tx, cast.final.id, cast.alice.id, "0" * 32, NOON)
    port, disk = MediaPort("127.0.0.1"), Disk(settings.recordings_dir)
    line = Line(settings, db, vault, clock, inference, verifier, port, disk)  # type: ignore[arg-type]
    # a second of work is a second of the clock, which stands still
    monkeypatch.setattr("proctor.live.looking.SAMPLE_PERIOD_S", 0.0)
    clock.advance(10.0)
    made = Room(line, cast, clock, inference, network, sitting.id)
    yield made
    inference.gate.set()
    network.gate.set()
    await made.live_sittings.close()
    port.close()
    disk.close()
    db.close()


def _enrol(tx: Session, vault: Vault, cast: Cast) -> None:
    """Alice's confirmed face reference, of another day."""
    comparison, at = face_comparison("opencv"), NOON.replace(day=1)
    for _ in range(enrolment.FACE_SAMPLES):
        enrolment.add_face(tx, vault, comparison, cast.alice.id, showing(ALICE), at)
    for row, _ in enrolment.pending(tx, cast.institution.id):
        enrolment.confirm(tx, row.id, cast.olga, "office", at)
