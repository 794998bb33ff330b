"""The whole service on a database of its own, with the cast signed in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from proctor.people import sign_in
from proctor.plumbing.db import Database
from proctor.settings import Settings
from tests.support.cast import Cast, assemble
from tests.support.waiting import wait_until
from web.access import COOKIE, Services
from web.app import create_app, running


@dataclass(frozen=True)
class Service:
    """A running application. ``client(name)`` is a browser of a member of the cast."""

    app_client: TestClient
    cast: Cast

    @property
    def services(self) -> Services:
        found: Services = self.app_client.app.state.services  # type: ignore[attr-defined]
        return found

    @property
    def db(self) -> Database:
        return self.services.db

    def change(self, **settings: object) -> None:
        """Go on with other settings."""
        services = self.services
        changed = services.settings.model_copy(update=settings)
        self.app_client.app.state.services = replace(  # type: ignore[attr-defined]
            services, settings=changed
        )

    def client(self, name: str | None) -> TestClient:
        """A browser signed in as *name*, or anonymous."""
        client = TestClient(
            self.app_client.app,
            base_url="http://localhost",
            follow_redirects=False,
            headers={"accept-language": "en"},
        )
        # in the event loop of the service, without one of its own for each request
        client.portal = self.app_client.portal
        if name is not None:
            with self.db.transaction() as tx:
                account = self.cast.people[name]
                token = sign_in.begin(tx, account.id, self.services.clock.now())
            client.cookies.set(COOKIE, token)
        return client


@cache
def application() -> FastAPI:
    """The routes, which take longer to make than many a test: once for all services."""
    return create_app(Settings(whip=True))


@pytest.fixture
def service(tmp_path: Path, migrated: Path) -> Iterator[Service]:
    copy(migrated, tmp_path / "tanu.db")
    settings = Settings(
        data_dir=tmp_path, models_dir=Settings().models_dir, min_free_mib=0, whip=True
    )
    app = application()
    app.router.lifespan_context = partial(running, settings)
    with TestClient(app, base_url="http://localhost") as client:
        with app.state.services.db.transaction() as tx:
            cast = assemble(tx, app.state.services.clock.now())
        yield Service(client, cast)


@contextmanager
def on_a_port(app: FastAPI, **options: Any) -> Iterator[uvicorn.Server]:
    """*app* for real sockets, in a thread; its sockets end with it."""
    config = uvicorn.Config(
        app, port=0, log_level="critical", timeout_graceful_shutdown=1, **options
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), 120.0)
        assert server.started
        yield server
    finally:
        server.should_exit = True
        thread.join()


def port_of(server: uvicorn.Server) -> int:
    number: int = server.servers[0].sockets[0].getsockname()[1]
    return number
