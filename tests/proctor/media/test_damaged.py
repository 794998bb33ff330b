"""Recordings that lost pages, bytes or the files beside them: one of them ends nothing else."""

import json
import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from proctor.media import files, h264
from proctor.media.clips import ClipUnavailable, cut_clip
from proctor.media.container import NotARecording
from proctor.media.frames import Codec, EncodedFrame
from proctor.media.gaps import coverage
from proctor.media.ledger import recover
from proctor.media.pictures import NoPicture, key_frame_near
from proctor.media.recorder import TrackRecorder, broken_seals, read_seals, repair
from proctor.media.snapshot import snapshot
from proctor.observations import Track

pytestmark = pytest.mark.media

SECONDS, RATE = 8, 10
PAGE = 4096
# 3,000 of each codec were tried once, with another seed
ROUNDS = 50
SIDE = (".idx", ".seals")


class Film:
    """A recording of some seconds with a key frame and a seal each, copied as often as wanted."""

    def __init__(self, directory: Path, codec: Codec, key: bytes, other: bytes) -> None:
        recorder = TrackRecorder(directory, Track.CAMERA, epoch=0.0, codec=codec)
        for number in range(SECONDS * RATE):
            is_key = number % RATE == 0
            if is_key:
                recorder.visit()
                recorder.seal_if_due()
            ticks, at_s = 90_000 * number // RATE, number / RATE
            data = key if is_key else other
            recorder.write(EncodedFrame(Track.CAMERA, codec, ticks, at_s, is_key, data))
        path = recorder.finish().path
        self.name = path.name
        self.layout = files.scan(path)
        self.finished = path.read_bytes()
        body, end = self.layout.header.body, self.layout.end
        self.growing = files.opening(self.layout.header) + self.finished[body:end]
        self.beside = {side: path.with_name(path.name + side).read_bytes() for side in SIDE}

    def put(self, directory: Path, data: bytes, **beside: bytes) -> Path:
        path = directory / self.name
        path.write_bytes(data)
        for side, content in self.beside.items():
            path.with_name(path.name + side).write_bytes(beside.get(side[1:], content))
        return path


