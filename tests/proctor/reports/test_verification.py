import hashlib
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proctor import events
from proctor.incidents.tables import ClipRow, IncidentRow
from proctor.media.recorder import Seal
from proctor.media.tables import Recording
from proctor.observations import Track
from proctor.reports.document import canonical, sha256_of
from proctor.reports.evidence_pack import record_head, record_taking, write_pack
from proctor.reports.tables import IssuedReport
from proctor.reports.verification import Finding, verify
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLIP = b"\x1aE\xdf\xa3" + bytes(range(256)) * 4


@pytest.fixture
def pack(held: ExamCourse, report: IssuedReport, tmp_path: Path) -> Path:
    """The evidence of the report; one incident has a clip, another's file is gone."""
    incidents = held.tx.query(IncidentRow).order_by(IncidentRow.kind).all()
    (tmp_path / "a.webm").write_bytes(CLIP)
    for incident, path in zip(incidents, ("a.webm", "gone.webm"), strict=True):
        held.tx.add(
            ClipRow(
                incident_id=incident.id,
                track=Track.CAMERA,
                path=path,
                start_s=0.0,
                end_s=9.0,
                sha256=sha256_hex(CLIP),
                parent_sha256="a" * 64,
            )
        )
        events.append(held.tx, incident.sitting_id, "incident_opened", {"id": incident.id}, NOW)
    held.tx.flush()
    to = tmp_path / "evidence.zip"
    record_taking(held.tx, report, held.office.id, NOW)
    record_head(held.tx, write_pack(held.tx, report, tmp_path, KEY, to, NOW), NOW)
    return to


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def rewritten(pack: Path, name: str, content: bytes) -> bytes:
    """The pack with another content of one member and a fresh checksum."""
    to = pack.with_name("rewritten.zip")
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(to, "w") as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    return to.read_bytes()


def members(pack: Path) -> list[str]:
    with zipfile.ZipFile(pack) as read:
        return read.namelist()


def test_untouched_pack_has_nothing_wrong(pack: Path, report: IssuedReport) -> None:
    found = verify(pack.read_bytes())
    assert found.findings == ()
    assert found.sha256 == report.sha256
    assert found.public_key == KEY.public_key().public_bytes_raw().hex()
    (missing,) = found.missing
    assert missing.startswith("clips/")
    assert sum(name.startswith("clips/") for name in members(pack)) == 1


def test_one_flipped_byte_in_any_member_is_named(pack: Path) -> None:
    whole = pack.read_bytes()
    with zipfile.ZipFile(pack) as read:
        for info in read.infolist():
            # local header: 30 bytes, name, then the stored content
            at = info.header_offset + 30 + len(info.filename.encode()) + info.file_size // 2
            flipped = bytearray(whole)
            flipped[at] ^= 1
            assert info.filename in [f.member for f in verify(bytes(flipped)).findings]


