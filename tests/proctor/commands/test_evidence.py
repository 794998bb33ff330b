from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from proctor import events
from proctor.__main__ import app
from proctor.commands import evidence
from proctor.plumbing.db import Database
from proctor.reports.evidence_pack import LogHead, write_pack
from proctor.reports.issue import issue
from proctor.sittings.tables import Sitting
from tests.support.exam_course import NOW, exam_course

pytestmark = pytest.mark.db


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def pack(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The evidence of an issued report, taken by the office; the database is gone afterwards."""
    with database.transaction() as tx:
        made = exam_course(tx)
        made.sit(made.learners[0], "essay")
        issue(tx, made.course.id, made.office.id, NOW)
    to = tmp_path / "evidence.zip"
    for email, status in (("alice@example.org", 2), ("rauan@example.org", 2)):
        assert run("evidence", "DL-101", "--by", email, "--out", str(to)).exit_code == status
    assert run("evidence", "DL-101", "--by", "olga@example.org", "--out", str(to)).exit_code == 0
    monkeypatch.setenv("PROCTOR_DATA_DIR", str(tmp_path / "elsewhere"))
    return to


def test_pack_is_verified_without_the_database(pack: Path, tmp_path: Path) -> None:
    found = run("verify", str(pack))
    assert found.exit_code == 0
    assert "nothing is wrong" in found.stdout
    key = found.stdout.split("Ed25519 key ")[1].split()[0]
    assert run("verify", str(pack), "--key", key).exit_code == 0
    assert run("verify", str(pack), "--key", "0" * 64).exit_code == 1
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "secrets" / "signing.key").stat().st_mode & 0o777 == 0o600


def test_exams_are_written_while_the_pack_is_made(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, pack: Path
) -> None:
    monkeypatch.setenv("PROCTOR_DATA_DIR", str(tmp_path))
    pack.unlink()

    def interrupted(*values: Any) -> LogHead:
        with database.transaction() as tx:
            (sitting,) = tx.scalars(select(Sitting))
            taken = events.read(tx, sitting.id, "recording_viewed")
            assert len(taken) == 2, "on record before the first byte"
            events.append(tx, sitting.id, "meanwhile", {}, NOW)
        assert not pack.exists()
        return write_pack(*values)

    monkeypatch.setattr(evidence, "write_pack", interrupted)
    done = run("evidence", "DL-101", "--by", "olga@example.org", "--out", str(pack))
    assert done.exit_code == 0, done.output
    assert run("verify", str(pack)).exit_code == 0
    assert list(tmp_path.glob("*.part")) == []


def test_flipped_byte_is_named_and_ends_with_1(pack: Path) -> None:
    data = bytearray(pack.read_bytes())
    data[data.index(b"tanu.identity-report/1")] ^= 1
    pack.write_bytes(data)
    found = run("verify", str(pack))
    assert found.exit_code == 1
    assert "report.json: its bytes were changed" in found.stdout