@pytest.fixture(params=["VP8", "H264"])
def film(request, tmp_path, h264_pictures, monkeypatch: pytest.MonkeyPatch) -> Film:
    monkeypatch.setattr("proctor.media.recorder.SEAL_EVERY_S", 0.0)
    monkeypatch.setattr(files.os, "fsync", lambda _: None)
    sets = h264.sets_of(h264_pictures[0])
    start = h264.START_CODE
    h264_key = start + sets[h264.SPS] + start + sets[h264.PPS] + start + b"\x65" + b"\x88" * 900
    key, other = {
        "VP8": (b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01" + bytes(900), b"\x11" + bytes(300)),
        "H264": (h264_key, start + b"\x41" + b"\x9a" * 300),
    }[request.param]
    (tmp_path / "whole").mkdir()
    return Film(tmp_path / "whole", request.param, key, other)


def flipped(data: bytes, chance: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)


def without_page(data: bytes, chance: random.Random) -> bytes:
    page = PAGE if len(data) > 2 * PAGE else 16
    at = chance.randrange(len(data) // page) * page
    return data[:at] + bytes(page) + data[at + page :]


def torn(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def zeros_at_the_end(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes(len(data) - at)


def bytes_in_the_front(data: bytes, chance: random.Random) -> bytes:
    head = bytearray(data[:640])
    return flipped(bytes(head), chance) + data[640:]


DAMAGES = (flipped, without_page, torn, zeros_at_the_end, bytes_in_the_front)


def use(path: Path) -> None:
    """All that is done with a recording, growing and at the end; anything else raised is a bug."""
    clip = path.with_name("clip")
    uses: list[Callable[[], object]] = [
        lambda: cut_clip([path], 1.5, 4.0, clip),
        lambda: b"".join((made := snapshot(path)).read(0, made.size)),
        lambda: key_frame_near([path], 2.0),
        lambda: broken_seals(path),
    ]
    for each in [*uses, lambda: repair(path), *uses]:
        with suppress(NotARecording, ClipUnavailable, NoPicture, OSError):
            each()
    recover([path])


def test_no_damage_raises_what_nobody_expects(tmp_path: Path, film: Film) -> None:
    chance = random.Random(5)
    for number in range(ROUNDS):
        damage = DAMAGES[number % len(DAMAGES)]
        which = chance.choice(("film", "film", "idx", "seals"))
        data = chance.choice((film.growing, film.finished))
        beside = {side[1:]: content for side, content in film.beside.items()}
        if which == "film":
            data = damage(data, chance)
        else:
            beside[which] = damage(beside[which], chance)
        if chance.random() < 0.2:
            beside["idx"] = b""
        use(film.put(tmp_path, data, **beside))


def test_damaged_page_costs_its_seconds_and_is_told(tmp_path: Path, film: Film) -> None:
    third = film.layout.clusters[2]
    data = film.growing[: third.offset] + bytes(PAGE) + film.growing[third.offset + PAGE :]
    path = film.put(tmp_path, data)

    (recorded,) = recover([path])

    assert coverage(recorded.intervals, 0.0, SECONDS) == pytest.approx(SECONDS - 2, abs=0.9)
    assert recorded.bytes >= len(data)
    assert broken_seals(path)
    clip = cut_clip([path], 0.0, SECONDS, tmp_path / "clip")
    assert files.scan(clip.path).clusters[-1].start_ms == 1000 * (SECONDS - 1)


def test_file_with_sealed_bytes_is_not_cut_before_their_end(tmp_path: Path, film: Film) -> None:
    third = film.layout.clusters[2]
    data = film.growing[: third.offset] + bytes(PAGE) + film.growing[third.offset + PAGE :]
    path = film.put(tmp_path, data, idx=b"")

    repair(path)

    end = read_seals(path)[-1].end
    body = film.layout.header.body
    assert path.read_bytes()[body:end] == data[body:end]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[]", b'{"segment": 2}', b"[" * 9_000])
def test_damaged_seal_is_a_broken_one(tmp_path: Path, film: Film, line: bytes) -> None:
    lines = film.beside[".seals"].splitlines()
    lines[1] = line
    path = film.put(tmp_path, film.growing, seals=b"\n".join(lines) + b"\n")

    repair(path)

    assert broken_seals(path) == (2,)
    assert len(read_seals(path)) == len(lines) - 1


@pytest.mark.parametrize("end", [10**30, -1, 1.5, "7", None])
def test_seal_of_impossible_bytes_is_a_broken_one(tmp_path: Path, film: Film, end: object) -> None:
    lines = film.beside[".seals"].splitlines()
    lines[-1] = json.dumps(json.loads(lines[-1]) | {"end": end}).encode()
    path = film.put(tmp_path, film.growing, seals=b"\n".join(lines) + b"\n")

    repair(path)

    assert broken_seals(path) == (len(lines),)


def test_index_ahead_of_the_file_is_believed_as_far_as_the_file_goes(
    tmp_path: Path, film: Film
) -> None:
    """After a power cut: the file lost what the device was not made to hold."""
    last = film.layout.clusters[-1]
    for cut in (last.offset, last.offset + 500):
        path = film.put(tmp_path, film.growing[:cut])
        made = snapshot(path)
        assert made.end == last.offset
        assert sum(map(len, made.read(0, made.size))) == made.size
        assert cut_clip([path], 0.0, SECONDS, tmp_path / "clip").end_s < SECONDS - 1


def test_reading_ends_where_the_file_was_cut_meanwhile(tmp_path: Path, film: Film) -> None:
    path = film.put(tmp_path, film.growing)
    made = snapshot(path)
    os.truncate(path, made.end - 700)

    assert sum(map(len, made.read(0, made.end))) == made.end - 700


@pytest.mark.parametrize("index", [b"", bytes(24), b"\xff" * 16])
def test_lost_index_of_a_finished_file_is_made_again(
    tmp_path: Path, film: Film, index: bytes
) -> None:
    path = film.put(tmp_path, film.finished, idx=index)

    repair(path)

    assert files.read_clusters(path) == film.layout.clusters
    assert path.read_bytes() == film.finished
    assert cut_clip([path], 1.0, 3.0, tmp_path / "clip").end_s == 3.0
