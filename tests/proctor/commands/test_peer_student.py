"""Without a browser on the machine an aiortc peer sits the same two exams."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# a whole service that is to verify a sitting: beside other tests the machine may lose seconds of it
pytestmark = pytest.mark.acceptance


def test_demo_without_a_browser_comes_to_the_same_outcomes(tmp_path: Path) -> None:
    played = subprocess.run(
        [
            *(sys.executable, "-m", "proctor", "demo", "--json"),
            *("--seconds", "45", "--keep", str(tmp_path / "data")),
        ],
        # nothing on the search path: no Chromium is found
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stderr
    assert "an aiortc peer plays the browser" in played.stderr
    result = json.loads(played.stdout)
    assert result["chromium"] is False
    honest, taken_over = result["sittings"]
    assert honest["outcome"] == "verified", honest["methods"]
    assert honest["incidents"] == []
    assert taken_over["outcome"] == "pending"
    kinds = {incident["kind"] for incident in taken_over["incidents"]}
    # 45 s may or may not be enough to tell the hands apart, or to see a look aside
    assert kinds >= {"face_mismatch", "paste"}
