"""What a recording costs in process: per packet, picture, seal, clip and repair; least of five."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from proctor.commands.processor import least_s
from proctor.commands.rtp_trace import drawn_trace
from proctor.media import files
from proctor.media.assembler import FrameAssembler, Packet
from proctor.media.clips import cut_clip
from proctor.media.container import Block
from proctor.media.frames import RTP_CLOCK_HZ, EncodedFrame
from proctor.media.recorder import TrackRecorder, repair
from proctor.media.rtp import picture_part
from proctor.observations import Track

ROUNDS: Final = 5
RECORDED_S: Final = 600
CLIP_S: Final = 10.0


def measure() -> dict[str, Any]:
    """CPU of this process, except of the seal, whose wall time is what others wait for."""
    packets = _packets()
    assembler = FrameAssembler()
    frames = [frame for packet in packets for frame in assembler.add(packet)]
    encoded = [
        EncodedFrame(Track.CAMERA, "VP8", each.timestamp, each.arrival, each.is_key, each.data)
        for each in frames
    ]
    with tempfile.TemporaryDirectory(prefix="tanu-bench-") as name:
        root = Path(name)
        whole = _recorded(root / "whole", encoded)
        torn = _torn(whole, root)
        written_s = least_s(lambda: _write(root / "frames", encoded), ROUNDS)
        return {
            "rounds": ROUNDS,
            "recorded_s": RECORDED_S,
            "packet_us": least_s(lambda: _assemble(packets), ROUNDS) * 1e6 / len(packets),
            "frame_us": written_s * 1e6 / len(encoded),
            "seal_wall_ms": least_s(lambda: _seal(root / "seal"), ROUNDS, time.monotonic) * 1e3,
            "clip_ms": least_s(lambda: _cut(whole, root), ROUNDS) * 1e3,
            "repair_ms": least_s(lambda: _repair(torn, root), ROUNDS) * 1e3,
        }


def _packets() -> list[Packet]:
    """The drawn camera, over and over, as it leaves the depacketiser."""
    trace = drawn_trace()[Track.CAMERA]
    length = trace[-1].frame_at_s + 1 / 15
    packets: list[Packet] = []
    while not packets or packets[-1].arrival < RECORDED_S:
        shift = length * (len(packets) // len(trace))
        packets += [
            Packet(
                (len(packets) + number) & 0xFFFF,
                round((shift + each.frame_at_s) * RTP_CLOCK_HZ) & 0xFFFFFFFF,
                each.ends_frame,
                "VP8",
                shift + each.at_s,
                picture_part("VP8", each.payload),
            )
            for number, each in enumerate(trace)
        ]
    return packets


def _assemble(packets: list[Packet]) -> None:
    assembler = FrameAssembler()
    for packet in packets:
        assembler.add(packet)


def _write(directory: Path, frames: list[EncodedFrame]) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    writer = files.Writer(directory / "camera.webm", "VP8", frames[0].data, 0)
    for frame in frames:
        writer.add(Block(round(1000 * frame.arrival), frame.is_key, frame.data))
    writer.flush()
    writer.close()


def _recorded(directory: Path, frames: list[EncodedFrame]) -> Path:
    directory.mkdir()
    recorder = TrackRecorder(directory, Track.CAMERA, 0.0)
    for frame in frames:
        recorder.write(frame)
    return recorder.finish().path


def _seal(path: Path) -> None:
    """Eight seconds of a camera appended, then their seal, each held as the recorder has it."""
    seals = path.with_name("seals")
    for each, data, sync in ((path, bytes(250_000), os.fdatasync), (seals, bytes(150), os.fsync)):
        file = os.open(each, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, data)
        sync(file)
        os.close(file)


def _cut(whole: Path, root: Path) -> None:
    middle = RECORDED_S / 2
    cut_clip([whole], middle - CLIP_S, middle + CLIP_S, root / "clip.webm")


def _torn(whole: Path, root: Path) -> Path:
    """The recording as a kill leaves it: not finished, half a cluster at its end."""
    layout = files.scan(whole)
    torn = root / "torn.webm"
    data = whole.read_bytes()[layout.header.body : layout.end - 1000]
    torn.write_bytes(files.opening(layout.header) + data)
    return torn


def _repair(torn: Path, root: Path) -> None:
    path = root / "camera-001.webm"
    shutil.copyfile(torn, path)
    repair(path)
