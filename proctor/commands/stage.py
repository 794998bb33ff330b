"""The stage of a demonstration: a service, learners with a past, two exams at once, a report."""

import asyncio
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from proctor.clock import Clock
from proctor.commands import browser_student, peer_student, service, typist, visits
from proctor.commands.camera_film import Footage, make_film, read_footage
from proctor.commands.parts import Part, Played, Progress
from proctor.commands.results import Held, result_of, shares_table, write_formats
from proctor.commands.seed import FINAL_CODE, Seeded, seed_demo
from proctor.inference import keystroke_verifier
from proctor.inference.pool import InferencePool
from proctor.people import sign_in
from proctor.people.tables import Account
from proctor.plumbing.db import Database
from proctor.reports import issue
from proctor.reports.document import Json
from proctor.settings import Settings, institution_key
from proctor.vault import Vault

MATERIAL: Final = Path(__file__).parent / "material"
# connecting and the identity check happen before this second of the film
PRE_EXAM_S: Final = 25.0
# the film is longer than the exam by this, in case the check takes its time
SPARE_S: Final = 40.0
FILM_MIB: Final = 400
PASTED: Final = (
    "A reliable source names its author, gives a date and links to what it quotes; "
    "compare at least two of them before you believe a claim."
)


@dataclass(frozen=True, slots=True)
class Cast:
    """The pictures a demonstration is played with."""

    camera: Path
    reference: Path
    impostor: Path


@dataclass(frozen=True)
class Stage:
    """A service's database, seeded, and where things of this demonstration are written."""

    settings: Settings
    db: Database
    vault: Vault
    seeded: Seeded
    chromium: bool


def perform(
    notes: Console, cast: Cast, seconds: int, keep: Path | None, *, as_json: bool, stays_up: bool
) -> None:
    """Play both sittings, print what came of them, and stay up when asked to."""
    settings = _settings(keep, stays_up=stays_up)
    service.require_port(settings.host, settings.port)
    service.require_disk(settings.data_dir, settings.min_free_mib + FILM_MIB)

    def progress(line: str) -> None:
        notes.print(line, markup=False)

    with tempfile.TemporaryDirectory(prefix="tanu-films-") as films_dir:
        progress(f"service: {settings.url}, data in {settings.data_dir}")
        films = _films(cast, seconds, Path(films_dir))
        stage = _set_stage(settings, cast, seconds)
        if not stage.chromium:
            progress("no Chromium on this machine: an aiortc peer plays the browser")
        with service.running(settings, settings.data_dir / "service.log") as process:
            held = asyncio.run(_play(stage, films, seconds, progress))
            result, document = _results(stage, held)
            shown = Console(stderr=as_json, highlight=False)
            shown.print(shares_table(document))
            if as_json:
                typer.echo(json.dumps(result, ensure_ascii=False))
            else:
                _show_paths(shown, result)
            if stays_up:
                _show_links(shown, stage)
                process.wait()
                raise service.ServiceDown(settings.data_dir / "service.log")
        stage.db.close()


def _settings(keep: Path | None, *, stays_up: bool) -> Settings:
    """The service's own settings, or those of a service beside it."""
    own = Settings()
    models_dir = own.models_dir.absolute()
    if stays_up:
        data_dir = (keep or own.data_dir).absolute()
        return own.model_copy(update={"data_dir": data_dir, "models_dir": models_dir})
    data_dir = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="tanu-demo-"))
    own_database = {"database_url": None, "public_url": None, "host": "127.0.0.1"}
    return own.model_copy(
        update={
            "data_dir": data_dir,
            "models_dir": models_dir,
            "port": service.free_port(),
            **own_database,
        }
    )


def _films(cast: Cast, seconds: int, directory: Path) -> tuple[Path, Path]:
    """The honest learner's film, and the one in which the impostor takes over half-way."""
    length_s = PRE_EXAM_S + seconds + SPARE_S
    camera = read_footage(cast.camera, length_s)
    impostor = read_footage(cast.impostor, length_s)
    takes_over_s = PRE_EXAM_S + seconds / 2
    paths = directory / "honest.mjpeg", directory / "taken_over.mjpeg"
    parts: tuple[tuple[Path, Footage | None], ...] = ((paths[0], None), (paths[1], impostor))

    def shoot(number: int) -> None:
        path, taking_over = parts[number]
        make_film(
            path,
            length_s,
            camera,
            seed=number,
            impostor=taking_over,
            impostor_from_s=takes_over_s,
        )

    with ThreadPoolExecutor(len(parts)) as cameras:
        list(cameras.map(shoot, range(len(parts))))
    return paths


