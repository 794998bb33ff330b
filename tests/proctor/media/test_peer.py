"""A peer against a real sender over loopback, with packets lost on purpose."""

import asyncio
import contextlib
import random
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import AudioStreamTrack
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, unpack_remb_fci
from av import VideoFrame

from proctor.media import peer as peer_module
from proctor.media import watch
from proctor.media.clips import cut_clip
from proctor.media.frames import EncodedFrame
from proctor.media.gaps import coverage
from proctor.media.offers import OfferRefused
from proctor.media.pace import EXPECTED, Pace
from proctor.media.peer import Peer
from proctor.media.port import MediaPort
from proctor.media.recorder import TrackRecorder
from proctor.observations import Track

pytestmark = pytest.mark.media

FRAMES_PER_S = 15
LIMIT_S = 15.0


class Pattern(VideoStreamTrack):
    """A seeded moving pattern at 15 frames a second until told to pause."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.is_paused = False
        self.sent = 0
        self._picture = rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)

    async def recv(self) -> VideoFrame:
        for _ in range(2):
            pts, time_base = await self.next_timestamp()
        while self.is_paused:
            pts, time_base = await self.next_timestamp()
        self.sent += 1
        moved = np.roll(self._picture, 3 * self.sent, axis=1)
        frame = VideoFrame.from_ndarray(moved, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Student:
    """A browser's stand-in: camera and screen from aiortc, and what the peer told about them."""

    def __init__(self, port: MediaPort, codec: str | None = None) -> None:
        self.port = port
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.camera, self.screen = Pattern(1), Pattern(2)
        for track in (self.camera, self.screen):
            transceiver = self.connection.addTransceiver(track, direction="sendonly")
            if codec is not None:
                capabilities = RTCRtpReceiver.getCapabilities("video")
                transceiver.setCodecPreferences(
                    [each for each in capabilities.codecs if each.mimeType == codec]
                )
        self.frames: list[EncodedFrame] = []
        self.closed: list[str] = []
        self.silences: list[tuple[Track, float]] = []
        self.resumes: list[tuple[Track, float]] = []
        self.takers: list[Callable[[EncodedFrame], None]] = []
        self.lost = 0

    def take(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)
        for taker in self.takers:
            taker(frame)

    async def offer(self) -> str:
        await self.connection.setLocalDescription()
        return self.connection.localDescription.sdp

    async def join(self, tracks: dict[str, str] | None = None) -> Peer:
        self.peer, answer = await Peer.answer(
            await self.offer(),
            tracks=tracks,
            on_frame=self.take,
            on_closed=self.closed.append,
            on_silence=lambda track, since: self.silences.append((track, since)),
            on_resume=lambda track, since: self.resumes.append((track, since)),
            port=self.port,
        )
        self.answer = answer
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return self.peer

    @property
    def transport(self):
        return self.connection.getTransceivers()[0].sender.transport.transport

    def lose(self, share: float, seed: int = 3, most: float = inf) -> None:
        """Drop that share of the media packets on their way out, ``most`` in all."""
        send, chance = self.transport._send, random.Random(seed)

        async def lossy(data: bytes) -> None:
            is_rtp = 127 < data[0] < 192 and not 191 < data[1] < 224
            if is_rtp and self.lost < most and chance.random() < share:
                self.lost += 1
            else:
                await send(data)

        self.transport._send = lossy
        for transceiver in self.connection.getTransceivers():
            transceiver.sender.transport.transport._send = lossy

    def of(self, track: Track) -> list[EncodedFrame]:
        return [frame for frame in self.frames if frame.track is track]

    def keys_of(self, track: Track) -> int:
        return sum(frame.is_key for frame in self.of(track))

    def is_silent(self, track: Track) -> bool:
        """Whether more silences of *track* were told than ends of one."""
        told = [
            sum(each is track for each, _ in changes) for changes in (self.silences, self.resumes)
        ]
        return told[0] > told[1]

    def last(self, track: Track) -> tuple[Track, float]:
        """When the newest frame of *track* arrived, as a silence would say it."""
        return track, self.of(track)[-1].arrival

    async def until(self, condition: Callable[[], object], limit_s: float | None = None) -> None:
        async with asyncio.timeout(limit_s or LIMIT_S):
            while not condition():
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def student(codec: str | None = None) -> AsyncIterator[Student]:
    port = MediaPort("127.0.0.1")
    port.open()
    sitting = Student(port, codec)
    try:
        yield sitting
    finally:
        if hasattr(sitting, "peer"):
            await sitting.peer.close()
        await sitting.connection.close()
        port.close()


