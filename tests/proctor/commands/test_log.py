from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from proctor.__main__ import app
from proctor.plumbing.db import Database
from proctor.reports.issue import issue
from tests.support.exam_course import NOW, exam_course

pytestmark = pytest.mark.db


class Institution:
    """One of two installations, each with a database and a key of its own."""

    def __init__(self, directory: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory, self.host, self._monkeypatch = directory, host, monkeypatch
        directory.mkdir()

    def run(self, *arguments: str) -> Result:
        self._monkeypatch.setenv("PROCTOR_DATA_DIR", str(self.directory))
        self._monkeypatch.setenv("PROCTOR_PUBLIC_URL", f"https://{self.host}")
        return CliRunner().invoke(app, list(arguments))

    def written(self, name: str, *arguments: str) -> str:
        """The output of a command, as a file to hand over."""
        done = self.run(*arguments)
        assert done.exit_code == 0, done.output
        path = self.directory / name
        path.write_text(done.stdout, "utf-8")
        return str(path)


def test_two_institutions_witness_a_log_and_the_pack_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = (
        Institution(tmp_path / name, f"{name}.example", monkeypatch) for name in ("own", "other")
    )
    db = Database(f"sqlite:///{own.directory / 'tanu.db'}")
    db.upgrade()
    with db.transaction() as tx:
        made = exam_course(tx)
        made.sit(made.learners[0], "essay")
        issue(tx, made.course.id, made.office.id, NOW)
    db.close()
    log_key = own.run("log", "keys").stdout.split()[0]
    witness_key = other.run("log", "keys").stdout.split()[1]
    assert own.run("log", "register", witness_key, "--by", "alice@example.org").exit_code == 2
    assert own.run("log", "register", log_key, "--by", "olga@example.org").exit_code == 2
    assert own.run("log", "register", witness_key, "--by", "olga@example.org").exit_code == 0
    request = own.written("request", "log", "checkpoint")
    note = other.written("note", "log", "witness", request, "--log", log_key)
    again = other.run("log", "witness", request, "--log", log_key)
    assert (again.exit_code, "ask since there" in again.stderr) == (2, True)
    assert own.run("log", "receipt", note).stdout.split() == [witness_key]
    assert own.run("log", "receipt", request).exit_code == 2
    pack = str(tmp_path / "evidence.zip")
    assert own.run("evidence", "DL-101", "--by", "olga@example.org", "--out", pack).exit_code == 0
    found = own.run("verify", pack, "--witness", witness_key)
    assert found.exit_code == 0
    assert f"UTC, {witness_key}" in found.stdout
    assert own.run("verify", pack, "--witness", log_key).exit_code == 1
