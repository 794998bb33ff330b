"""A student in headless Chromium: the real pages, a film for a webcam, human key timings."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, CDPSession, Error, Page, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

from proctor.commands import typist
from proctor.commands.parts import (
    HANDING_IN_S,
    READING_S,
    Part,
    PartFailed,
    Played,
    Progress,
)

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
STEP_MS: Final = 60_000
# notes when the webcam opened, so that the exam can begin at a given second of the film
_NOTE_CAMERA: Final = """
const ask = navigator.mediaDevices?.getUserMedia?.bind(navigator.mediaDevices);
window.filmBegan = new Promise((note) => {
  if (ask) navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    note(Date.now());
    return stream;
  };
});
"""


def find_chromium() -> Path | None:
    """The browser installed on this machine, if any."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


def arguments(film: Path | None) -> list[str]:
    """Command line of a Chromium whose webcam plays *film* and whose screen is synthetic."""
    args = [
        # containers have no user namespaces; the browser opens nothing but this service
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--mute-audio",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream=display-media-type=monitor",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
    ]
    return [*args, f"--use-file-for-fake-video-capture={film}"] if film else args


@asynccontextmanager
async def chromium(film: Path | None) -> AsyncIterator[Browser]:
    """One Chromium process; raises FileNotFoundError when none is installed."""
    installed = find_chromium()
    if installed is None:
        raise FileNotFoundError("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed, args=arguments(film))
        try:
            yield browser
        finally:
            await browser.close()


async def play(part: Part, progress: Progress) -> Played:
    """Sit the exam from the sign-in link to the receipt. Raises PartFailed."""
    async with chromium(part.film) as browser:
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(STEP_MS)
        await context.add_init_script(_NOTE_CAMERA)
        student = _Student(await context.new_page(), part, progress)
        try:
            return await student.sit()
        except (Error, TimeoutError) as failure:
            seen = await student.what_is_shown()
            reason = str(failure).partition("\n")[0]
            raise PartFailed(part.learner, student.step, f"{reason} / {seen}") from failure


class _Student:
    """One page and the step it is at."""

    def __init__(self, page: Page, part: Part, progress: Progress) -> None:
        self.page = page
        self.part = part
        self.step = "sign-in"
        self._progress = progress
        self._film_began = 0.0

    async def sit(self) -> Played:
        await self._sign_in()
        await self._consent()
        sitting_id = await self._open_sitting()
        await self._share()
        started_film_s = await self._start()
        await self._answer()
        await self._hand_in()
        return Played(sitting_id, started_film_s)

    async def what_is_shown(self) -> str:
        try:
            text = await self.page.locator("main").inner_text(timeout=2000)
        except Error:
            text = ""
        return f"{self.page.url} {' '.join(text.split())[:400]}"

    def _at(self, step: str) -> None:
        self.step = step
        self._progress(f"{self.part.learner}: {step}")

    async def _sign_in(self) -> None:
        self._at("sign-in")
        await self.page.goto(self.part.link)
        await self.page.locator("main form button").click()
        await self.page.wait_for_url("**/exams")

    async def _consent(self) -> None:
        self._at("consent")
        await self.page.goto(self._url("/consent"))
        for box in await self.page.locator("main input[type=checkbox]").all():
            await box.check()
        async with self.page.expect_navigation():
            await self.page.locator("#consent-save").click()
        if self.part.pasted is not None:
            await self._copy(self.part.pasted)

    async def _copy(self, text: str) -> None:
        """Put *text* on the clipboard before the exam."""
        await self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await self.page.evaluate("text => navigator.clipboard.writeText(text)", text)

    async def _open_sitting(self) -> str:
        self._at("exam page")
        await self.page.goto(self._url("/exams"))
        form = self.page.locator(f"form[action='/exams/{self.part.event_id}/sittings']")
        await form.locator("button").click()
        await self.page.wait_for_url("**/sittings/*")
        return self.page.url.rsplit("/", 1)[1]

    async def _share(self) -> None:
        self._at("camera")
        await self.page.locator("#camera-button").click()
        async with asyncio.timeout(STEP_MS / 1000):
            self._film_began = float(await self.page.evaluate("window.filmBegan")) / 1000
        self._at("whole screen")
        await self.page.locator("#screen-button:enabled").click()
        self._at("connection")
        await self.page.locator("#connect-button:enabled").click()
        self._at("identity check")

    async def _start(self) -> float:
        button = self.page.locator("#start-button:enabled")
        await button.wait_for()
        self._at("waiting for the start")
        await asyncio.sleep(max(0.0, self._film_began + self.part.start_at_s - time.time()))
        paper = self.page.locator("textarea[name^='q-']")
        refused = self.page.locator("#start-status:not(:empty)")
        # refused while the pictures are away for a moment
        async with asyncio.timeout(STEP_MS / 1000):
            while not await paper.count():
                await button.click()
                await paper.or_(refused).first.wait_for()
        self._at("exam")
        return time.time() - self._film_began

    async def _answer(self) -> None:
        """A choice, then the essay at the typist's pace; the paste falls between two keys."""
        opened = time.time()
        for choice in await self.page.locator("fieldset:has(input[name^='q-'])").all():
            await choice.locator("input").first.check()
        await asyncio.sleep(max(0.0, opened + READING_S - time.time()))
        await self.page.locator("textarea[name^='q-']").last.focus()
        session = await self.page.context.new_cdp_session(self.page)
        paste_ms = None
        if self.part.pasted is not None:
            paste_ms = (self.part.seconds * 2 / 3 - READING_S) * 1000
        keyboard = _Keyboard(self.page, session)
        await keyboard.type(typist.until(self.part.keys, self.part.typing_ms), paste_ms)
        left_s = opened + self.part.seconds - HANDING_IN_S - time.time()
        await asyncio.sleep(max(0.0, left_s))

    async def _hand_in(self) -> None:
        self._at("handing in")
        try:
            for button in ("#finish-button", "#confirm-finish"):
                await self.page.locator(button).click(timeout=HANDING_IN_S * 1000)
        except PlaywrightTimeout:
            # on a slow machine the time is up first, and the page hands in by itself
            self._at("time is up")
        await self.page.locator("#receipt-link").click()
        await self.page.wait_for_url("**/receipt")
        self._at("receipt")

    def _url(self, path: str) -> str:
        return self.part.link.split("/sign-in/")[0] + path


class _Keyboard:
    """Types through the browser's own input path, each key with its time as the file says."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        self._shifted = False

    async def type(self, presses: tuple[typist.Press, ...], paste_ms: float | None) -> None:
        began = time.time()
        for edge in typist.edges(presses):
            if paste_ms is not None and edge.at_ms >= paste_ms and edge.is_down:
                await self._paste()
                paste_ms = None
            at = began + edge.at_ms / 1000
            await asyncio.sleep(max(0.0, at - time.time()))
            await self._send(edge, at)
        if paste_ms is not None:
            await asyncio.sleep(max(0.0, began + paste_ms / 1000 - time.time()))
            await self._paste()

    async def _paste(self) -> None:
        await self._page.keyboard.press("Control+V")

    async def _send(self, edge: typist.Edge, at: float) -> None:
        if edge.code in typist.SHIFTS:
            self._shifted = edge.is_down
        text = typist.character(edge.code, is_shifted=self._shifted)
        key: dict[str, object] = {
            "type": "keyDown" if edge.is_down else "keyUp",
            "code": edge.code,
            "key": text.replace("\r", "Enter") or edge.code,
            "windowsVirtualKeyCode": typist.virtual_key(edge.code),
            "modifiers": 8 if self._shifted else 0,
            "timestamp": at,
        }
        if edge.is_down and text:
            key["text"] = text
        await self._session.send("Input.dispatchKeyEvent", key)