def in_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 40))


def pictures_of(track: Pattern) -> Callable[[], bool]:
    return lambda: track.sent >= 5 * FRAMES_PER_S


def test_track_whose_numbers_are_its_own_arrives_too() -> None:
    """A program may number the payloads of its second m-line anew (RFC 8843)."""

    async def scenario() -> None:
        async with student() as sitting:
            ask = sitting.offer

            async def renumbered() -> str:
                head, camera, screen = (await ask()).split("m=video")
                screen = re.sub(r"\b97\b", "107", re.sub(r"\b98\b", "108", screen))
                return "m=video".join((head, camera, screen))

            sitting.offer = renumbered
            peer = await sitting.join()
            await sitting.until(lambda: all(len(sitting.of(track)) > 5 for track in Track))
            assert peer.dropped["unknown_codec"] == 0
            assert set(peer._reception._payloads.codecs) == {97, 107}
            assert peer._reception._payloads.repairs == {98: 97, 108: 107}

    in_loop(scenario)


def test_both_tracks_arrive_encoded_and_no_decoder_runs() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            await sitting.join()
            await sitting.until(lambda: len(sitting.of(Track.SCREEN)) > 20)
            assert not [each for each in threading.enumerate() if "decoder" in each.name]
            for track in Track:
                frames = sitting.of(track)
                assert frames[0].is_key
                assert {frame.codec for frame in frames} == {"VP8"}
                steps = {b.rtp_timestamp - a.rtp_timestamp for a, b in pairwise(frames)}
                assert steps <= {5_999, 6_000, 6_001}

    in_loop(scenario)


def test_client_names_its_tracks() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            sitting.camera.is_paused = True
            await sitting.join({"camera": "1", "screen": "0"})
            await sitting.until(lambda: len(sitting.frames) > 10)
            # the first m-line is the paused one, here named the screen
            assert {frame.track for frame in sitting.frames} == {Track.CAMERA}

    in_loop(scenario)


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_lost_packets_are_repaired_on_both_tracks(share: float) -> None:
    """Stock routing drops every retransmission here: nothing arrived at 5 % loss."""

    async def scenario() -> None:
        async with student() as sitting:
            await sitting.join()
            await sitting.until(lambda: sitting.connection.connectionState == "connected")
            sitting.lose(share)
            await sitting.until(pictures_of(sitting.camera))
            # a machine that stalls for longer than a hole is waited for loses some at once
            cameras = {Track.CAMERA: sitting.camera, Track.SCREEN: sitting.screen}
            await sitting.until(
                lambda: all(len(sitting.of(name)) >= 0.9 * cameras[name].sent for name in Track)
            )

    in_loop(scenario)


def test_lost_for_good_does_not_freeze_the_picture() -> None:
    """The stock buffer waits for 512 more packets: 17 s at 30 packets a second."""

    async def scenario() -> None:
        async with student() as sitting:
            await sitting.join()
            await sitting.until(lambda: len(sitting.of(Track.CAMERA)) > 10)
            sender = sitting.connection.getTransceivers()[0].sender

            async def forget(sequence_number: int) -> None:
                pass

            sender._retransmit = forget
            # a few at once and no more: a key frame may be lost as well, and then another
            sitting.lose(1.0, most=5)
            await sitting.until(lambda: sitting.lost == 5)
            seen = len(sitting.of(Track.CAMERA))
            await sitting.until(lambda: len(sitting.of(Track.CAMERA)) > seen + 20, 10.0)

    in_loop(scenario)


def test_bandwidth_is_told_for_the_transport_and_not_under_the_floor() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            told: list[tuple[int, list[int]]] = []
            senders = [each.sender for each in sitting.connection.getTransceivers()]
            original = senders[0]._handle_rtcp_packet

            async def note(packet: object) -> None:
                if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
                    told.append(unpack_remb_fci(packet.fci))
                await original(packet)

            senders[0]._handle_rtcp_packet = note
            await sitting.join()
            await sitting.until(lambda: len(told) >= 4)
            assert min(bitrate for bitrate, _ in told) >= 0.99 * 300_000
            assert set(told[-1][1]) >= {sender._ssrc for sender in senders}

    in_loop(scenario)


