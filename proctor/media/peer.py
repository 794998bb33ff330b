"""One media connection of a sitting: a browser's offer in, encoded frames of two tracks out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial

from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

from proctor.media.assembler import AssembledFrame
from proctor.media.frames import EncodedFrame
from proctor.media.ingest import (
    SharedEstimate,
    TapBuffer,
    ask_key_frame,
    listen_only_on,
    route_retransmissions,
    tap,
)
from proctor.media.offers import Offer, OfferRefused, read_offer
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
    ) -> None:
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._on_change = {True: on_silence, False: on_resume}
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._offers = {each.track: each for each in offer.tracks}
        self._transceivers: dict[Track, RTCRtpTransceiver] = {}
        self._buffers: dict[Track, TapBuffer] = {}
        self._keys = KeySchedule()
        self._watch: SilenceWatch | None = None
        self._end: str | None = None
        self._failure: Exception | None = None
        self._wake = asyncio.Event()
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
        address: str = "127.0.0.1",
    ) -> tuple[Peer, str]:
        """A connecting peer and the SDP to send back.

        ``tracks``: mid of "camera" and "screen", None for the order of the m-lines. ``on_closed``
        is called once with ``left``, ``failed``, ``not_connected`` or ``frame_not_taken`` unless
        ``close`` came first; ``on_silence`` and ``on_resume`` with the track and the monotonic
        seconds of its last frame before the silence. ``address``: where media is received.
        Raises OfferRefused; OSError when the address is not this machine's.
        """
        offer = read_offer(offer_sdp, tracks)
        peer = cls(offer, on_frame, on_closed, on_silence, on_resume)
        try:
            await peer._negotiate(offer)
            listen_only_on(peer._connection, address)
            await peer._connection.setLocalDescription()
        except (OfferRefused, OSError):
            await peer._connection.close()
            raise
        peer._task = asyncio.create_task(peer._run())
        return peer, peer._connection.localDescription.sdp

    def request_keyframe(self, track: Track) -> None:
        """Ask the browser for a key frame of *track* now."""
        self._keys.request(track)
        self._wake.set()

    async def close(self) -> None:
        """End the connection; no callback is called any more. May be called twice."""
        self._end = self._end or CLOSED
        self._wake.set()
        assert self._task is not None
        await asyncio.wait([self._task])

    async def _negotiate(self, offer: Offer) -> None:
        estimate = SharedEstimate()
        spare = [self._connection.addTransceiver("video", direction="recvonly") for _ in Track]
        for transceiver, each in zip(spare, offer.tracks, strict=True):
            take = partial(self._take, each.track)
            self._buffers[each.track] = tap(transceiver, take, estimate)
            self._transceivers[each.track] = transceiver
            transceiver.setCodecPreferences(_preferred(offer.has_vp8))
        self._connection.on("connectionstatechange", self._state_changed)
        try:
            await self._connection.setRemoteDescription(
                RTCSessionDescription(sdp=offer.sdp, type="offer")
            )
        # an offer that parses may still contradict itself, in ways aiortc does not name
        except Exception as error:
            raise OfferRefused("not_negotiable") from error
        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "audio":
                transceiver.direction = "inactive"
        for track, transceiver in self._transceivers.items():
            assert transceiver.mid == self._offers[track].mid
            route_retransmissions(transceiver, self._offers[track])

    def _state_changed(self) -> None:
        match self._connection.connectionState:
            case "connected" if self._watch is None:
                self._watch = SilenceWatch(time.monotonic())
            case "failed":
                self._end = self._end or "failed"
            case "closed":
                self._end = self._end or "left"
        self._wake.set()

    def _take(self, track: Track, frame: AssembledFrame) -> None:
        if self._end is not None:
            return
        if self._watch is not None and (change := self._watch.saw(track, frame.arrival)):
            self._report(change)
        encoded = EncodedFrame(
            track, frame.codec, frame.timestamp, frame.arrival, frame.is_key, frame.data
        )
        try:
            self._on_frame(encoded)
        # raised here it would be lost in the transport; the peer's task ends and shows it
        except Exception as error:  # noqa: BLE001
            self._failure = error
            self._end = "frame_not_taken"
            self._wake.set()

    def _report(self, change: TrackChange) -> None:
        self._on_change[change.is_silent](change.track, change.since)

    async def _run(self) -> None:
        opened = time.monotonic()
        while self._end is None:
            now = time.monotonic()
            if self._watch is not None:
                await self._look(self._watch, now)
            elif now - opened >= CONNECT_LIMIT_S:
                self._end = "not_connected"
            await self._sleep()
        await self._connection.close()
        if self._end != CLOSED:
            self._on_closed(self._end)
        if self._failure is not None:
            raise self._failure

    async def _look(self, watch: SilenceWatch, now: float) -> None:
        for buffer in self._buffers.values():
            buffer.expire(now)
        for change in watch.check(now):
            self._report(change)
        for track, transceiver in self._transceivers.items():
            if self._keys.due(track, now, self._buffers[track].assembler.needs_key):
                await ask_key_frame(transceiver, self._offers[track].ssrc)

    async def _sleep(self) -> None:
        self._wake.clear()
        if self._end is None:
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
            except TimeoutError:
                return


def _preferred(has_vp8: bool) -> list[RTCRtpCodecCapability]:
    """VP8 alone where it is offered: it is what is recorded."""
    wanted = ("video/vp8", "video/rtx") if has_vp8 else ("video/h264", "video/rtx")
    capabilities = RTCRtpReceiver.getCapabilities("video")
    assert capabilities is not None
    return [codec for codec in capabilities.codecs if codec.mimeType.lower() in wanted]
