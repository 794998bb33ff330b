from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from proctor.__main__ import app
from proctor.people import accounts
from proctor.people.tables import Role
from proctor.plumbing.db import Database
from proctor.reports.tables import Certificate
from tests.support.certificates import FORM, PASSED, URL
from tests.support.exam_course import exam_course

pytestmark = pytest.mark.db


def test_certificates_are_issued_ruled_on_and_refused_by_name(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCTOR_PUBLIC_URL", URL)
    with database.transaction() as tx:
        made = exam_course(tx)
        for code in ("essay", "midterm", "final"):
            made.sit(made.learners[0], code)
    form, results = tmp_path / "form.toml", tmp_path / "results.csv"
    form.write_text(FORM, "utf-8")
    lines = [f"S-000{n},{code},yes," for n in (1, 2) for code in PASSED]
    results.write_text("learner_number,event_code,passed,studies\n" + "\n".join(lines), "utf-8")
    arguments = ["--form", str(form), "--results", str(results), "--out", str(tmp_path / "out")]
    run = CliRunner().invoke(app, ["certificate", "issue", "DL-101", *arguments])
    assert run.exit_code == 1
    assert run.stdout.split() == [str(tmp_path / "out" / "certificate-1.pdf")]
    assert "openbadges:credential" in (tmp_path / "out" / "badge-1.svg").read_text()
    pdf = (tmp_path / "out" / "certificate-1.pdf").read_bytes()
    assert b"/ETSI.CAdES.detached" in pdf
    assert "S-0002: below_share:0.00/0.00" in run.stderr
    assert "S-0003: not_passed:quiz-1" in run.stderr
    with database.transaction() as tx:
        row = tx.scalars(select(Certificate)).one()
    with database.transaction() as tx:
        institution_id = made.office.institution_id
        accounts.add(tx, institution_id, "second@example.org", "Гүлнар Асан", Role.ADMIN)

    def rule(certificate: str, by: str) -> Result:
        arguments = ["certificate", "rule", certificate, "revoked", "№ 4"]
        return CliRunner().invoke(app, [*arguments, "--by", f"{by}@example.org"])

    said = [rule(row.id, by).stdout.strip() for by in ("olga", "olga", "second")]
    assert said == ["under_review", "under_review", "revoked"]
    for certificate, by in (("nothing", "olga"), (row.id, "alice"), (row.id, "nobody")):
        assert rule(certificate, by).exit_code == 2
