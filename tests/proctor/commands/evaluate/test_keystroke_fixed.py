import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.commands.evaluate.phrase_files import PhraseFileError, read_repetitions

pytestmark = pytest.mark.unit

HEADER = "subject,sessionIndex,rep,H.a,DD.a.b,UD.a.b,H.b"


@pytest.fixture
def phrase_file(tmp_path: Path) -> Path:
    """Seven people of 204 repetitions, seconds."""
    rng = np.random.default_rng(7)
    lines = [HEADER]
    for person in range(7):
        centre = rng.uniform(0.06, 0.2, 3)
        for rep in range(204):
            hold, interval, other = centre * np.exp(0.1 * rng.standard_normal(3))
            row = [hold, interval, interval - hold, other]
            lines.append(f"s{person},{rep // 50 + 1},{rep % 50 + 1}," + ",".join(map(str, row)))
    path = tmp_path / "phrase.csv"
    path.write_text("\n".join(lines))
    return path


def test_the_columns_are_read_by_their_prefix_in_milliseconds(phrase_file: Path) -> None:
    found = read_repetitions(phrase_file).repetitions
    assert found.timings_ms.shape == (7, 204, 4)
    assert found.holds_ms.shape == (7, 204, 2)
    assert found.flights_ms[0, 0] == pytest.approx(
        found.intervals_ms[0, 0] - found.holds_ms[0, 0, 0]
    )
    assert 40 < found.holds_ms[0, 0, 0] < 300


def test_the_report_has_the_default_beside_the_published_table(
    phrase_file: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "det.svg"
    command = ["evaluate", "keystroke-fixed", "--data", str(phrase_file), "--enrol", "10"]
    done = CliRunner().invoke(app, [*command, "--det", str(plot), "--json"])
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert (report["subjects"], report["enrol"]) == (7, 10)
    assert report["default"] == report["verifiers"]["default"]
    assert 0 <= report["default"]["eer_mean"] < 0.2
    # four later repetitions of each, compared once with each background
    for verifier in ("default", "manhattan"):
        assert report["verifiers"][verifier]["n_mated"] == 28
    assert report["default"]["n_mated_comparisons"] > 28
    assert report["published_51_subjects"]["manhattan_scaled"] == {"eer_mean": 0.0962}
    # how attempts stand beside others is that of five enrolled
    assert report["five_enrolled"] is None
    # 7 people, 6 others, 5 repetitions: FMR 1e-3 cannot be shown
    assert report["default"]["fnmr_at_fmr"]["1e-3"] is None
    assert plot.read_text().count("<polyline") == len(report["verifiers"])


def test_with_five_enrolled_it_says_how_attempts_stand_beside_other_peoples(
    phrase_file: Path,
) -> None:
    done = CliRunner().invoke(
        app, ["evaluate", "keystroke-fixed", "--data", str(phrase_file), "--enrol", "5", "--json"]
    )
    beside = json.loads(done.stdout)["five_enrolled"]
    # four later attempts of each; of seven people, each absent once in three groups
    assert (beside["n_mated"], beside["n_non_mated"]) == (7 * 3 * 4, 7 * 6 * 4)
    assert beside["mated_nearer"] > beside["non_mated_nearer"]


def test_an_enrolment_the_protocol_does_not_know_is_refused(phrase_file: Path) -> None:
    command = ["evaluate", "keystroke-fixed", "--data", str(phrase_file), "--enrol", "7"]
    assert CliRunner().invoke(app, command).exit_code == 2


def test_who_typed_too_few_is_left_out_and_counted(phrase_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "phrase.csv.gz"
    text = phrase_file.read_text() + "\ns9,1,1,0.1,0.2,0.1,0.1\n"
    path.write_bytes(gzip.compress(text.encode("utf-8-sig")))
    found = read_repetitions(path)
    assert (found.repetitions.n_people, found.left_out) == (7, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b,c\n", "the first columns"),
        (f"{HEADER}\ns1,1,1,x,0,0,0\n", "line 2"),
        (f"{HEADER}\ns1,1,1,0,0\n", "line 2"),
        (f"{HEADER}\ns1,1,1,0,0,nan,0\n", "line 2 lacks a timing"),
        (f"{HEADER}\n\ns1,1,1,0,0,0,0\n", "subjects are needed"),
        ("subject,sessionIndex,rep,H.a\n", "there are columns"),
    ],
)
def test_another_file_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(PhraseFileError, match=reason):
        read_repetitions(path)
