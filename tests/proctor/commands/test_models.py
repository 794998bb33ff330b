from pathlib import Path

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app

pytestmark = pytest.mark.unit


def test_a_folder_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROCTOR_MODELS_DIR", str(tmp_path / "file" / "models"))
    done = CliRunner().invoke(app, ["models", "fetch"])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert str(tmp_path / "file") in done.stderr.replace("\n", "")
