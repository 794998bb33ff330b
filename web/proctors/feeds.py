"""What the live wall and the page of one sitting are told, for as long as they are open.

Nothing of a camera or screen leaves before the view of it is written down.
"""

import asyncio
import struct
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.websockets import WebSocketState

from proctor import events
from proctor.catalogue import translate
from proctor.clock import TIME_ZONE
from proctor.errors import ProctorError, Refused
from proctor.incidents.builder import incidents_of
from proctor.incidents.rules import AT_THE_TEST
from proctor.incidents.tables import IncidentRow
from proctor.live.away import BREAK
from proctor.live.sitting import LiveSitting
from proctor.live.wall import ROUND_S, Need, Tile, Wall
from proctor.media.follow import Follower, Piece
from proctor.media.pace import Pace
from proctor.observations import Track
from proctor.review import looks, queue
from proctor.sittings import interventions
from proctor.sittings.interventions import Said
from proctor.sittings.tables import Sitting, SittingState
from web.access import Services, SignInNeeded, Visitor, visitor_of
from web.errors import REFUSED_SOCKET
from web.facts import Say, fact_of
from web.pages import clock_time, locale_of

MOST_TILES = 30
FACTS_EVERY_S = 1.0
# the disk's thread writes four times a second while somebody watches
PIECES_EVERY_S = 0.1
# as long as the answer to a ping may take
TAKEN_WITHIN_S = 20.0
UNAVAILABLE_SOCKET = 4503
#: track, whether the file begins, seconds on the recording clock of its zero and of now
_PIECE = struct.Struct(">BBdd")


def record_views(at: Services, visitor: Visitor, sitting_ids: Sequence[str], what: str) -> None:
    """Write that the visitor is about to see these sittings. Raises NotForYou."""
    with at.db.transaction() as tx:
        now = at.clock.now()
        for sitting_id in sitting_ids:
            queue.sitting_for(tx, visitor.account, sitting_id)
            looks.record_view(tx, visitor.account.id, sitting_id, what, sitting_id, now)


def _require_signed_in(ws: WebSocket, at: Services) -> None:
    """A socket lives longer than a request: raises SignInNeeded once its sign-in is over."""
    with at.db.reading() as tx:
        if visitor_of(ws, tx, at) is None:
            raise SignInNeeded


async def until_gone(ws: WebSocket, *parts: Coroutine[Any, Any, None]) -> None:
    """Do all *parts* until the page is gone, takes nothing or may be told no more."""
    tasks = [asyncio.create_task(part) for part in parts]
    refusal: tuple[int, str] | None = None
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    except WebSocketDisconnect:
        pass
    except ProctorError as error:
        refusal = REFUSED_SOCKET, error.key
    except SQLAlchemyError:
        # whose view cannot be written sees nothing
        refusal = UNAVAILABLE_SOCKET, ""
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    if refusal is not None:
        with suppress(WebSocketDisconnect):
            await _taken(ws.close(*refusal))


async def _taken(sending: Awaitable[None]) -> None:
    """Raises WebSocketDisconnect for a page that takes nothing any more: what waits for it would
    wait for ever."""
    try:
        async with asyncio.timeout(TAKEN_WITHIN_S):
            await sending
    except TimeoutError as error:
        raise WebSocketDisconnect(1006) from error


