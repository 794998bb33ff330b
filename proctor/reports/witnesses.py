"""Witnesses of the log: other institutions that sign its roots.

A witness signs a root only after a proof that the log goes on from the one it signed before, so
that nobody who has a cosigned root can be shown another past. Requests and answers have the form
of C2SP tlog-witness; who carries them, by hand or by HTTP, does not matter.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from proctor import events
from proctor.plumbing.db import hold
from proctor.reports import merkle
from proctor.reports.checkpoints import (
    Checkpoint,
    NotANote,
    NoteKey,
    Signs,
    checkpoint_of,
    cosigned,
    opened,
    signed,
    witnessed_at,
)
from proctor.reports.document import Json

_OWN, _OTHERS = "log", "witness"


def register(tx: Session, key: str, by: str, now: datetime) -> NoteKey:
    """Take the key of a witness. ``by``: account id. Raises NotANote."""
    found = NoteKey.of(key)
    if found.signs is not Signs.COSIGNATURES:
        raise NotANote("not the key of a witness")
    events.append(tx, _OWN, "witness_registered", {"key": found.text, "by": by}, now)
    return found


def registered(tx: Session) -> list[NoteKey]:
    """The witnesses of the log, in the order they were taken."""
    rows = events.read(tx, _OWN, "witness_registered")
    return [NoteKey.of(text) for text in dict.fromkeys(row.payload["key"] for row in rows)]


def request(tx: Session, origin: str, key: Ed25519PrivateKey, since: int) -> str:
    """What a witness is asked: the root of the log as it stands, and the proof that it goes on
    from its first *since* events, the last the witness signed. Raises NotANote."""
    events.settle(tx)
    levels = merkle.levels_of([link for _, link in events.links(tx)])
    checkpoint = Checkpoint(origin, len(levels[0]), levels[-1][0])
    if not 0 <= since <= checkpoint.size:
        raise NotANote(f"the log has {checkpoint.size} events")
    proof = merkle.consistency_of(levels, since) if since else []
    lines = [f"old {since}", *(b64encode(step).decode() for step in proof), "", ""]
    return "\n".join(lines) + signed(checkpoint, key)


def attest(
    tx: Session, asked: str, log: NoteKey, name: str, key: Ed25519PrivateKey, now: datetime
) -> str:
    """The checkpoint of another log with our signature, when it goes on from what we signed.

    ``log``: the key of that log, known beforehand; ``name``: ours. Raises NotANote.
    """
    hold(tx, _OTHERS)
    since, proof, note = _asked(asked)
    checkpoint = opened(note, log)
    seen = _seen(tx, checkpoint.origin)
    if since != seen["size"]:
        raise NotANote(f"this witness knows the log up to {seen['size']} events: ask since there")
    if since:
        before = bytes.fromhex(seen["root"])
        here = checkpoint.size, checkpoint.root
        if not merkle.is_consistent(since, before, *here, proof):
            raise NotANote(f"the log does not go on from its first {since} events")
    elif proof:
        raise NotANote("a log seen for the first time has nothing to go on from")
    fact = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
    events.append(tx, _OTHERS, "log_attested", fact, now)
    return cosigned(note, name, key, int(now.timestamp()))


def keep(tx: Session, note: str, now: datetime) -> list[NoteKey]:
    """Put a cosigned checkpoint of our log on record; who signed it of those registered.

    Raises NotANote when it is no root of this log or nobody known signed it.
    """
    checkpoint = checkpoint_of(note)
    entries = [link for _, link in events.links(tx)][: checkpoint.size]
    if len(entries) < checkpoint.size or merkle.levels_of(entries)[-1][0] != checkpoint.root:
        raise NotANote("not a root of this log")
    found = [key for key in registered(tx) if _did_sign(note, key)]
    if not found:
        raise NotANote("no registered witness signed it")
    for key in found:
        fact = {"key": key.text, "note": note}
        events.append(tx, _OWN, "log_witnessed", fact, now)
    return found


def receipts(tx: Session, levels: Sequence[Sequence[bytes]]) -> list[Json]:
    """The newest receipt of each witness, with the proof that the log of *levels* goes on from
    there."""
    rows = events.read(tx, _OWN, "log_witnessed")
    newest = {row.payload["key"]: row.payload["note"] for row in rows}
    return [
        {
            "key": key,
            "note": note,
            "path": [
                step.hex() for step in merkle.consistency_of(levels, checkpoint_of(note).size)
            ],
        }
        for key, note in newest.items()
    ]


def receipt_problems(log: Json, public_key: str) -> Iterator[str]:
    """What is wrong with the receipts in the log of a pack. ``public_key``: hex, of the pack."""
    root, size = bytes.fromhex(log["root"]), int(log["size"])
    for receipt in log.get("witnessed", ()):
        witness = NoteKey.of(receipt["key"])
        try:
            origin = checkpoint_of(receipt["note"]).origin
            own = NoteKey(origin, bytes.fromhex(public_key), Signs.CHECKPOINTS)
            checkpoint = opened(receipt["note"], own)
            witnessed_at(receipt["note"], witness)
        except NotANote as error:
            yield f"receipt of {witness.name}: {error}"
            continue
        path = [bytes.fromhex(step) for step in receipt["path"]]
        if not merkle.is_consistent(checkpoint.size, checkpoint.root, size, root, path):
            yield f"does not go on from the {checkpoint.size} events that {witness.name} signed"


def _asked(text: str) -> tuple[int, list[bytes], str]:
    head, separator, note = text.partition("\n\n")
    first, *proof = head.split("\n")
    old = first.removeprefix("old ")
    if not separator or old == first or not (old.isascii() and old.isdigit()) or len(old) > 18:
        raise NotANote("not a request to a witness")
    try:
        return int(old), [b64decode(step, validate=True) for step in proof], note
    except (NotBase64, ValueError):
        raise NotANote("not a proof") from None


def _seen(tx: Session, origin: str) -> Json:
    rows = [row.payload for row in events.read(tx, _OTHERS, "log_attested")]
    of_log = [row for row in rows if row["origin"] == origin]
    return of_log[-1] if of_log else {"size": 0, "root": ""}


def _did_sign(note: str, key: NoteKey) -> bool:
    try:
        witnessed_at(note, key)
    except NotANote:
        return False
    return True
