"""A file of the exam office is previewed, then committed exactly as it was previewed.

Nothing is written before all that the file comes to is known and somebody agreed to it.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict
from proctor.exams.sheets import Columns, ImportRefused, Line, RowError, Sheet, read_sheet
from proctor.people.tables import Account

L = TypeVar("L", bound=Line)


class Stale(Conflict):
    """What the file comes to is no longer what was previewed."""

    key = "office.import.stale"


class Effect(StrEnum):
    """What becomes of one thing a file names."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def effect_of(known: object | None, said: object) -> Effect:
    """What becomes of a thing that a file says; *known*: what is on record of it already."""
    if known is None:
        return Effect.ADDED
    return Effect.UNCHANGED if known == said else Effect.CHANGED


@dataclass(frozen=True, slots=True)
class Imported:
    """How many things a file added, changed, and already found as it says."""

    added: int
    changed: int
    unchanged: int


def _nothing(_: datetime) -> None:
    """There is nothing to write."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What the readable lines of a file come to: what is wrong between them, or their effects.

    ``effects``: by the first line that names the thing; ``write`` puts it all on record at an
    instant.
    """

    errors: Sequence[RowError] = ()
    effects: Mapping[int, Effect] = field(default_factory=dict)
    write: Callable[[datetime], None] = _nothing


@dataclass(frozen=True, slots=True)
class FileKind(Generic[L]):
    """How a kind of file is taken in. ``line``: what makes a line of its cells; ``whole``:
    columns that name what several lines say together, so that it is left out whole or not."""

    name: str
    columns: Columns
    line: Callable[..., L]
    plan: Callable[[Session, Account, Sequence[L]], Intake]
    whole: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file comes to. ``errors``: all that is wrong, in the order of the file;
    ``left_out``: lines to leave out for the rest to be taken; ``effects``: of that rest;
    ``digest``: SHA-256 over the file and all it comes to."""

    sheet: Sheet[Any]
    errors: tuple[RowError, ...]
    left_out: frozenset[int]
    effects: Mapping[int, Effect]
    digest: str
    write: Callable[[datetime], None]

    @property
    def counts(self) -> Imported:
        counts = Counter(self.effects.values())
        return Imported(*[counts[effect] for effect in Effect])


def preview(tx: Session, kind: FileKind[L], by: Account, data: bytes) -> Preview:
    """What *data* comes to when *by* sends it; nothing is written.

    Raises ImportRefused when the file cannot be read line by line at all.
    """
    sheet = read_sheet(data, kind.columns, kind.line)
    errors = list(sheet.errors)
    left_out = _with_its_whole(kind, sheet, errors)
    intake = kind.plan(tx, by, sheet.lines)
    while intake.errors:
        errors += intake.errors
        left_out |= _with_its_whole(kind, sheet, intake.errors)
        intake = kind.plan(tx, by, sheet.only(sheet.cells.keys() - left_out).lines)
    if left_out:
        intake = kind.plan(tx, by, sheet.only(sheet.cells.keys() - left_out).lines)
    errors.sort(key=lambda error: (error.line, error.column))
    digest = _digest(kind, by, data, left_out, intake.effects)
    return Preview(sheet, tuple(errors), frozenset(left_out), intake.effects, digest, intake.write)


def commit(
    tx: Session,
    kind: FileKind[L],
    by: Account,
    data: bytes,
    at: datetime,
    *,
    digest: str,
    leave_out: bool = False,
) -> Imported:
    """Take in *data* as it was previewed under *digest*, whole or not at all.

    ``leave_out``: somebody agreed to leave out the lines that are wrong.
    Raises ImportRefused when lines are wrong and nobody did, Stale when the file now comes to
    something else than what was previewed.
    """
    seen = preview(tx, kind, by, data)
    if seen.errors and not (leave_out and seen.effects):
        raise ImportRefused(seen.errors)
    if seen.digest != digest:
        raise Stale
    seen.write(at)
    tx.flush()
    imported = seen.counts
    if imported.added or imported.changed:
        fact = {
            "what": kind.name,
            "by": by.id,
            "sha256": hashlib.sha256(data).hexdigest(),
            "added": imported.added,
            "changed": imported.changed,
            "left_out": len(seen.left_out),
        }
        events.append(tx, f"institution:{by.institution_id}", "imported", fact, at)
    return imported


def _with_its_whole(kind: FileKind[L], sheet: Sheet[L], errors: Sequence[RowError]) -> set[int]:
    """Lines that are wrong, and those that say something together with one of them.

    Where it is the name that is wrong, nobody can tell what the line belongs to: it could be
    any, and nothing is taken.
    """
    wrong = {error.line for error in errors}
    if not wrong or not kind.whole:
        return wrong
    if any(error.column in ("", *kind.whole) for error in errors):
        return set(sheet.cells)
    places = [sheet.names.index(name) for name in kind.whole]
    named = {line: tuple(cells[at] for at in places) for line, cells in sheet.cells.items()}
    touched = {named[line] for line in wrong}
    return {line for line, name in named.items() if name in touched}


def _digest(
    kind: FileKind[L],
    by: Account,
    data: bytes,
    left_out: set[int],
    effects: Mapping[int, Effect],
) -> str:
    hashed = hashlib.sha256(hashlib.sha256(data).digest())
    hashed.update(f"{kind.name} {by.institution_id} {sorted(left_out)}".encode())
    hashed.update(" ".join(f"{line}:{effects[line]}" for line in sorted(effects)).encode())
    return hashed.hexdigest()