class WallFeed:
    """One open wall. The page says whose stills it shows, and of which track (all until it says);
    only those are made."""

    def __init__(self, ws: WebSocket, at: Services, visitor: Visitor) -> None:
        self._ws = ws
        self._at = at
        self._visitor = visitor
        self._wall = Wall(at.live, visitor.account)
        self._locale = locale_of(ws)
        self._wanted: frozenset[str] = frozenset()
        self._tracks: tuple[Track, ...] = tuple(Track)
        self._asked = asyncio.Event()
        self._there: frozenset[str] = frozenset()
        self._audited: frozenset[str] = frozenset()
        self._shown: dict[tuple[str, Track], float] = {}
        self._said: list[dict[str, Any]] | None = None

    async def hear(self) -> None:
        """Which sittings the page shows now."""
        while True:
            try:
                message = await self._ws.receive_json()
            # no JSON, or a binary frame
            except (ValueError, KeyError, RecursionError) as error:
                raise Refused from error
            fields = message if isinstance(message, dict) else {}
            wanted, tracks = fields.get("watch"), fields.get("tracks")
            if isinstance(tracks, list):
                self._tracks = tuple(each for each in Track if each.value in tracks)
            if isinstance(wanted, list):
                self._wanted = frozenset(map(str, wanted[:MOST_TILES]))
                self._asked.set()

    async def show_tiles(self) -> None:
        clock = self._at.clock
        while True:
            began = clock.monotonic()
            await asyncio.to_thread(_require_signed_in, self._ws, self._at)
            tiles = self._wall.tiles(await asyncio.to_thread(self._wall.read))
            said = [self._described(tile) for tile in tiles]
            self._there = frozenset(each["id"] for each in said)
            if said != self._said:
                await _taken(self._ws.send_json({"type": "tiles", "tiles": said}))
                self._said = said
            await asyncio.sleep(max(0.1, began + ROUND_S - clock.monotonic()))

    async def show_stills(self) -> None:
        """Every round, and at once when the page asks for others."""
        clock = self._at.clock
        while True:
            began = clock.monotonic()
            self._asked.clear()
            await self._show_stills(self._wanted & self._there)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, began + ROUND_S - clock.monotonic())):
                    await self._asked.wait()

    async def _show_stills(self, wanted: frozenset[str]) -> None:
        if unseen := wanted - self._audited:
            await asyncio.to_thread(record_views, self._at, self._visitor, sorted(unseen), "wall")
            self._audited |= unseen
        shown = product(wanted, self._tracks)
        await asyncio.gather(*(self._show_still(each, track) for each, track in shown))

    async def _show_still(self, sitting_id: str, track: Track) -> None:
        live = self._at.live.held(sitting_id)
        if live is None:
            return
        still = None
        # a picture that takes its worker long is shown when it is there, and holds up no other
        with suppress(TimeoutError):
            async with asyncio.timeout(ROUND_S):
                still = await live.previews[track].still()
        if still is not None and self._shown.get((sitting_id, track)) != still.arrival:
            self._shown[sitting_id, track] = still.arrival
            number = bytes([list(Track).index(track)])
            await _taken(self._ws.send_bytes(sitting_id.encode() + number + still.jpeg))

    def _t(self, key: str, **values: object) -> str:
        return translate(self._locale, key, **values)

    def _described(self, tile: Tile) -> dict[str, Any]:
        of, last = tile.watched.reviewed, tile.incident
        incident = None
        if last is not None:
            at = "" if last.is_open else f", {clock_time(last.start_s)}"
            incident = self._t(f"incident.{last.kind}") + at
        return {
            "id": of.sitting.id,
            "name": of.learner.name,
            "number": of.learner.learner_number or of.sitting.id[:6],
            "exam": of.event.title,
            "state": of.sitting.state.value,
            "need": int(tile.need),
            "reason": self._t(f"wall.need.{tile.need.name.lower()}"),
            # whole minutes: the page would else be told every second
            "minutes": None if tile.remaining_s is None else int(tile.remaining_s // 60),
            "camera": tile.camera,
            "screen": tile.screen,
            "kbit_s": None if tile.kbit_s is None else round(tile.kbit_s, -1),
            "pace": "ok" if tile.pace is Pace.FULL else tile.pace.value,
            "relayed": tile.is_relayed,
            "incident": incident,
            "is_open": last is not None and last.is_open,
        }


class LiveFeed:
    """The page of one sitting under way."""

    def __init__(self, ws: WebSocket, at: Services, visitor: Visitor, live: LiveSitting) -> None:
        self._ws = ws
        self._at = at
        self._visitor = visitor
        self._live = live
        self._locale = locale_of(ws)

    async def hear(self) -> None:
        """The page says nothing; this ends when it is gone."""
        while True:
            await self._ws.receive()
            if self._ws.client_state is WebSocketState.DISCONNECTED:
                return

    async def show_pictures(self) -> None:
        """What the disk holds since the last look; a page that is slow skips to the newest."""
        followers: dict[Track, Follower] = {}
        while True:
            for track, path in self._live.paths.items():
                if track not in followers or followers[track].path != path:
                    followers[track] = Follower(path)
            for track, piece in await asyncio.to_thread(_read_all, followers):
                now_s = self._live.recorded_now_s
                number = list(Track).index(track)
                head = _PIECE.pack(number, piece.is_start, piece.zero_s, now_s)
                await _taken(self._ws.send_bytes(head + piece.data))
            await asyncio.sleep(PIECES_EVERY_S)

    async def show_facts(self) -> None:
        told: dict[str, Any] | None = None
        while True:
            await asyncio.to_thread(_require_signed_in, self._ws, self._at)
            facts = await asyncio.to_thread(self._facts)
            facts |= {"tracks": self._live.live_tracks, "offset_s": self._live.exam_offset_s}
            if facts != told:
                now = {"remaining_s": self._live.remaining_s}
                await _taken(self._ws.send_json({"type": "facts"} | facts | now))
                told = facts
            await asyncio.sleep(FACTS_EVERY_S)

    async def show_others(self) -> None:
        """How many of the visitor's other sittings need somebody now."""
        wall = Wall(self._at.live, self._visitor.account)
        told = 0
        while True:
            # the sitting's own facts come first
            await asyncio.sleep(ROUND_S)
            tiles = wall.tiles(await asyncio.to_thread(wall.read))
            others = [each for each in tiles if each.watched.reviewed.sitting.id != self._live.id]
            needing = sum(each.need <= Need.INCIDENT for each in others)
            if needing != told:
                await _taken(self._ws.send_json({"type": "others", "needing": needing}))
                told = needing

    def _facts(self) -> dict[str, Any]:
        """What the database says; raises NotForYou when the visitor may see it no longer."""
        with self._at.db.reading() as tx:
            sitting = queue.sitting_for(tx, self._visitor.account, self._live.id).sitting
            said = interventions.said_in(tx, self._at.vault, sitting)
            incidents = incidents_of(tx, sitting.id)
            broken = absences_in(self._t, tx, sitting)
            asked = interventions.asked_to_end(tx, sitting.id, self._at.clock.now())
        lines = [line_of(self._t, each, sitting) for each in said]
        lines += [self._incident(row) for row in incidents]
        lines += broken
        by = {each.number: each.author for each in said}
        return {
            "state": sitting.state.value,
            "deadline": sitting.deadline_at.isoformat() if sitting.deadline_at else None,
            "state_text": self._state_text(sitting),
            "identity": self._live.identification.message()["state"],
            "asked": None
            if asked is None or sitting.state is SittingState.FINISHED
            else {
                "by": by[asked.number],
                "mine": asked.author_id == self._visitor.account.id,
            },
            "lines": sorted(lines, key=lambda line: line["at_s"]),
        }

    def _t(self, key: str, **values: object) -> str:
        return translate(self._locale, key, **values)

    def _state_text(self, sitting: Sitting) -> str:
        said = self._t(f"review.state.{sitting.state.value}")
        return f"{said} · {self._t('break.title')}" if self._live.away.on_break else said

    def _incident(self, row: IncidentRow) -> dict[str, Any]:
        fact = fact_of(self._t, row)
        return {
            "key": f"incident-{row.id}",
            "kind": "open" if row.end_s is None else "incident",
            "at_s": row.start_s,
            "time": clock_time(row.start_s),
            "text": f"{fact.name}, {fact.length}",
            "by": " · ".join(fact.details),
        }


def absences_in(t: Say, tx: Session, sitting: Sitting) -> list[dict[str, Any]]:
    """When the student left for a break or the test and was back, as lines of the record."""
    return [
        {
            "key": f"{each.kind}-{each.seq}",
            "kind": "break",
            "at_s": each.payload["at_s"],
            "time": clock_time(each.payload["at_s"]),
            "text": t(f"{each.kind}.{'began' if each.payload['begins'] else 'ended'}"),
            "by": t("role.student"),
        }
        for each in events.read(tx, sitting.id, BREAK, AT_THE_TEST)
    ]


def line_of(t: Say, said: Said, sitting: Sitting) -> dict[str, Any]:
    """What was said or done in a sitting, as a line of its record; in seconds since it began."""
    words = t(f"phrase.{said.phrase}") if said.phrase else said.words
    at_s = (said.at - (sitting.started_at or sitting.created_at)).total_seconds()
    return {
        "key": f"said-{said.number}",
        "kind": said.act.value,
        "at_s": round(at_s, 1),
        "time": clock_time(at_s),
        "text": t(f"live.act.{said.act.value}", words=words, n=said.minutes or 0),
        "by": f"{said.author}, {said.at.astimezone(TIME_ZONE):%H:%M:%S}",
    }


def _read_all(followers: dict[Track, Follower]) -> list[tuple[Track, Piece]]:
    found = [(track, follower.read()) for track, follower in followers.items()]
    return [(track, piece) for track, piece in found if piece is not None]
