"""The evidence of an issued report as one ZIP: the report, cited clips, event chains, hashes,
and proofs that the chains stand in the log of all events.

The list of hashes is signed with the institution's Ed25519 key, so that anybody can check the
pack without the database.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from proctor import events
from proctor.clock import TIME_ZONE, written
from proctor.incidents.builder import clips_of
from proctor.media.recorder import broken_seals
from proctor.media.tables import Recording
from proctor.reports import merkle, witnesses
from proctor.reports.document import Json, canonical
from proctor.reports.issue import document_of
from proctor.reports.tables import IssuedReport
from proctor.sittings.expiries import expiry_of

SCHEMA = "tanu.evidence/1"


@dataclass(frozen=True, slots=True)
class LogHead:
    """The root over the first *size* events of the log."""

    size: int
    root: str


def record_taking(tx: Session, report: IssuedReport, by: str, now: datetime) -> None:
    """Write for each sitting who takes its evidence away. ``by``: account id."""
    for sitting_id in _sittings(document_of(report)):
        what = f"evidence:{report.id}"
        events.record_access(tx, viewer_id=by, stream=sitting_id, what=what, at=now)


def record_head(tx: Session, head: LogHead, now: datetime) -> None:
    """Write the root of a pack down, so that a later log can be held against it."""
    events.append(tx, "log", "log_head", asdict(head), now)


def write_pack(
    tx: Session,
    report: IssuedReport,
    recordings_dir: Path,
    key: Ed25519PrivateKey,
    to: Path,
    now: datetime,
) -> LogHead:
    """Write the pack of *report* to *to*; it changes nothing in the database.

    Of a sitting whose evidence expired there is the chain, and the day is named. A clip whose file
    is gone or differs from its hash is listed as missing, a recording that clips were cut from
    with the segments whose bytes are not those that were sealed. It takes as long as its clips are
    large, so who takes it away is on record, committed, before it is called.
    """
    events.settle(tx)
    sittings = _sittings(document_of(report))
    hashes: dict[str, str] = {}
    missing: list[str] = []
    expired: dict[str, str] = {}
    altered: list[str] = []
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as pack:

        def add(name: str, content: bytes) -> None:
            pack.writestr(name, content)
            hashes[name] = hashlib.sha256(content).hexdigest()

        add("report.json", report.body.encode())
        for sitting_id in sittings:
            add(f"events/{sitting_id}.json", canonical({"events": _chain(tx, sitting_id)}).encode())
            expiry = expiry_of(tx, sitting_id)
            if expiry is not None:
                expired[sitting_id] = expiry.at.astimezone(TIME_ZONE).date().isoformat()
                continue
            clips = clips_of(tx, sitting_id)
            if clips:
                altered += _altered(tx, sitting_id, recordings_dir)
            for clip in clips:
                path = recordings_dir / clip.path
                name = f"clips/{clip.incident_id}-{clip.track}{path.suffix}"
                content = path.read_bytes() if path.exists() else b""
                if hashlib.sha256(content).hexdigest() == clip.sha256:
                    add(name, content)
                else:
                    missing.append(name)
        head, proven = _log(tx, sittings)
        add("log.json", canonical({**asdict(head), **proven}).encode())
        manifest = {
            "schema": SCHEMA,
            "report": report.sha256,
            "made_at": written(now),
            "members": hashes,
            "missing": missing,
            "altered": altered,
            "expired": expired,
        }
        text = canonical(manifest).encode()
        pack.writestr("manifest.json", text)
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        seal = {"public_key": public.hex(), "signature": key.sign(text).hex()}
        pack.writestr("signature.json", canonical(seal))
    return head


def _altered(tx: Session, sitting_id: str, recordings_dir: Path) -> Iterator[str]:
    """Recordings of a sitting with the segments that were changed since they were sealed."""
    query = select(Recording.path).where(Recording.sitting_id == sitting_id)
    for name in tx.scalars(query.order_by(Recording.path)):
        path = recordings_dir / name
        broken = broken_seals(path) if path.exists() else ()
        if broken:
            yield f"{name}: {', '.join(map(str, broken))}"


def _log(tx: Session, sittings: list[str]) -> tuple[LogHead, Json]:
    """The root of all events there are, and where the last event of each sitting stands in it.

    The next pack proves that its log goes on from the one before, so that whoever kept an earlier
    pack sees that nothing was changed since.
    """
    entries: list[bytes] = []
    last = dict.fromkeys(sittings, 0)
    for index, (stream, link) in enumerate(events.links(tx)):
        entries.append(link)
        if stream in last:
            last[stream] = index
    levels = merkle.levels_of(entries)
    heads = [event.payload for event in events.read(tx, "log", "log_head")]
    proofs = {
        sitting: {"index": at, "path": [step.hex() for step in merkle.path_of(levels, at)]}
        for sitting, at in last.items()
    }
    since = _since(heads[-1], levels) if heads else None
    told = {"since": since, "proofs": proofs, "witnessed": witnesses.receipts(tx, levels)}
    return LogHead(len(entries), levels[-1][0].hex()), told


def _since(head: Json, levels: list[list[bytes]]) -> Json:
    path = merkle.consistency_of(levels, head["size"])
    return {**head, "path": [step.hex() for step in path]}


def _sittings(document: Json) -> list[str]:
    return [
        event["sitting"]["id"]
        for learner in document["learners"]
        for event in learner["events"]
        if event["sitting"]
    ]


def _chain(tx: Session, stream: str) -> list[Json]:
    return [
        {
            "seq": event.seq,
            "kind": event.kind,
            "at": event.at.isoformat(),
            "body": event.body,
            "hash": event.hash.hex(),
        }
        for event in events.read(tx, stream)
    ]
