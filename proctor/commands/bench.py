"""``proctor bench``: what a student costs the media plane, what a recording costs in process."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any, Final

import av
import typer

from proctor.clock import Clock
from proctor.commands import compared, recorder_bench
from proctor.commands.evaluate.figures import AsJson, show
from proctor.commands.processor import used_s
from proctor.commands.replay import Orders, Sent, replay
from proctor.commands.rtp_trace import TraceUnreadable, read_trace
from proctor.commands.serve import collect_rarely
from proctor.inference import timed
from proctor.inference.pool import InferencePool
from proctor.live.looking import SAMPLE_PERIOD_S
from proctor.live.preview import Preview
from proctor.live.wall import ROUND_S
from proctor.media import files
from proctor.media.capture import FINISHED, Capture
from proctor.media.disk import Disk
from proctor.media.gaps import gaps
from proctor.media.port import MediaPort
from proctor.media.recorder import RecordedTrack
from proctor.observations import NotAssessed, Track
from proctor.settings import Settings

LAG_EVERY_S: Final = 0.01
# with more of them late the machine, and not the service, is measured
LATE_SHARE: Final = 0.02
# the compared designs cost so much that few students tell
COMPARED_S: Final = 10.0

app = typer.Typer(no_args_is_help=True, help="Measure what sittings cost.")


@app.command()
def ingest(
    students: Annotated[int, typer.Option(min=1, max=2000, help="Students at once.")] = 60,
    seconds: Annotated[float, typer.Option(min=2, max=3600, help="Length of the run.")] = 30,
    loss: Annotated[float, typer.Option(min=0, max=0.5, help="Share of packets lost.")] = 0.0,
    trace: Annotated[
        Path | None, typer.Option(help="Recorded RTP to replay; the drawn trace if not given.")
    ] = None,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Also look at cameras and screens, in a worker of the service's pool.",
        ),
    ] = False,
    compare: Annotated[
        str, typer.Option(help="Designs to measure too: media-recorder,decode-all.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Receive and record students that another process sends, and say what each one costs."""
    collect_rarely()
    designs = [each for each in compare.split(",") if each]
    if unknown := set(designs) - set(compared.DESIGNS):
        raise typer.BadParameter(f"no such design: {', '.join(sorted(unknown))}")
    if trace is not None:
        _require_readable(trace)
    orders = Orders(students, seconds, loss, trace, is_looked_at=sample)
    figures = asyncio.run(_ingest(orders, sample=sample))
    for design in designs:
        few = Orders(compared.STUDENTS[design], min(seconds, COMPARED_S), 0.0, trace)
        with sender(few) as pipe:
            cost = asyncio.run(compared.measure(design, pipe, few))
        ratio = cost / figures["cpu_ms_per_student_second"]
        figures["compared"][design] = {
            "students": few.students,
            "cpu_ms_per_student_second": round(cost, 1),
            "ratio": round(ratio, 1),
        }
    show(figures, as_json=as_json)


def _require_readable(trace: Path) -> None:
    """Here and not in the sending process, which would only be gone. Raises BadParameter."""
    try:
        read_trace(trace)
    except OSError as error:
        raise typer.BadParameter(f"{trace}: {error.strerror}", param_hint="--trace") from error
    except TraceUnreadable as error:
        told = f"{trace}: no RTP of two pictures"
        raise typer.BadParameter(told, param_hint="--trace") from error


@app.command()
def recorder(
    as_json: AsJson = False,
) -> None:
    """What a packet, a cluster, a seal, a clip and a repair cost in process; the least of five."""
    show(recorder_bench.measure(), as_json=as_json)


@contextmanager
def sender(orders: Orders) -> Iterator[Connection]:
    """The sending process, ended when the block is left."""
    context = get_context("spawn")
    pipe, far = context.Pipe()
    process = context.Process(target=replay, args=(far, orders), daemon=True)
    process.start()
    far.close()
    try:
        yield pipe
        pipe.send("end")
        process.join(20)
    finally:
        process.kill()
        process.join()


@dataclass
class _Watched:
    """What is noted while the students send."""

    lags: list[float] = field(default_factory=list)
    sampled: dict[Track, int] = field(default_factory=lambda: dict.fromkeys(Track, 0))


