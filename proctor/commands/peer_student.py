"""A student without a browser: an aiortc peer and the page's own calls, made by a program.

It stands in for Chromium on a machine that has none. Keys are turned into zones as the page
would, the screen is drawn.
"""

import asyncio
import fractions
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import av
import cv2
import httpx2
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from websockets.asyncio.client import ClientConnection, connect

from proctor.commands import typist
from proctor.commands.camera_film import FPS, SHOWN_TWICE
from proctor.commands.parts import HANDING_IN_S, READING_S, Part, PartFailed, Played, Progress

BATCH_S: Final = 2.0
STEP_S: Final = 60.0
SCREEN_SIZE: Final = (1280, 720)
SCREEN_FPS: Final = 2
CLOCK_RATE: Final = 90_000
_TEXT_FIELD: Final = re.compile(r'<textarea[^>]*name="q-([0-9a-f]+)"')


async def play(part: Part, progress: Progress) -> Played:
    """Sit the exam from the sign-in link to the receipt. Raises PartFailed."""
    base = part.link.split("/sign-in/")[0]
    async with httpx2.AsyncClient(base_url=base, timeout=30.0) as client:
        student = _Student(client, part, progress)
        try:
            return await student.sit()
        except (httpx2.HTTPError, TimeoutError, OSError) as failure:
            raise PartFailed(part.learner, student.step, repr(failure)) from failure


class _Student:
    """One connection to the service and the step it is at."""

    def __init__(self, client: httpx2.AsyncClient, part: Part, progress: Progress) -> None:
        self.step = "sign-in"
        self._client = client
        self._part = part
        self._progress = progress

    async def sit(self) -> Played:
        await self._sign_in()
        sitting_id = await self._open_sitting()
        camera = _Film(self._part.film)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            await self._send_media(peer, sitting_id, camera)
            async with self._page(sitting_id) as page:
                started_film_s = await self._start(sitting_id, page, camera)
                await self._answer(sitting_id, page)
                self._at("handing in")
                await self._post(f"/api/sittings/{sitting_id}/finish")
                self._at("receipt")
        finally:
            await peer.close()
        return Played(sitting_id, started_film_s)

    def _at(self, step: str) -> None:
        self.step = step
        self._progress(f"{self._part.learner}: {step}")

    async def _post(self, path: str, **content: Any) -> httpx2.Response:
        response = await self._client.post(path, **content)
        if response.is_client_error or response.is_server_error:
            response.raise_for_status()
        return response

    async def _sign_in(self) -> None:
        self._at("sign-in")
        await self._post(httpx2.URL(self._part.link).path)
        self._at("consent")
        await self._post("/consent", data=dict.fromkeys(("face", "typing", "recording"), "yes"))

    async def _open_sitting(self) -> str:
        self._at("exam page")
        opened = await self._post(f"/exams/{self._part.event_id}/sittings")
        return opened.headers["location"].rsplit("/", 1)[1]

    async def _send_media(self, peer: RTCPeerConnection, sitting_id: str, camera: "_Film") -> None:
        self._at("connection")
        kinds = {
            "camera": peer.addTransceiver(camera, direction="sendonly"),
            "screen": peer.addTransceiver(_DrawnScreen(), direction="sendonly"),
        }
        await peer.setLocalDescription(await peer.createOffer())
        answer = await self._post(
            f"/api/sittings/{sitting_id}/offer",
            json={
                "sdp": peer.localDescription.sdp,
                "tracks": {name: kind.mid for name, kind in kinds.items()},
                "display_surface": "monitor",
            },
        )
        described = RTCSessionDescription(answer.json()["sdp"], "answer")
        await peer.setRemoteDescription(described)

    @asynccontextmanager
    async def _page(self, sitting_id: str) -> AsyncIterator["_Page"]:
        at = self._client.base_url.copy_with(scheme="ws").join(f"/api/sittings/{sitting_id}/socket")
        cookies = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        async with connect(str(at), additional_headers={"Cookie": cookies}) as socket:
            page = _Page(socket)
            listening = asyncio.create_task(page.listen())
            try:
                yield page
            finally:
                listening.cancel()
                await asyncio.wait([listening])

    async def _start(self, sitting_id: str, page: "_Page", camera: "_Film") -> float:
        self._at("identity check")
        await asyncio.wait_for(page.admitted.wait(), STEP_S)
        self._at("waiting for the start")
        await asyncio.sleep(max(0.0, self._part.start_at_s - camera.shown_s))
        await self._post(f"/api/sittings/{sitting_id}/start")
        self._at("exam")
        return camera.shown_s

    async def _answer(self, sitting_id: str, page: "_Page") -> None:
        began = time.monotonic()
        paper = await self._client.get(f"/sittings/{sitting_id}/paper")
        essay = _TEXT_FIELD.findall(paper.text)[-1]
        await asyncio.sleep(READING_S)
        presses = typist.until(self._part.keys, self._part.typing_ms)
        paste_s = None if self._part.pasted is None else self._part.seconds * 2 / 3 - READING_S
        typing = time.monotonic()
        sent, revision = 0, 0
        until_s = self._part.seconds - HANDING_IN_S
        while time.monotonic() - began < until_s:
            await asyncio.sleep(min(BATCH_S, max(0.1, began + until_s - time.monotonic())))
            typed_s = time.monotonic() - typing
            upto = len(typist.until(presses, typed_s * 1000))
            facts = []
            if paste_s is not None and typed_s >= paste_s:
                facts.append(_paste(len(self._part.pasted or "")))
                paste_s = None
            await page.send(presses[sent:upto], presses[sent - 1] if sent else None, facts)
            sent, revision = upto, revision + 1
            text = typist.text_of(presses[:upto])
            saved = await self._client.put(
                f"/api/sittings/{sitting_id}/answers/{essay}",
                json={"revision": revision, "text": text},
            )
            saved.raise_for_status()


