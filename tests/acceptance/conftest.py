"""One demonstration, played once, and the service over what it left."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from proctor.clock import Clock
from proctor.commands import service as process
from proctor.commands.browser_student import find_chromium
from proctor.people import accounts, sign_in
from proctor.plumbing.db import Database
from proctor.settings import Settings, institution_key
from proctor.vault import Vault
from tests.support.chromium import MISSING, open_chromium
from tests.support.watched_exam import exam, exam_s, film, filmed, settings

__all__ = ["exam", "exam_s", "film", "filmed", "settings"]

# nothing is measured by how long a page may take: machines stall
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class Demonstration:
    """What ``proctor demo --json`` printed, and the data it left behind."""

    result: dict[str, Any]
    data_dir: Path
    notes: str


@dataclass(frozen=True)
class RunningService:
    """A service over the data of a demonstration."""

    settings: Settings
    db: Database
    vault: Vault

    @property
    def url(self) -> str:
        return self.settings.url

    def link(self, user: str) -> str:
        """A one-time sign-in link for the person at example.org."""
        with self.db.transaction() as tx:
            account = accounts.by_email(tx, f"{user}@example.org")
            token = sign_in.make_link(tx, account.id, Clock().now())
        return f"{self.url}/sign-in/{token}"


@pytest.fixture(params=[10.0, pytest.param(1.0, marks=pytest.mark.faults)], ids=["any", "quiet"])
def slack(request: pytest.FixtureRequest) -> float:
    """How many times as long as it should something may take, since the machine may be busy.

    ``make test`` runs anywhere; ``make test-faults`` wants a machine of its own and no excuses.
    """
    times: float = request.param
    return times


@pytest.fixture(scope="session", autouse=True)
def chromium_installed() -> None:
    if find_chromium() is None:
        pytest.skip(MISSING)


@pytest.fixture(scope="session")
def demonstration(
    chromium_installed: None, tmp_path_factory: pytest.TempPathFactory
) -> Demonstration:
    data_dir = tmp_path_factory.mktemp("demonstration")
    played = subprocess.run(
        [sys.executable, "-m", "proctor", "demo", "--json", "--keep", str(data_dir)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    return Demonstration(json.loads(played.stdout), data_dir, played.stderr)


@pytest.fixture(scope="session")
def service(
    demonstration: Demonstration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    yield from _serve(demonstration, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="session")
def service_to_break(
    demonstration: Demonstration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """For tests that write whatever they like."""
    yield from _serve(demonstration, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="session")
def playwright(chromium_installed: None) -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with open_chromium(playwright) as browser:
        yield browser


def _serve(demonstration: Demonstration, data_dir: Path) -> Iterator[RunningService]:
    """Over a copy: neither service finds what was done to the other."""
    shutil.copytree(demonstration.data_dir, data_dir, dirs_exist_ok=True)
    settings = Settings(data_dir=data_dir, port=process.free_port(), whip=True)
    db = Database(settings.database)
    with process.running(settings, data_dir / "service.log"):
        yield RunningService(settings, db, Vault(institution_key(settings)))
    db.close()