def test_key_frames_come_on_schedule() -> None:
    """Asked for as often as each track's interval wants, and not more often on a slow machine."""

    async def scenario() -> None:
        async with student() as sitting:
            await sitting.join()
            # the first are asked for again until they are there
            await sitting.until(lambda: all(len(sitting.of(t)) > FRAMES_PER_S for t in Track))
            began, keys = time.monotonic(), {track: sitting.keys_of(track) for track in Track}
            await sitting.until(lambda: sitting.keys_of(Track.CAMERA) == keys[Track.CAMERA] + 4)
            took_s = time.monotonic() - began
            # one may have been under way
            assert took_s >= 2 * EXPECTED[Pace.FULL].key_s[Track.CAMERA]
            screens = sitting.keys_of(Track.SCREEN) - keys[Track.SCREEN]
            assert screens <= 2 + took_s / EXPECTED[Pace.FULL].key_s[Track.SCREEN]

    in_loop(scenario)


def test_key_frame_comes_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    never = replace(EXPECTED[Pace.FULL], key_s=dict.fromkeys(Track, inf))
    monkeypatch.setattr(watch, "EXPECTED", {Pace.FULL: never})

    async def scenario() -> None:
        async with student() as sitting:
            peer = await sitting.join()
            await sitting.until(lambda: len(sitting.of(Track.SCREEN)) > FRAMES_PER_S)
            keys = sitting.keys_of(Track.SCREEN)
            peer.request_keyframe(Track.SCREEN)
            await sitting.until(lambda: sitting.keys_of(Track.SCREEN) > keys)

    in_loop(scenario)


def test_silence_is_noticed_per_track_and_ends_with_the_next_frame() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            await sitting.join()
            await sitting.until(lambda: len(sitting.of(Track.CAMERA)) > 10)
            sitting.camera.is_paused = True
            await sitting.until(lambda: sitting.last(Track.CAMERA) in sitting.silences)
            since = sitting.last(Track.CAMERA)
            assert since not in sitting.resumes
            # the other track goes on; a busy machine may have kept it silent for a while
            seen = len(sitting.of(Track.SCREEN))
            await sitting.until(
                lambda: len(sitting.of(Track.SCREEN)) > seen and not sitting.is_silent(Track.SCREEN)
            )
            assert sitting.is_silent(Track.CAMERA)
            sitting.camera.is_paused = False
            await sitting.until(lambda: since in sitting.resumes)

    in_loop(scenario)


def test_strangers_datagrams_do_not_end_the_session() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            await sitting.join()
            await sitting.until(lambda: len(sitting.frames) > 10)
            line = next(a for a in sitting.answer.splitlines() if a.startswith("a=candidate"))
            address = (line.split()[4], int(line.split()[5]))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for datagram in (b"", b"\0", bytes.fromhex("15fefd00000000000000000002022f")):
                    stranger.sendto(datagram, address)
            seen = len(sitting.frames)
            await sitting.until(lambda: len(sitting.frames) > seen + 10)
            assert sitting.closed == []

    in_loop(scenario)


def test_offered_addresses_are_never_sent_to() -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bystander:
            bystander.bind(("127.0.0.1", 0))
            bystander.setblocking(False)
            port = bystander.getsockname()[1]
            async with student() as sitting:
                offer = await sitting.offer()
                lure = f"a=candidate:9 1 udp 2130706431 127.0.0.1 {port} typ host\r\n" * 200
                sitting.peer, _ = await Peer.answer(
                    offer.replace("a=ice-ufrag", lure + "a=ice-ufrag"),
                    tracks=None,
                    on_frame=sitting.take,
                    on_closed=sitting.closed.append,
                    port=sitting.port,
                )
                await asyncio.sleep(0.7)
                with pytest.raises(BlockingIOError):
                    bystander.recv(2_000)

    in_loop(scenario)


def test_audio_is_answered_as_inactive() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            sitting.connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
            await sitting.join()
            audio = sitting.answer[sitting.answer.index("m=audio") :]
            assert "a=inactive" in audio
            await sitting.until(lambda: len(sitting.frames) > 10)

    in_loop(scenario)