class _Page:
    """The socket as the exam page uses it: numbered batches out, the service's messages in."""

    def __init__(self, socket: ClientConnection) -> None:
        self.admitted = asyncio.Event()
        self._socket = socket
        self._greeted = asyncio.Event()
        self._nonce = ""
        self._seq = 0
        self._identified = False
        self._live = False

    async def listen(self) -> None:
        async for raw in self._socket:
            message = json.loads(raw)
            match message["type"]:
                case "hello":
                    self._nonce, self._seq = message["nonce"], message["last_seq"]
                    self._greeted.set()
                case "identity":
                    self._identified = message["state"] == "verified"
                case "media":
                    self._live = message["camera"] and message["screen"]
            if self._identified and self._live:
                self.admitted.set()

    async def send(
        self,
        presses: Sequence[typist.Press],
        before: typist.Press | None,
        facts: list[dict[str, Any]],
    ) -> None:
        await self._greeted.wait()
        self._seq += 1
        keys = typist.batch(presses, before.at_ms if before else 0.0) if presses else None
        now_ms = time.monotonic() * 1000
        batch = {
            "type": "batch",
            "seq": self._seq,
            "nonce": self._nonce,
            "now_ms": now_ms,
            "browser": facts,
            "keys": keys,
        }
        await self._socket.send(json.dumps(batch))


class _Film(VideoStreamTrack):
    """The film at its own pace; a picture that comes too late is left out."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._jpegs = path.read_bytes().split(b"\xff\xd8\xff")[1::SHOWN_TWICE]
        self._began: float | None = None
        self._shown = -1

    @property
    def shown_s(self) -> float:
        """Second of the film that is shown now."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    async def recv(self) -> av.VideoFrame:
        self._began = time.monotonic() if self._began is None else self._began
        self._shown = max(self._shown + 1, int(self.shown_s * FPS))
        await asyncio.sleep(max(0.0, self._shown / FPS - self.shown_s))
        jpeg = b"\xff\xd8\xff" + self._jpegs[self._shown % len(self._jpegs)]
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        return _stamped(picture, self._shown / FPS)


class _DrawnScreen(VideoStreamTrack):
    """A screen with a page of text lines and a cursor that moves along them."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn = 0
        self._began = time.monotonic()
        self._paper = np.full((SCREEN_SIZE[1], SCREEN_SIZE[0], 3), 250, np.uint8)
        random = np.random.default_rng(0)
        for top in range(80, SCREEN_SIZE[1] - 40, 28):
            right = int(random.integers(500, 1100))
            cv2.rectangle(self._paper, (80, top), (right, top + 10), (90, 90, 90), -1)

    async def recv(self) -> av.VideoFrame:
        at_s = self._drawn / SCREEN_FPS
        await asyncio.sleep(max(0.0, self._began + at_s - time.monotonic()))
        picture = self._paper.copy()
        left = 80 + self._drawn * 9 % 1000
        cv2.rectangle(picture, (left, 40), (left + 4, 60), (160, 60, 20), -1)
        self._drawn += 1
        return _stamped(picture, at_s)


def _stamped(picture: Any, at_s: float) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
    frame.pts = round(at_s * CLOCK_RATE)
    frame.time_base = fractions.Fraction(1, CLOCK_RATE)
    return frame


def _paste(chars: int) -> dict[str, Any]:
    return {"name": "paste", "ms": time.monotonic() * 1000, "values": {"chars": chars}}
