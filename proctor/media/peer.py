"""One media connection of a sitting: a browser's offer in, encoded frames of two tracks out."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping

from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

from proctor.media.frames import Codec, EncodedFrame
from proctor.media.ingest import MediaLink, decode_nothing, listen_only_on, payload_types
from proctor.media.offers import Offer, OfferRefused, read_offer
from proctor.media.pace import Pace
from proctor.media.port import MediaPort
from proctor.media.reception import Reception
from proctor.media.watch import KeySchedule, SilenceWatch, TrackChange
from proctor.observations import Track

LOOK_EVERY_S = 0.1
CONNECT_LIMIT_S = 20.0
CLOSED = "closed"

FrameTaker = Callable[[EncodedFrame], None]
EndTaker = Callable[[str], None]
ChangeTaker = Callable[[Track, float], None]


def _ignore_change(track: Track, since: float) -> None:
    pass


class Peer:
    """The server's end of one browser's connection; built by ``answer``, ended by ``close``.

    All callbacks run on the event loop's thread and must not block.
    """

    def __init__(
        self,
        offer: Offer,
        on_frame: FrameTaker,
        on_closed: EndTaker,
        on_silence: ChangeTaker,
        on_resume: ChangeTaker,
        port: MediaPort,
    ) -> None:
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._on_change = {True: on_silence, False: on_resume}
        self._port = port
        self._offer = offer
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._reception: Reception | None = None
        self._keys = KeySchedule()
        self._watch: SilenceWatch | None = None
        self._opened = self._looked = time.monotonic()
        self._end: str | None = None
        self._failure: Exception | None = None
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def answer(
        cls,
        offer_sdp: str,
        *,
        tracks: Mapping[str, str] | None,
        on_frame: FrameTaker,
        on_closed: EndTaker,
        on_silence: ChangeTaker = _ignore_change,
        on_resume: ChangeTaker = _ignore_change,
        port: MediaPort,
    ) -> tuple[Peer, str]:
        """A connecting peer and the SDP to send back.

        ``tracks``: mid of "camera" and "screen", None for the order of the m-lines. ``on_closed``
        is called once with ``left``, ``failed``, ``not_connected`` or ``frame_not_taken`` unless
        ``close`` came first; ``on_silence`` and ``on_resume`` with the track and the monotonic
        seconds of its last frame before the silence. ``port``: where media is received.
        Raises OfferRefused.
        """
        offer = read_offer(offer_sdp, tracks)
        peer = cls(offer, on_frame, on_closed, on_silence, on_resume, port)
        try:
            await peer._negotiate()
        except OfferRefused:
            await peer._connection.close()
            raise
        port.attend(peer)
        peer._task = asyncio.create_task(peer._run())
        return peer, peer._connection.localDescription.sdp

    @property
    def dropped(self) -> Counter[str]:
        """Datagrams of this browser by the reason they went no further."""
        assert self._reception is not None
        return self._reception.dropped

    @property
    def codec(self) -> Codec:
        """What both tracks are sent in."""
        return self._offer.codec

    @property
    def repaired(self) -> int:
        """Packets that were lost and came again."""
        assert self._reception is not None
        return self._reception.repaired

    @property
    def given_up(self) -> int:
        """Packets that were lost and did not come again."""
        assert self._reception is not None
        return self._reception.given_up

    def expect(self, pace: Pace) -> None:
        """The browser sends at *pace* from now on."""
        now = time.monotonic()
        self._keys.pace = pace
        if self._reception is not None:
            self._reception.expect(pace, now)
        if self._watch is not None:
            self._watch.expect(pace, now)

    @property
    def kbit_s(self) -> int:
        """What arrived in a second lately."""
        return self._reception.kbit_s if self._reception is not None else 0

    def request_keyframe(self, track: Track) -> None:
        """Ask the browser for a key frame of *track* at the next look."""
        self._keys.request(track)
        self._looked = 0.0

    async def close(self) -> None:
        """End the connection; no callback is called any more. May be called twice."""
        self._finish(CLOSED)
        assert self._task is not None
        await asyncio.wait([self._task])

    def received(self, datagram: bytes, now: float) -> None:
        """Take a protected media datagram that arrived at *now* (monotonic seconds)."""
        if self._reception is not None and self._end is None:
            self._reception.received(datagram, now)

    def pulse(self, now: float) -> None:
        """Do what is due at *now* (monotonic seconds)."""
        if self._end is not None:
            return
        if self._watch is None:
            if now - self._opened >= CONNECT_LIMIT_S:
                self._finish("not_connected")
            return
        assert self._reception is not None
        if now - self._looked >= LOOK_EVERY_S:
            self._looked = now
            self._look(self._reception, self._watch, now)
        self._reception.pulse(now)

    async def _negotiate(self) -> None:
        offer = self._offer
        for _ in offer.tracks:
            transceiver = self._connection.addTransceiver("video", direction="recvonly")
            decode_nothing(transceiver)
            transceiver.setCodecPreferences(_preferred(offer.codec))
        self._connection.on("connectionstatechange", self._state_changed)
        try:
            await self._connection.setRemoteDescription(
                RTCSessionDescription(sdp=offer.sdp, type="offer")
            )
        # an offer that parses may still contradict itself, in ways aiortc does not name
        except Exception as error:
            raise OfferRefused("not_negotiable") from error
        videos: list[RTCRtpTransceiver] = []
        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "audio":
                transceiver.direction = "inactive"
            else:
                videos.append(transceiver)
        assert [video.mid for video in videos] == [each.mid for each in offer.tracks]
        link = MediaLink(videos[0], self._port)
        self._reception = Reception(link, offer, payload_types(videos), self._take)
        listen_only_on(self._connection, self._port, self)
        await self._connection.setLocalDescription()

    def _state_changed(self) -> None:
        match self._connection.connectionState:
            case "connected" if self._watch is None:
                self._watch = SilenceWatch(time.monotonic())
                self._watch.expect(self._keys.pace, time.monotonic())
            case "failed":
                self._finish("failed")
            case "closed":
                self._finish("left")

    def _finish(self, end: str) -> None:
        self._end = self._end or end
        self._ended.set()

    def _take(self, frame: EncodedFrame) -> None:
        if self._end is not None:
            return
        if self._watch is not None and (change := self._watch.saw(frame.track, frame.arrival)):
            self._report(change)
        self._tell(self._on_frame, frame)

    def _report(self, change: TrackChange) -> None:
        self._tell(self._on_change[change.is_silent], change.track, change.since)

    def _tell(self, callback: Callable[..., None], *values: object) -> None:
        try:
            callback(*values)
        # raised here it would hit the other sittings of the port; the peer's task ends with it
        except Exception as error:  # noqa: BLE001
            self._failure = error
            self._finish("frame_not_taken")

    def _look(self, reception: Reception, watch: SilenceWatch, now: float) -> None:
        for change in watch.check(now):
            self._report(change)
        for track in Track:
            needs_key = reception.needs_key(track)
            round_trip_s = reception.round_trip_s
            if self._keys.due(track, now, needs_key=needs_key, round_trip_s=round_trip_s):
                reception.ask_key_frame(track)

    async def _run(self) -> None:
        await self._ended.wait()
        self._port.dismiss(self)
        await self._connection.close()
        if self._end != CLOSED:
            assert self._end is not None
            self._on_closed(self._end)
        if self._failure is not None:
            raise self._failure


def _preferred(wanted: Codec) -> list[RTCRtpCodecCapability]:
    """The wanted codec alone: a recording does not change it in the middle."""
    names = (f"video/{wanted}".lower(), "video/rtx")
    capabilities = RTCRtpReceiver.getCapabilities("video")
    assert capabilities is not None
    return [codec for codec in capabilities.codecs if codec.mimeType.lower() in names]
