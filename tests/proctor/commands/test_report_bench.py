import json

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app

pytestmark = pytest.mark.db


def test_bench_of_a_small_course_gives_its_four_figures() -> None:
    arguments = ["bench", "report", "--learners", "3", "--events", "4", "--runs", "2", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert set(figures) == {"seconds", "peak_mb", "xlsx_seconds", "learner_page_ms"}
    assert all(value > 0 for value in figures.values())
