"""The benchmark of the media plane: a trace, a short run with losses, the costs in process."""

import json
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proctor.__main__ import app
from proctor.commands import recorder_bench
from proctor.commands.rtp_trace import Trace, TraceUnreadable, drawn_trace, read_trace
from proctor.observations import Track

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def drawn() -> Trace:
    return drawn_trace()


def written(trace: Trace, path: Path) -> Path:
    """The trace as a recorded one: both pictures as RTP, in the order of their times."""
    rows = []
    for source, packets in enumerate(trace.values(), 10):
        for number, each in enumerate(packets):
            timestamp = round(each.frame_at_s * 90_000)
            head = struct.pack("!BBHII", 0x80, each.ends_frame << 7 | 96, number, timestamp, source)
            rows.append((each.at_s, head + each.payload))
    rows.sort(key=lambda row: row[0])
    path.write_bytes(b"".join(struct.pack("!dH", at, len(data)) + data for at, data in rows))
    return path


def test_drawn_trace_is_a_student(drawn: Trace) -> None:
    camera, screen = drawn[Track.CAMERA], drawn[Track.SCREEN]

    assert sum(each.ends_frame for each in camera) == 150
    assert sum(each.ends_frame for each in screen) == 50
    assert (sum(each.starts_key for each in camera), screen[0].starts_key) == (10, True)
    for packets, cap in ((camera, 250_000), (screen, 300_000)):
        assert 0.3 * cap < 0.8 * sum(len(each.payload) for each in packets) < 1.5 * cap


def test_recorded_trace_is_read_as_it_was_sent(drawn: Trace, tmp_path: Path) -> None:
    found = read_trace(written(drawn, tmp_path / "trace.bin"))

    for track in Track:
        assert [each.payload for each in found[track]] == [each.payload for each in drawn[track]]
        assert [each.starts_key for each in found[track]] == [
            each.starts_key for each in drawn[track]
        ]


@pytest.mark.parametrize("data", [b"", b"\0" * 9, struct.pack("!dH", 0.0, 20) + bytes(20)])
def test_file_without_two_pictures_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "trace.bin").write_bytes(data)

    with pytest.raises(TraceUnreadable):
        read_trace(tmp_path / "trace.bin")


@pytest.mark.parametrize(
    ("name", "told"),
    [("none.bin", "No such file"), ("", "Is a directory"), ("bad.bin", "no RTP of two pictures")],
)
def test_trace_that_cannot_be_read_is_said_so(tmp_path: Path, name: str, told: str) -> None:
    # RTP by its form, VP8 only by its number, and nothing after a descriptor that promises more
    rows = [
        struct.pack("!dH", 0.0, 13) + struct.pack("!BBHII", 0x80, 96, n // 2, 0, n % 2) + b"\x80"
        for n in range(200)
    ]
    (tmp_path / "bad.bin").write_bytes(b"".join(rows))
    orders = ["--students", "1", "--seconds", "2", "--trace", str(tmp_path / name)]
    result = CliRunner().invoke(app, ["bench", "ingest", *orders], env={"COLUMNS": "400"})
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_short_run_with_losses_records_what_is_sent() -> None:
    orders = ["--students", "2", "--seconds", "4", "--loss", "0.05", "--sample", "--json"]
    result = CliRunner().invoke(app, ["bench", "ingest", *orders])

    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert figures["packets_lost"] > 0
    assert figures["packets_repaired"] > 0
    assert figures["students_per_core"] == pytest.approx(
        1000 / figures["cpu_ms_per_student_second"], rel=0.02
    )
    assert 0 <= figures["of_it_workers_ms"] < figures["cpu_ms_per_student_second"]
    for track, most in (("camera", 1.25), ("screen", 0.75)):
        # four seconds begin and end with a look
        assert 0 < figures["sampled"][track]["per_student_second"] <= most
        assert figures["frames"][track]["share"] >= 0.9
        decoded = figures["decoded"][track]
        assert decoded["pictures"] == decoded["frames"]
    assert set(figures["drops"]) == {"kernel"}


def test_unknown_design_is_refused() -> None:
    assert CliRunner().invoke(app, ["bench", "ingest", "--compare", "magic"]).exit_code == 2


def test_costs_in_process_are_told(monkeypatch: pytest.MonkeyPatch, drawn: Trace) -> None:
    monkeypatch.setattr(recorder_bench, "RECORDED_S", 40)
    monkeypatch.setattr(recorder_bench, "drawn_trace", lambda: drawn)
    result = CliRunner().invoke(app, ["bench", "recorder", "--json"])

    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert all(
        figures[name] > 0
        for name in ("packet_us", "frame_us", "seal_wall_ms", "clip_ms", "repair_ms")
    )
