"""``proctor bench wall``: what a proctor who watches a wall of sittings costs the service."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer
from websockets.asyncio.client import connect

from proctor.clock import Clock
from proctor.commands import bench, service
from proctor.commands.evaluate.figures import AsJson, show
from proctor.commands.processor import used_s
from proctor.commands.replay import Orders
from proctor.commands.seed import Seeded, seed_demo
from proctor.exams.tables import RosterEntry
from proctor.live.wall import ROUND_S
from proctor.observations import Track
from proctor.people import accounts, consents, sign_in
from proctor.people.tables import Purpose, Role
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.vault import Vault

# connecting, checks and the start of all exams
SET_UP_S: Final = 90.0
SETTLE_S: Final = 5.0
CONFLICT: Final = 409
COOKIE: Final = "tanu_session"
_ID: Final = 32


@dataclass
class _Seen:
    """When the stills of a sitting's track came, in monotonic seconds."""

    stills: defaultdict[tuple[str, Track], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    bytes: int = 0


@dataclass(frozen=True)
class House:
    """A service with an exam that is open, and the sign-ins of those who are in it."""

    settings: Settings
    seeded: Seeded
    students: list[str]
    proctor: str


@dataclass(frozen=True)
class UnderWay:
    """A house whose students sit their exams. ``pid``: of the service."""

    house: House
    sittings: list[str]
    pid: int


def wall(
    students: Annotated[int, typer.Option(min=1, max=30, help="Sittings on the wall.")] = 30,
    seconds: Annotated[float, typer.Option(min=5, max=3600, help="Length of each part.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Run exams of students that another process sends, first unwatched and then on a wall."""
    with under_way(students, 2 * seconds + 5 * SETTLE_S) as exams:
        figures = asyncio.run(_measure(exams, seconds))
    show(figures, as_json=as_json)


@contextmanager
def under_way(students: int, seconds: float) -> Iterator[UnderWay]:
    """Exams of *students* for that long, whose media another process sends."""
    orders = Orders(students, SET_UP_S + seconds, 0.0, None, is_looked_at=True)
    with tempfile.TemporaryDirectory(prefix="tanu-wall-") as name:
        house = _furnish(Path(name), students)
        log_path = house.settings.data_dir / "service.log"
        with service.running(house.settings, log_path) as process, bench.sender(orders) as pipe:
            yield UnderWay(house, asyncio.run(_begun(house, pipe)), process.pid)


def _furnish(data_dir: Path, students: int) -> House:
    own = Settings()
    settings = own.model_copy(
        update={
            "data_dir": data_dir,
            "models_dir": own.models_dir.absolute(),
            "database_url": None,
            "public_url": None,
            "host": "127.0.0.1",
            "port": service.free_port(),
            "media_port": 0,
        }
    )
    db = Database(settings.database)
    db.upgrade()
    vault, now = Vault(institution_key(settings)), Clock().now()
    tokens = []
    with db.transaction() as tx:
        seeded = seed_demo(tx, settings.institution, now, exam_s=3600)
        for number in range(students):
            learner = accounts.add(
                tx,
                seeded.institution_id,
                f"learner{number}@example.org",
                f"Learner {number}",
                Role.STUDENT,
                learner_number=f"{number:04d}",
            )
            tx.add(RosterEntry(course_id=seeded.course_id, account_id=learner.id))
            consents.record(tx, vault, learner.id, dict.fromkeys(Purpose, True), "en", now)
            tokens.append(sign_in.begin(tx, learner.id, now))
        proctor = sign_in.begin(tx, seeded.proctor.id, now)
    db.close()
    return House(settings, seeded, tokens, proctor)


async def _measure(exams: UnderWay, seconds: float) -> dict[str, Any]:
    house, sittings, pid = exams.house, exams.sittings, exams.pid
    async with _client(house) as client:
        await asyncio.sleep(SETTLE_S)
        # what else happens may grow or wane meanwhile: half before the wall, half after it
        before = await _cpu_during(pid, seconds / 2)
        seen = _Seen()
        watching = asyncio.create_task(_watch_wall(house, sittings, seen))
        await asyncio.sleep(SETTLE_S)
        began, had_bytes = time.monotonic(), seen.bytes
        watched = await _cpu_during(pid, seconds)
        shown = _shown(seen, sittings, began, time.monotonic())
        kbit_s = (seen.bytes - had_bytes) * 8 / 1000 / seconds
        live = await _open_live(house, sittings[0])
        said_s = await _say(house, client, sittings[0])
        watching.cancel()
        await asyncio.wait([watching])
        await asyncio.sleep(SETTLE_S)
        after = await _cpu_during(pid, seconds / 2)
    unwatched = tuple(map(sum, zip(before, after, strict=True)))
    added = [(on - off) / seconds for on, off in zip(watched, unwatched, strict=True)]
    return {
        "students": len(sittings),
        "seconds": seconds,
        "service_share_unwatched": round(unwatched[0] / seconds, 3),
        "service_share_watched": round(watched[0] / seconds, 3),
        "workers_share_unwatched": round(unwatched[1] / seconds, 3),
        "workers_share_watched": round(watched[1] / seconds, 3),
        "wall_share_of_a_core": round(sum(added), 3),
        "wall_share_in_workers": round(added[1], 3),
        **shown,
        "kbit_a_second": round(kbit_s),
        "live_opens_s": live,
        "message_told_s": round(said_s, 3),
    }


def _client(house: House) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=house.settings.url, timeout=60.0)


async def _begun(house: House, pipe: Connection) -> list[str]:
    """Sittings of all students in their exams, with media that arrive."""
    async with _client(house) as client:
        sittings = await _connected(house, client, pipe)
        pipe.send("go")
        await asyncio.sleep(SETTLE_S)
        for sitting_id, token in zip(sittings, house.students, strict=True):
            path = f"/review/sittings/{sitting_id}/admission"
            await client.post(path, headers=_cookie(house.proctor))
            await _start(client, f"/api/sittings/{sitting_id}/start", _cookie(token))
    return sittings


async def _start(client: httpx2.AsyncClient, path: str, headers: dict[str, str]) -> None:
    """Begin an exam, which is refused until its camera and screen arrive."""
    async with asyncio.timeout(SET_UP_S):
        while (answer := await client.post(path, headers=headers)).status_code == CONFLICT:
            await asyncio.sleep(0.5)
    _json(answer)


async def _connected(house: House, client: httpx2.AsyncClient, pipe: Connection) -> list[str]:
    sittings: list[str] = []
    while isinstance(offers := await asyncio.to_thread(pipe.recv), list):
        answers = []
        for sdp in offers:
            cookie = _cookie(house.students[len(sittings)])
            opened = await client.post(
                f"/exams/{house.seeded.final_id}/sittings", headers=cookie, follow_redirects=False
            )
            sitting_id = opened.headers["location"].rsplit("/", 1)[1]
            body = {
                "sdp": sdp,
                "tracks": {"camera": "0", "screen": "1"},
                "display_surface": "monitor",
            }
            path = f"/api/sittings/{sitting_id}/offer"
            answers.append(_json(await client.post(path, headers=cookie, json=body))["sdp"])
            sittings.append(sitting_id)
        pipe.send(answers)
    return sittings


async def _watch_wall(house: House, sittings: list[str], seen: _Seen) -> None:
    url = house.settings.url.replace("http", "ws", 1) + "/proctor/wall/socket"
    async with connect(url, additional_headers=_cookie(house.proctor)) as socket:
        await socket.send(json.dumps({"watch": sittings}))
        async for message in socket:
            seen.bytes += len(message)
            if isinstance(message, bytes):
                track = list(Track)[message[_ID]]
                seen.stills[message[:_ID].decode(), track].append(time.monotonic())


async def _open_live(house: House, sitting_id: str) -> dict[str, float]:
    """Seconds from the request to the first pictures of each track."""
    url = house.settings.url.replace("http", "ws", 1) + f"/proctor/sittings/{sitting_id}/socket"
    began, opened = time.monotonic(), dict[str, float]()
    async with (
        asyncio.timeout(30),
        connect(url, additional_headers=_cookie(house.proctor), max_size=None) as socket,
    ):
        async for message in socket:
            if isinstance(message, bytes):
                name = "camera" if message[0] == 0 else "screen"
                opened.setdefault(name, round(time.monotonic() - began, 3))
            if len(opened) == 2:
                break
    return opened


async def _say(house: House, client: httpx2.AsyncClient, sitting_id: str) -> float:
    """Seconds from a proctor's message to the student's page."""
    url = house.settings.url.replace("http", "ws", 1) + f"/api/sittings/{sitting_id}/socket"
    async with (
        asyncio.timeout(30),
        connect(url, additional_headers=_cookie(house.students[0])) as page,
    ):
        await _until(page.recv, "talk")
        began = time.monotonic()
        body = {"act": "message", "phrase": "light"}
        path = f"/api/proctoring/{sitting_id}/messages"
        _json(await client.post(path, headers=_cookie(house.proctor), json=body))
        await _until(page.recv, "said")
        return time.monotonic() - began


async def _until(receive: Callable[[], Any], kind: str) -> None:
    while json.loads(await receive())["type"] != kind:
        continue


def _shown(seen: _Seen, sittings: list[str], began: float, until: float) -> dict[str, Any]:
    """What of each track came between *began* and *until*; a tile is its camera and its screen."""
    figures: dict[str, Any] = defaultdict(dict)
    for track in Track:
        waits = [waits_s(seen.stills[each, track], began, until) for each in sittings]
        counts = [len(each) - 1 for each in waits]
        figures["pictures_a_second"][track.value] = round(sum(counts) / (until - began), 1)
        figures["pictures_of_the_least_shown"][track.value] = min(counts)
        figures["dropped_tiles"][track.value] = sum(map(dropped, waits))
        figures["longest_wait_s"][track.value] = round(max(map(max, waits)), 1)
    return dict(figures)


def waits_s(came: list[float], began: float, until: float) -> list[float]:
    """Seconds between *began*, the pictures that *came* since, and *until*."""
    times = [began, *(at for at in came if began < at < until), until]
    return [later - earlier for earlier, later in pairwise(times)]


def dropped(waits: list[float]) -> int:
    """Rounds of the wall that brought no new picture."""
    return sum(max(0, round(wait / ROUND_S) - 1) for wait in waits)


def _cookie(token: str) -> dict[str, str]:
    return {"cookie": f"{COOKIE}={token}"}


def _json(response: httpx2.Response) -> Any:
    response.raise_for_status()
    return response.json()


async def _cpu_during(pid: int, seconds: float) -> tuple[float, float]:
    """CPU seconds of the process, and of its workers."""
    own, workers = used_s(pid), _workers_cpu_s(pid)
    await asyncio.sleep(seconds)
    return used_s(pid) - own, _workers_cpu_s(pid) - workers


def _workers_cpu_s(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    threads = Path(f"/proc/{pid}/task").iterdir()
    children += [
        child
        for thread in threads
        if thread.name != str(pid)
        for child in (thread / "children").read_text().split()
    ]
    return sum(used_s(int(child)) for child in set(children))
