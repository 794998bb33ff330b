"""The usual ways to take in and record students with aiortc, measured for comparison."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder
from aiortc.mediastreams import MediaStreamError

from proctor.commands.replay import Orders

#: how many students tell what one costs
STUDENTS: Final[Mapping[str, int]] = MappingProxyType({"media-recorder": 1, "decode-all": 4})
DESIGNS: Final = tuple(STUDENTS)

Take = Callable[[Path, list[MediaStreamTrack]], Awaitable[None]]


async def measure(design: str, pipe: Connection, orders: Orders) -> float:
    """CPU milliseconds of this process per student and second."""
    take = {"media-recorder": _record, "decode-all": _drain}[design]
    peers: list[RTCPeerConnection] = []
    taking: list[asyncio.Task[None]] = []
    with tempfile.TemporaryDirectory(prefix="tanu-bench-") as name:
        while isinstance(offers := await asyncio.to_thread(pipe.recv), list):
            answers = []
            for sdp in offers:
                peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
                await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
                await peer.setLocalDescription()
                tracks = [each.receiver.track for each in peer.getTransceivers()]
                path = Path(name) / f"{len(peers):03d}.webm"
                taking.append(asyncio.create_task(_guarded(take, path, tracks)))
                peers.append(peer)
                answers.append(peer.localDescription.sdp)
            pipe.send(answers)
        before = time.process_time()
        began = time.monotonic()
        pipe.send("go")
        # a loop that is kept from running sleeps longer than it is told to
        await asyncio.sleep(orders.seconds)
        spent = time.process_time() - before
        seconds = time.monotonic() - began
        await asyncio.to_thread(pipe.recv)
        for task in taking:
            task.cancel()
        await asyncio.wait(taking)
        await asyncio.gather(*(peer.close() for peer in peers))
    return 1000 * spent / orders.students / seconds


async def _guarded(take: Take, path: Path, tracks: list[MediaStreamTrack]) -> None:
    try:
        await take(path, tracks)
    except MediaStreamError:
        return


async def _record(path: Path, tracks: list[MediaStreamTrack]) -> None:
    recorder = MediaRecorder(str(path))
    for track in tracks:
        recorder.addTrack(track)
    await recorder.start()
    try:
        await asyncio.Event().wait()
    finally:
        await recorder.stop()


async def _drain(path: Path, tracks: list[MediaStreamTrack]) -> None:
    async def drain(track: MediaStreamTrack) -> None:
        while True:
            await track.recv()

    await asyncio.gather(*map(drain, tracks))