async def _ingest(orders: Orders, *, sample: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tanu-bench-") as name, sender(orders) as pipe:
        root = Path(name)
        port, disk = MediaPort("127.0.0.1"), Disk()
        port.open()
        rss_before = _rss_mib()
        cpu_before = time.process_time()
        sittings = await _connected(pipe, orders, root, port, disk)
        connected_s = time.process_time() - cpu_before
        watched = _Watched()
        tasks = [asyncio.create_task(_note_lag(watched))]
        others = {process.pid for process in active_children()}
        pool = await _opened_pool(orders) if sample else None
        if pool is not None:
            tasks += _looking(sittings, pool, watched)
        workers = [p.pid for p in active_children() if p.pid is not None and p.pid not in others]
        workers_before = sum(map(used_s, workers))
        epoch, cpu_before = time.monotonic(), time.process_time()
        pipe.send("go")
        await asyncio.sleep(orders.seconds)
        own_s = time.process_time() - cpu_before
        workers_s = sum(map(used_s, workers)) - workers_before
        rss_mib = _rss_mib() - rss_before
        sent: Sent = await asyncio.to_thread(pipe.recv)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if pool is not None:
            await asyncio.to_thread(pool.close)
        drops = sum((each.dropped for each in sittings), port.dropped.copy())
        repaired = sum(each.repaired for each in sittings)
        await asyncio.gather(*(each.capture.drop(FINISHED) for each in sittings))
        overflowed = port.overflowed
        port.close()
        await asyncio.to_thread(disk.close)
        recorded = [file for each in sittings for file in each.capture.recorded]
        each_s = 1000 / orders.students / orders.seconds
        cost = each_s * (own_s + workers_s)
        lags = sorted(watched.lags)
        figures: dict[str, Any] = {
            "students": orders.students,
            "seconds": orders.seconds,
            "loss": orders.loss,
            "trace": orders.trace.name if orders.trace else "drawn",
            "cpu_ms_per_student_second": round(cost, 2),
            "of_it_workers_ms": round(each_s * workers_s, 2),
            "students_per_core": round(1000 / cost),
            "connect_ms_per_student": round(1000 * connected_s / orders.students, 1),
            "rss_mb_per_student": round(rss_mib * 1.048576 / orders.students, 2),
            "loop_lag_p99_ms": round(1000 * lags[int(0.99 * len(lags))], 1),
            "packets_sent": sent.packets,
            "packets_lost": sent.lost,
            "packets_late": sent.late,
            "is_sender_late": sent.late > LATE_SHARE * sent.packets,
            "packets_repaired": repaired,
            "drops": dict(drops) | {"kernel": overflowed},
            "frames": _frames(sent, recorded),
            "decoded": await asyncio.to_thread(_decoded, sittings[0].capture.recorded),
            "gaps": _gaps(sittings, epoch, orders.seconds),
            "compared": {},
        }
        if sample:
            figures["sampled"] = {
                track.value: {
                    "pictures": count,
                    "per_student_second": round(count / orders.students / orders.seconds, 2),
                }
                for track, count in watched.sampled.items()
            }
        return figures


class _Sitting:
    """One student: the media of a sitting, as the service holds it."""

    def __init__(self, directory: Path, port: MediaPort, disk: Disk) -> None:
        self.epoch = time.monotonic()
        self.capture = Capture(Clock(), directory, self.epoch, port, disk, _ignore, _ignore_file)

    @property
    def dropped(self) -> Counter[str]:
        peer = self.capture.peer
        return peer.dropped if peer is not None else Counter({"connection_lost": 1})

    @property
    def repaired(self) -> int:
        return self.capture.peer.repaired if self.capture.peer is not None else 0


def _ignore(name: str, at_s: float, values: object) -> None:
    pass


def _ignore_file(track: Track, path: Path) -> None:
    pass


async def _connected(
    pipe: Connection, orders: Orders, root: Path, port: MediaPort, disk: Disk
) -> list[_Sitting]:
    sittings: list[_Sitting] = []
    while isinstance(offers := await asyncio.to_thread(pipe.recv), list):
        answers = []
        for sdp in offers:
            sitting = _Sitting(root / f"{len(sittings):04d}", port, disk)
            tracks = {track.value: str(number) for number, track in enumerate(Track)}
            answers.append(await sitting.capture.connect(sdp, tracks, 0.0))
            sittings.append(sitting)
        pipe.send(answers)
    return sittings


async def _note_lag(watched: _Watched) -> None:
    while True:
        due = time.monotonic() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        watched.lags.append(time.monotonic() - due)


async def _opened_pool(orders: Orders) -> InferencePool:
    """The service's pool with one worker, its models open, and a line long enough for all."""
    places = len(Track) * orders.students
    models_dir = Settings().models_dir
    pool = InferencePool(
        workers=1,
        models_dir=models_dir,
        backend="opencv",
        frames_limit=places,
        stills_limit=places,
    )
    await asyncio.wrap_future(pool.submit(timed.decode_frame, "VP8", b""))
    return pool


def _looking(
    sittings: Sequence[_Sitting], pool: InferencePool, watched: _Watched
) -> list[asyncio.Task[None]]:
    """Look at each student as often as the service does, not at all of them at once."""
    return [
        asyncio.create_task(look(sitting, pool, watched, number / len(sittings)))
        for number, sitting in enumerate(sittings)
        for look in (_look_at_camera, _look_at_screen)
    ]


async def _look_at_camera(
    sitting: _Sitting, pool: InferencePool, watched: _Watched, share: float
) -> None:
    """Decode the newest key frame as the analysis does, without what it does then."""
    await asyncio.sleep(share * SAMPLE_PERIOD_S)
    while True:
        began = time.monotonic()
        if (frame := sitting.capture.newest.take()) is not None:
            made = await asyncio.wrap_future(
                pool.submit(timed.decode_frame, frame.codec, frame.data)
            )
            watched.sampled[Track.CAMERA] += not isinstance(made, NotAssessed)
        spent = time.monotonic() - began
        await asyncio.sleep(max(0.05, SAMPLE_PERIOD_S - spent))


async def _look_at_screen(
    sitting: _Sitting, pool: InferencePool, watched: _Watched, share: float
) -> None:
    """Have the small pictures of a wall made."""
    await asyncio.sleep(share * ROUND_S)
    preview = Preview(pool, partial(sitting.capture.look_at, Track.SCREEN))
    shown: float | None = None
    while True:
        began = time.monotonic()
        still = await preview.still()
        if still is not None and still.arrival != shown:
            shown = still.arrival
            watched.sampled[Track.SCREEN] += 1
        await asyncio.sleep(max(0.05, ROUND_S - (time.monotonic() - began)))


def _frames(sent: Sent, recorded: Sequence[RecordedTrack]) -> dict[str, dict[str, float]]:
    counts = {}
    for track in Track:
        held = sum(_frames_in(each.path) for each in recorded if each.track is track)
        share = round(held / max(1, sent.frames[track]), 4)
        counts[track.value] = {"sent": sent.frames[track], "recorded": held, "share": share}
    return counts


def _frames_in(path: Path) -> int:
    if path.stat().st_size == 0:
        return 0
    with path.open("rb") as file:
        count = 0
        for cluster in files.scan(path).clusters:
            file.seek(cluster.offset)
            count += sum(1 for _ in files.read_blocks(file.read(cluster.size)))
    return count


def _decoded(recorded: Sequence[RecordedTrack]) -> dict[str, dict[str, int]]:
    """Pictures that a decoder makes of the first student's files, and frames in them."""
    found = {}
    for each in recorded:
        with suppress(av.error.InvalidDataError), av.open(str(each.path)) as container:
            count = sum(1 for _ in container.decode(video=0))
            found[each.track.value] = {"frames": _frames_in(each.path), "pictures": count}
    return found


def _gaps(sittings: Sequence[_Sitting], began: float, seconds: float) -> dict[str, int]:
    """Gaps of all students between the second second and the end."""
    counts = dict.fromkeys((track.value for track in Track), 0)
    for sitting in sittings:
        for track in Track:
            held = [i for f in sitting.capture.recorded if f.track is track for i in f.intervals]
            start = began - sitting.epoch + 2.0
            counts[track.value] += len(gaps(track, held, start, start + seconds - 3.0))
    return counts


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