def test_h264_is_recorded_when_vp8_is_not_offered(tmp_path: Path) -> None:
    async def scenario() -> None:
        recorder = TrackRecorder(tmp_path, Track.CAMERA, time.monotonic(), codec="H264")
        async with student("video/H264") as sitting:
            peer = await sitting.join()
            await sitting.until(lambda: len(sitting.of(Track.CAMERA)) > 3)
            frames = sitting.of(Track.CAMERA)
            assert (peer.codec, frames[0].codec, frames[0].is_key) == ("H264", "H264", True)
        for frame in frames:
            recorder.write(frame)
        path = (await asyncio.to_thread(recorder.finish)).path
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == len(frames)

    in_loop(scenario)


def test_leaving_student_is_told_once() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            peer = await sitting.join()
            await sitting.until(lambda: len(sitting.frames) > 5)
            await sitting.connection.close()
            await sitting.until(lambda: sitting.closed)
            await peer.close()
            await peer.close()
            assert sitting.closed == ["left"]

    in_loop(scenario)


def test_peer_that_nobody_joins_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "CONNECT_LIMIT_S", 0.3)

    async def scenario() -> None:
        async with student() as sitting:
            sitting.peer, _ = await Peer.answer(
                await sitting.offer(),
                tracks=None,
                on_frame=sitting.take,
                on_closed=sitting.closed.append,
                port=sitting.port,
            )
            await sitting.until(lambda: sitting.closed)
            assert sitting.closed == ["not_connected"]

    in_loop(scenario)


def test_own_close_tells_nothing_and_leaves_no_task() -> None:
    async def scenario() -> None:
        async with student() as sitting:
            peer = await sitting.join()
            await sitting.until(lambda: len(sitting.frames) > 5)
            await peer.close()
            seen = len(sitting.frames)
            await asyncio.sleep(0.2)
            assert (len(sitting.frames), sitting.closed) == (seen, [])
        assert len(asyncio.all_tasks()) <= 2

    in_loop(scenario)


def test_frame_that_is_not_taken_ends_the_peer_visibly() -> None:
    async def scenario() -> None:
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: errors.append(context.get("exception"))
        )
        async with student() as sitting:

            def fail(frame: EncodedFrame) -> None:
                raise RuntimeError

            sitting.takers.append(fail)
            peer = await sitting.join()
            await sitting.until(lambda: sitting.closed)
            assert sitting.closed == ["frame_not_taken"]
            assert len(sitting.frames) == 1
            assert isinstance(peer._task.exception(), RuntimeError)

    in_loop(scenario)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a=ice-pwd:", "a=no-pwd:"),
        ("VP8", "VP9"),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=extmap:1 ", "a=extmap:x "),
    ],
)
def test_contradicting_offer_is_refused_and_nothing_stays_open(old: str, new: str) -> None:
    async def scenario() -> None:
        async with student("video/VP8") as sitting:
            offer = (await sitting.offer()).replace(old, new)
            tasks = len(asyncio.all_tasks())
            with pytest.raises(OfferRefused):
                await Peer.answer(
                    offer,
                    tracks=None,
                    on_frame=sitting.take,
                    on_closed=sitting.closed.append,
                    port=sitting.port,
                )
            assert len(asyncio.all_tasks()) == tasks

    in_loop(scenario)


def test_exam_is_recorded_and_clipped_through_loss_and_reconnection(tmp_path: Path) -> None:
    async def scenario() -> None:
        epoch = asyncio.get_running_loop().time()
        recorded = []
        for _ in range(2):
            async with student() as sitting:
                recorders = {track: TrackRecorder(tmp_path, track, epoch) for track in Track}
                sitting.takers.append(lambda frame, to=recorders: to[frame.track].write(frame))
                await sitting.join()
                await sitting.until(lambda: sitting.connection.connectionState == "connected")
                sitting.lose(0.02)
                await sitting.until(pictures_of(sitting.screen))
                await sitting.peer.close()
                for recorder in recorders.values():
                    recorded.append(await asyncio.to_thread(recorder.finish))
        for track in Track:
            files = [each for each in recorded if each.track is track]
            assert [each.path.name for each in files] == [f"{track}-001.webm", f"{track}-002.webm"]
            for each in files:
                start, end = each.intervals[0].start, each.intervals[-1].end
                assert end - start > 4.0
                assert coverage(each.intervals, start, end) >= 0.9 * (end - start)
            until = files[1].intervals[0].start + 2.0
            clip = cut_clip([each.path for each in files], 2.0, until, tmp_path / f"{track}.webm")
            assert clip.end_s == pytest.approx(until, abs=0.5)

    in_loop(scenario)