def _set_stage(settings: Settings, cast: Cast, seconds: int) -> Stage:
    """A fresh course, and learners who consented and enrolled on earlier days."""
    db = Database(settings.database)
    db.upgrade()
    vault = Vault(institution_key(settings))
    verifier = keystroke_verifier()
    honest = typist.read_sessions(MATERIAL / "typing_honest.json")[:-1]
    pool = InferencePool(workers=1, models_dir=settings.models_dir, backend=settings.face_backend)
    try:
        portrait = visits.assess_portrait(pool, cast.reference)
        with db.transaction() as tx:
            now = Clock().now()
            seeded = seed_demo(tx, settings.institution, now, exam_s=seconds)
            desk = visits.Desk(tx, vault, seeded.office, now)
            for learner in seeded.learners[:2]:
                visits.consent(desk, learner)
                visits.enrol_face(desk, pool, learner, portrait)
                visits.enrol_typing(desk, verifier, learner, honest)
    finally:
        pool.close()
    return Stage(settings, db, vault, seeded, browser_student.find_chromium() is not None)


async def _play(
    stage: Stage, films: tuple[Path, Path], seconds: int, progress: Progress
) -> list[Held]:
    """Both sittings at once."""
    play = browser_student.play if stage.chromium else peer_student.play
    honest, other = _parts(stage, films, seconds)
    tasks = [asyncio.create_task(play(part, progress)) for part in (honest, other)]
    _, unfinished = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in unfinished:
        task.cancel()
    if unfinished:
        await asyncio.wait(unfinished)
    # the one that failed says why; the other was only told to stop
    first, second = [await task for task in sorted(tasks, key=lambda task: task.cancelled())]
    return [_held(honest, first, None), _held(other, second, seconds)]


def _parts(stage: Stage, films: tuple[Path, Path], seconds: int) -> tuple[Part, Part]:
    honest_keys = typist.read_sessions(MATERIAL / "typing_honest.json")[-1]
    other_keys = typist.read_sessions(MATERIAL / "typing_other.json")[0]
    parts = [
        Part(
            learner=learner.learner_number or learner.id,
            link=_link(stage, learner),
            event_id=stage.seeded.final_id,
            film=film,
            keys=keys,
            start_at_s=PRE_EXAM_S,
            seconds=float(seconds),
            pasted=pasted,
        )
        for learner, film, keys, pasted in zip(
            stage.seeded.learners[:2],
            films,
            (honest_keys, other_keys),
            (None, PASTED),
            strict=True,
        )
    ]
    return parts[0], parts[1]


def _held(part: Part, played: Played, impostor_after: int | None) -> Held:
    taken_over = None
    if impostor_after is not None:
        taken_over = PRE_EXAM_S + impostor_after / 2 - played.started_film_s
    return Held(part.learner, FINAL_CODE, played.sitting_id, taken_over)


def _link(stage: Stage, account: Account) -> str:
    with stage.db.transaction() as tx:
        token = sign_in.make_link(tx, account.id, Clock().now())
    return f"{stage.settings.url}/sign-in/{token}"


def _results(stage: Stage, held: list[Held]) -> tuple[Json, Json]:
    """Issue the course's report, write its formats, and gather the result."""
    directory = stage.settings.data_dir / "reports" / stage.seeded.course_id
    with stage.db.transaction() as tx:
        now = Clock().now()
        issued = issue.issue(tx, stage.seeded.course_id, stage.seeded.office.id, now)
        document = issue.document_of(issued)
        reports = write_formats(issued, directory, stage.seeded.office.locale)
        recordings_dir = stage.settings.recordings_dir
        result = result_of(tx, document, held, reports, recordings_dir, chromium=stage.chromium)
    return result, document


def _show_paths(shown: Console, result: Json) -> None:
    for name, path in result["reports"].items():
        shown.print(f"{name}: {path}", markup=False, soft_wrap=True)
    for sitting in result["sittings"]:
        shown.print(f"{sitting['learner']}: {sitting['outcome']}", markup=False)
        for incident in sitting["incidents"]:
            at = f"{incident['start']:.1f} s"
            line = f"  {incident['kind']} at {at}: {incident['clip']}"
            shown.print(line, markup=False, soft_wrap=True)


def _show_links(shown: Console, stage: Stage) -> None:
    seeded = stage.seeded
    people = {
        "student": seeded.learners[2],
        "reviewer": seeded.reviewers[0],
        "exam office": seeded.office,
    }
    for role, account in people.items():
        shown.print(f"{role}: {_link(stage, account)}", markup=False, soft_wrap=True)
    shown.print("the service stays up; Ctrl-C stops it")
