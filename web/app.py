"""The application: services, routes with their policies, headers and errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from proctor.clock import Clock
from proctor.identity import nightly
from proctor.inference import OwnPad, keystroke_verifier
from proctor.inference.pool import InferencePool
from proctor.live.loading import Line
from proctor.live.register import LiveSittings
from proctor.media.disk import Disk
from proctor.media.port import MediaPort
from proctor.people.password_tries import PasswordTries
from proctor.plumbing.db import Database
from proctor.plumbing.rounds import Rounds
from proctor.reports.bookkeeper import Bookkeeper
from proctor.retention.sweeper import Sweeper
from proctor.review.postman import Postman
from proctor.settings import Settings, institution_key, signing_key
from proctor.vault import Vault
from web import certificates, errors, notices, sign_in
from web.access import Services, public, refuse_open_routes, same_origin
from web.api import enrolment as api_enrolment
from web.api import proctoring as api_proctoring
from web.api import sittings as api_sittings
from web.api import visits, whip
from web.office import routes as office
from web.proctors import pictures, protocols, waiting, watching
from web.proctors import routes as proctors
from web.students import identity as student_identity
from web.students import own_data
from web.students import record as student_record
from web.students import routes as students

MAX_BODY = 12 * 1024 * 1024
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), display-capture=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(settings: Settings) -> FastAPI:
    """The whole service in one process; two with different settings may live side by side."""
    app = FastAPI(
        title="Tanu",
        version="0.1.0",
        lifespan=partial(running, settings),
        openapi_url=None,
        max_body_size=MAX_BODY,
    )
    app.middleware("http")(_guard)
    errors.install(app)
    for routes in (
        sign_in,
        notices,
        certificates,
        students,
        student_identity,
        student_record,
        own_data,
        waiting,
        proctors,
        pictures,
        watching,
        protocols,
        office,
        api_sittings,
        api_proctoring,
        api_enrolment,
        visits,
        *([whip] if settings.whip else []),
    ):
        app.include_router(routes.router)

    @app.get("/healthz", dependencies=[public()])
    def healthz() -> dict[str, str]:
        """Whether the service answers."""
        return {"status": "ok"}

    @app.get("/openapi.json", dependencies=[public()], include_in_schema=False)
    def schema() -> JSONResponse:
        return JSONResponse(app.openapi())

    refuse_open_routes(app)
    static = Path(__file__).parent / "static"
    app.mount("/static", StaticFiles(directory=static, check_dir=False), "static")
    return app


@asynccontextmanager
async def running(settings: Settings, app: FastAPI) -> AsyncIterator[None]:
    """All that runs while the application does."""
    made = await asyncio.to_thread(_services, settings)
    clock = made.clock
    app.state.services = made
    made.live.line.port.open()
    made.live.begin()
    postman, bookkeeper = Postman(settings, made.db, clock), Bookkeeper(made.db, clock)
    sweeper = Sweeper(settings, made.db, clock)
    nights = Rounds(partial(_measure, made), nightly.EVERY_S, "impostors_failed")
    postman.rounds.begin()
    bookkeeper.rounds.begin()
    sweeper.rounds.begin()
    nights.begin()
    yield
    await nights.close()
    await sweeper.rounds.close()
    await bookkeeper.rounds.close()
    # a mail server that does not answer keeps no recording from being sealed
    await postman.rounds.drop()
    await made.live.close()
    made.live.line.port.close()
    await asyncio.to_thread(made.live.line.disk.close)
    await asyncio.to_thread(made.inference.close)
    made.db.close()


async def _measure(made: Services) -> None:
    comparison, at = made.inference.comparison, made.clock.now()
    await asyncio.to_thread(nightly.round, made.db, made.vault, comparison, at)


def _services(settings: Settings) -> Services:
    clock = Clock()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = Database(settings.database)
    db.upgrade()
    # made before two visitors ask for it at once
    signing_key(settings)
    vault = Vault(institution_key(settings))
    network, sha256 = settings.pad_model, settings.pad_hash
    inference = InferencePool(
        workers=settings.analysis_workers,
        models_dir=settings.models_dir,
        backend=settings.face_backend,
        own_pad=OwnPad(network, sha256) if network and sha256 else None,
    )
    port = MediaPort(settings.media_address, settings.media_port)
    disk = Disk(settings.recordings_dir, settings.min_free_mib << 20)
    line = Line(settings, db, vault, clock, inference, keystroke_verifier(), port, disk)
    live, tries = LiveSittings(line), PasswordTries(clock)
    return Services(settings, db, vault, clock, inference, live, tries)


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse foreign origins at the door; add the safety headers."""
    response: Response
    if request.method in _UNSAFE and not same_origin(request):
        response = errors.problem(request, 403, "error.foreign_origin")
    elif "\0" in request.scope["path"]:
        response = errors.problem(request, 404, "error.not_found")
    else:
        response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.url.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