def test_changed_member_with_a_fresh_checksum_is_named_too(pack: Path) -> None:
    for name in members(pack):
        with zipfile.ZipFile(pack) as read:
            content = bytearray(read.read(name))
        content[len(content) // 2] ^= 1
        named = {
            finding.member for finding in verify(rewritten(pack, name, bytes(content))).findings
        }
        # a changed signature does not fit the manifest any more
        assert named & {name, "manifest.json" if name == "signature.json" else name}


def test_manifest_that_fits_a_forged_report_needs_the_key(pack: Path) -> None:
    with zipfile.ZipFile(pack) as read:
        manifest = json.loads(read.read("manifest.json"))
    manifest["made_at"] = "2027-01-01T00:00:00Z"
    found = verify(rewritten(pack, "manifest.json", canonical(manifest).encode()))
    assert found.findings == (Finding("manifest.json", "the signature does not fit"),)


def signed_anew(pack: Path, name: str, content: bytes) -> bytes:
    """The pack with another content of one member, listed and signed by who holds the key."""
    with zipfile.ZipFile(pack) as read:
        manifest = json.loads(read.read("manifest.json"))
        seal = json.loads(read.read("signature.json"))
    manifest["members"][name] = sha256_hex(content)
    text = canonical(manifest).encode()
    seal["signature"] = KEY.sign(text).hex()
    changes = {name: content, "manifest.json": text, "signature.json": canonical(seal).encode()}
    data = b""
    for member, new in changes.items():
        data = rewritten(pack, member, new)
        pack.write_bytes(data)
    return data


def test_chain_that_was_cut_does_not_stand_in_the_log(pack: Path) -> None:
    name = next(member for member in members(pack) if member.startswith("events/"))
    with zipfile.ZipFile(pack) as read:
        chain = json.loads(read.read(name))["events"]
    shorter = canonical({"events": chain[:-1]}).encode()
    stream = name.removeprefix("events/").removesuffix(".json")
    problem = f"does not hold the last event of {stream}" if chain[:-1] else "cannot be read"
    found = verify(signed_anew(pack, name, shorter)).findings
    assert [each.member for each in found] == ["log.json"]
    assert found[0].problem.startswith(problem)


def test_root_of_the_log_is_on_record(held: ExamCourse, pack: Path) -> None:
    with zipfile.ZipFile(pack) as read:
        log = json.loads(read.read("log.json"))
    (head,) = events.read(held.tx, "log")
    assert (head.kind, head.payload) == ("log_head", {"size": log["size"], "root": log["root"]})
    assert log["size"] == head.id - 1


def test_log_goes_on_from_the_pack_before(
    held: ExamCourse, report: IssuedReport, pack: Path, tmp_path: Path
) -> None:
    (first,) = verify(pack.read_bytes()).heads
    later = tmp_path / "later.zip"
    record_head(held.tx, write_pack(held.tx, report, tmp_path, KEY, later, NOW), NOW)
    found = verify(later.read_bytes())
    assert (found.findings, found.heads[1]) == ((), first)
    # an event of before is changed afterwards, and every hash after it made anew
    row = events.read(held.tx, "log")[0]
    row.hash = bytes(32)
    held.tx.flush()
    write_pack(held.tx, report, tmp_path, KEY, later, NOW)
    (finding,) = verify(later.read_bytes()).findings
    assert finding.member == "log.json"
    assert finding.problem.startswith("does not go on from the log of")


def test_member_that_is_added_or_taken_out_is_named(pack: Path) -> None:
    with zipfile.ZipFile(pack, "a") as more:
        more.writestr("clips/extra.webm", b"x")
    assert verify(pack.read_bytes()).findings == (Finding("clips/extra.webm", "is not listed"),)


def changed(report: IssuedReport, change: dict[str, Any]) -> bytes:
    document = json.loads(report.body)
    document["learners"][0].update(change)
    return canonical(document).encode()


def test_report_alone_is_computed_anew_under_its_own_pack(report: IssuedReport) -> None:
    found = verify(report.body.encode())
    assert (found.findings, found.sha256) == ((), sha256_of(report.body))
    share = {"num": 5, "den": 5, "percent": "100.00", "met": True}
    forged = verify(changed(report, {"count": {"low": share, "high": share}})).findings
    assert [finding.problem.split(" of ")[0] for finding in forged] == ["the shares"]
    spaced = json.dumps(json.loads(report.body)).encode()
    assert verify(spaced).findings == (Finding("report", "not the canonical text of its content"),)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_answered_without_an_exception(data: bytes) -> None:
    assert verify(data).findings != ()
    assert verify(b"PK" + data).findings != ()


def test_recording_changed_after_it_was_sealed_is_named(
    held: ExamCourse, report: IssuedReport, pack: Path, tmp_path: Path
) -> None:
    cited = held.tx.query(IncidentRow).first()
    assert cited is not None
    camera = held.tx.query(Recording).filter_by(sitting_id=cited.sitting_id, track="camera").one()
    path = tmp_path / camera.path
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CLIP)
    halves = (CLIP[:500], CLIP[500:])
    seals = [
        Seal(1, 0, 500, sha256_hex(halves[0]), False),
        Seal(2, 500, len(CLIP), sha256_hex(halves[1]), False),
    ]
    lines = [json.dumps(asdict(seal)) + "\n" for seal in seals]
    path.with_name(path.name + ".seals").write_text("".join(lines))
    write_pack(held.tx, report, tmp_path, KEY, pack, NOW)
    assert verify(pack.read_bytes()).altered == ()
    path.write_bytes(halves[0] + halves[1][::-1])
    write_pack(held.tx, report, tmp_path, KEY, pack, NOW)
    assert verify(pack.read_bytes()).altered == (f"{camera.path}: 2",)


def test_who_took_the_evidence_is_on_record(held: ExamCourse, pack: Path) -> None:
    sitting = held.tx.query(IncidentRow).first()
    assert sitting is not None
    views = events.read(held.tx, sitting.sitting_id, "recording_viewed")
    assert [view.payload["viewer"] for view in views] == [held.office.id]
