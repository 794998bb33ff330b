import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from keystroke.zones import Zone
from proctor.__main__ import app
from proctor.commands.evaluate.tables import TableError
from proctor.commands.evaluate.typing_files import TypingFileError, read_people

pytestmark = pytest.mark.unit


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def typing_file(tmp_path: Path) -> Path:
    """Four people of one sitting of 2,400 presses."""
    rng = np.random.default_rng(7)
    codes = np.array(["KeyA", "KeyE", "KeyT", "KeyO", "Space"])
    lines = ["subject,session,code,dd_ms,hold_ms"]
    for person in range(4):
        # slow enough that each key is released before the next
        pace = 220 + 40 * person
        dt = np.round(pace * np.exp(0.1 * rng.standard_normal(2400)))
        hold = np.round((70 + 15 * person) * np.exp(0.1 * rng.standard_normal(2400)))
        typed = codes[rng.integers(5, size=2400)]
        lines += [
            f"p{person},0,{code},{d:g},{h:g}" for code, d, h in zip(typed, dt, hold, strict=True)
        ]
    return write(tmp_path / "typing.csv", *lines)


def test_both_ways_of_giving_times_are_the_same_presses(tmp_path: Path) -> None:
    intervals = write(
        tmp_path / "a.csv",
        "subject,session,code,dd_ms,hold_ms",
        *("x,2,KeyA,0,80", "x,2,Shift,150,", "x,10,KeyB,0,90"),
    )
    instants = write(
        tmp_path / "b.csv",
        "subject,session,code,press_ms,release_ms",
        *("x,2,KeyA,1000,1080", "x,2,Shift,1150,", "x,10,KeyB,50,140"),
    )
    for path in (intervals, instants):
        first, second = read_people(path)["x"]
        assert first.dt_ms.tolist() == [0, 150]
        assert first.zones.tolist() == [Zone.LEFT_LITTLE_HOME, Zone.MODIFIER]
        assert first.hold_ms[0] == 80 and np.isnan(first.hold_ms[1])
        assert second.hold_ms.tolist() == [90]


def test_what_the_keyboard_repeats_is_no_press(tmp_path: Path) -> None:
    rows = ("x,0,KeyA,1000,1080", "x,0,Backspace,1200,1700", "x,0,Backspace,1700,1730")
    lines = ("subject,session,code,press_ms,release_ms", *rows, "x,0,KeyB,1900,1990")
    (only,) = read_people(write(tmp_path / "held.csv", *lines))["x"]
    assert (only.dt_ms.tolist(), only.hold_ms.tolist()) == ([0, 200, 700], [80, 530, 90])


def test_columns_in_any_order_blank_lines_and_others_columns_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    lines = ("note,hold_ms,code,dd_ms,session,subject", ",80,KeyA,0,1,x", "", "seen,,Space,90,1,x")
    path.write_bytes(gzip.compress("\n".join(lines).encode("utf-8-sig")))
    (only,) = read_people(path)["x"]
    assert only.dt_ms.tolist() == [0, 90]
    assert np.isnan(only.hold_ms).tolist() == [False, True]


def test_sessions_of_parquet_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    rows = {"subject": [7] * 3, "session": [10, 0, 2], "code": ["KeyA"] * 3}
    times = {"dd_ms": [0.0] * 3, "hold_ms": [80.0, None, 90.0]}
    parquet.write_table(pyarrow.table({**rows, **times}), path)
    (sessions,) = read_people(path).values()
    assert [str(each.hold_ms[0]) for each in sessions] == ["nan", "90.0", "80.0"]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("s10", "s2", "s1"), ("s1", "s2", "s10")),
        (("2024-10-02", "2024-02-10"), ("2024-02-10", "2024-10-02")),
        # of other names the file knows the order
        (("10.02.2024", "02.10.2024"), ("10.02.2024", "02.10.2024")),
        (("zebra", "aunt"), ("zebra", "aunt")),
    ],
)
def test_sessions_are_in_the_order_their_names_tell(
    tmp_path: Path, names: tuple[str, ...], order: tuple[str, ...]
) -> None:
    holds = {name: 80 + i for i, name in enumerate(names)}
    rows = [f"x,{name},KeyA,0,{hold}" for name, hold in holds.items()]
    (sessions,) = read_people(
        write(tmp_path / "a.csv", "subject,session,code,dd_ms,hold_ms", *rows)
    ).values()
    assert [each.hold_ms[0] for each in sessions] == [holds[name] for name in order]


