import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from proctor import events
from proctor.reports import witnesses
from proctor.reports.checkpoints import NotANote, NoteKey, Signs, checkpoint_of
from proctor.reports.document import Json, canonical
from proctor.reports.evidence_pack import record_taking, write_pack
from proctor.reports.tables import IssuedReport
from proctor.reports.verification import Verification, verify
from tests.support.exam_course import NOW, ExamCourse

pytestmark = pytest.mark.db

OWN, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (3, 4))
LOG = NoteKey("uni.example/log", OWN.public_key().public_bytes_raw(), Signs.CHECKPOINTS)
WITNESS = NoteKey("other.example/witness", OTHER.public_key().public_bytes_raw(), Signs(4))


def asked(tx: Session, since: int = 0) -> str:
    return witnesses.request(tx, LOG.name, OWN, since)


def attested(tx: Session, request: str) -> str:
    # the witness keeps its own record; here it is in the same store
    return witnesses.attest(tx, request, LOG, WITNESS.name, OTHER, NOW)


def test_witness_signs_what_goes_on_from_what_it_signed(tx: Session) -> None:
    for n in range(5):
        events.append(tx, "s", "a", {"n": n}, NOW)
    first = attested(tx, asked(tx))
    assert checkpoint_of(first).size == 5
    # what it signed is an event of its own log too
    second = attested(tx, asked(tx, since=5))
    assert checkpoint_of(second).size == 6
    with pytest.raises(NotANote, match="up to 6 events"):
        attested(tx, asked(tx, since=5))
    with pytest.raises(NotANote, match="up to 6 events"):
        attested(tx, asked(tx))


def test_witness_refuses_a_log_that_was_changed(tx: Session) -> None:
    changed = events.append(tx, "s", "a", {}, NOW)
    events.append(tx, "s", "b", {}, NOW)
    attested(tx, asked(tx))
    changed.hash = bytes(32)
    tx.flush()
    with pytest.raises(NotANote, match="does not go on"):
        attested(tx, asked(tx, since=2))


def test_witness_refuses_another_key_and_other_texts(tx: Session) -> None:
    events.append(tx, "s", "a", {}, NOW)
    request = witnesses.request(tx, LOG.name, OTHER, 0)
    for text in (request, "", "old 0\n\n", asked(tx).replace("old 0", "old 0\nAAAA")):
        with pytest.raises(NotANote):
            attested(tx, text)
    with pytest.raises(NotANote):
        asked(tx, since=2)


def test_only_a_root_of_this_log_signed_by_a_registered_witness_is_kept(tx: Session) -> None:
    events.append(tx, "s", "a", {}, NOW)
    note = attested(tx, asked(tx))
    with pytest.raises(NotANote, match="no registered witness"):
        witnesses.keep(tx, note, NOW)
    with pytest.raises(NotANote, match="not the key of a witness"):
        witnesses.register(tx, LOG.text, "somebody", NOW)
    witnesses.register(tx, WITNESS.text, "somebody", NOW)
    assert witnesses.keep(tx, note, NOW) == [WITNESS]
    events.read(tx, "s")[0].hash = bytes(32)
    tx.flush()
    with pytest.raises(NotANote, match="not a root"):
        witnesses.keep(tx, note, NOW)


@pytest.fixture
def packed(held: ExamCourse, report: IssuedReport, tmp_path: Path) -> Path:
    """A pack made some events after a witness signed the log."""
    tx, to = held.tx, tmp_path / "evidence.zip"
    record_taking(tx, report, held.office.id, NOW)
    witnesses.register(tx, WITNESS.text, held.office.id, NOW)
    witnesses.keep(tx, attested(tx, asked(tx)), NOW)
    events.append(tx, "s", "later", {}, NOW)
    write_pack(tx, report, tmp_path, OWN, to, NOW)
    return to


def test_pack_names_who_witnessed_its_log(packed: Path) -> None:
    found = verify(packed.read_bytes())
    assert found.findings == ()
    (seen,) = found.witnessed
    assert (seen.key, seen.name, seen.at) == (WITNESS.text, WITNESS.name, NOW)
    assert 0 < seen.size < found.heads[0][0]


def with_receipt(packed: Path, receipt: Json) -> Verification:
    """The pack with another receipt, signed anew by who made it."""
    with zipfile.ZipFile(packed) as read:
        members = {name: read.read(name) for name in read.namelist()}
    log = json.loads(members["log.json"])
    log["witnessed"] = [{**log["witnessed"][0], **receipt}]
    members["log.json"] = canonical(log).encode()
    manifest = json.loads(members["manifest.json"])
    manifest["members"]["log.json"] = hashlib.sha256(members["log.json"]).hexdigest()
    members["manifest.json"] = canonical(manifest).encode()
    seal = json.loads(members["signature.json"])
    seal["signature"] = OWN.sign(members["manifest.json"]).hex()
    members["signature.json"] = canonical(seal).encode()
    with zipfile.ZipFile(packed, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return verify(packed.read_bytes())


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        ({"path": []}, "does not go on from the"),
        ({"path": ["00" * 32]}, "does not go on from the"),
        ({"note": "x"}, "receipt of other.example/witness: not a checkpoint"),
        ({"note": 7}, "cannot be read"),
        ({"key": LOG.text}, "receipt of uni.example/log: not the key of a witness"),
        ({"key": 7}, "cannot be read"),
    ],
)
def test_receipt_that_does_not_fit_is_named(packed: Path, receipt: Json, said: str) -> None:
    found = with_receipt(packed, receipt)
    assert {each.member for each in found.findings} == {"log.json"}
    assert said in found.findings[0].problem
    assert found.witnessed == ()