def test_presses_that_were_written_at_their_release_are_put_in_order(tmp_path: Path) -> None:
    rows = ("x,0,KeyB,1100,1150", "x,0,KeyA,1000,1180", "x,0,KeyC,1300,1390")
    (only,) = read_people(
        write(tmp_path / "a.csv", "subject,session,code,press_ms,release_ms", *rows)
    )["x"]
    assert (only.dt_ms.tolist(), only.hold_ms.tolist()) == ([0, 100, 200], [180, 50, 90])


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    rows = {"subject": [["a"]], "session": [0], "code": ["KeyA"], "dd_ms": [0.0], "hold_ms": [9.0]}
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(rows), path)
    with pytest.raises(TypingFileError, match="subject is not one column of single values"):
        read_people(path)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.gz", "a.csv"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\xff\x00PAR\n")
    with pytest.raises(TableError):
        read_people(path)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("subject,session,code,dd_ms",), "the columns are"),
        (("subject,session,code,dd_ms,hold_ms",), "no press"),
        (("subject,session,code,dd_ms,hold_ms", "x,0,KeyA,zero,1"), "dd_ms of row 1 is not"),
        (("subject,session,code,dd_ms,hold_ms", "x,0,KeyA,0,1,5"), "line 2 has more values"),
        (("subject,session,code,dd_ms,hold_ms", "x,0,a,0,1"), "code names keys"),
        (
            (
                "subject,session,code,dd_ms,hold_ms",
                *("x,0,KeyA,0,1", "y,0,KeyA,0,1", "x,0,KeyA,0,1"),
            ),
            "stand together",
        ),
    ],
)
def test_another_file_is_refused_with_the_reason(
    tmp_path: Path, lines: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(TypingFileError, match=reason):
        read_people(write(tmp_path / "other.csv", *lines))


def test_a_cell_has_rates_counts_and_an_interval(typing_file: Path, tmp_path: Path) -> None:
    plot = tmp_path / "det.svg"
    command = ["evaluate", "keystroke-free", "--data", str(typing_file), "--alone", "--json"]
    options = ["--enrol-keys", "500", "--probe-keys", "100", "--det", str(plot)]
    done = CliRunner().invoke(app, [*command, *options])
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    (cell,) = report["cells"]
    # three windows after the 2,100th key, four people
    assert (cell["n_mated"], cell["n_non_mated"], cell["n_people"]) == (12, 36, 4)
    assert (cell["enrol_keys"], cell["probe_keys"]) == (500, 100)
    # drawn again, four people are often two
    assert cell["ci"] is None
    assert cell["fnmr_at_fmr"] == {"1e-2": None, "1e-3": None}
    assert plot.read_text().count("<polyline") == 1


def test_a_cell_nobody_typed_enough_for_is_empty(typing_file: Path) -> None:
    command = ["evaluate", "keystroke-free", "--data", str(typing_file), "--protocol", "across"]
    done = CliRunner().invoke(app, [*command, "--alone", "--json"])
    cells = json.loads(done.stdout)["cells"]
    assert len(cells) == 20
    assert {(cell["n_mated"], cell["eer"]) for cell in cells} == {(0, None)}
    assert {cell["n_too_few_keys"] for cell in cells} == {4}
    assert all(cell["fnmr_at_fmr"] == {"1e-2": None, "1e-3": None} for cell in cells)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--enrol-keys", "3000"), "at most 2000 keys"),
        (("--enrol-keys", "²"), "whole numbers"),
        (("--det", "/no/such/folder/det.svg"), "there is no folder"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_it_is(
    typing_file: Path, options: tuple[str, str], reason: str
) -> None:
    command = ["evaluate", "keystroke-free", "--data", str(typing_file), "--alone", *options]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert reason in done.output


def test_one_person_is_too_few_people_not_too_few_keys(tmp_path: Path) -> None:
    lines = ("subject,session,code,dd_ms,hold_ms", "x,0,KeyA,0,80")
    path = write(tmp_path / "one.csv", *lines)
    done = CliRunner().invoke(app, ["evaluate", "keystroke-free", "--data", str(path)])
    assert done.exit_code == 2
    assert "two people are needed" in done.output
