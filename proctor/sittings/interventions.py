"""What proctors and the student say during a sitting, and what proctors do with it; insert-only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from proctor import events
from proctor.errors import Conflict, Refused
from proctor.exams.tables import AssessmentEvent, AssessmentScheme
from proctor.people.tables import Account
from proctor.sittings.tables import Act, Intervention, Sitting
from proctor.vault import Vault

#: ready sentences, each in every language of the catalogue
PHRASES = ("camera_face", "light", "screen", "alone", "look_here", "help", "wait", "thanks")
MAX_WORDS = 1000
MIN_REASON = 10
MAX_MINUTES = 180
# a page that writes without end fills no database
MAX_REPLIES = 200
#: a colleague agrees to an early end within this, or is asked again
ASKED_FOR = timedelta(minutes=15)
SEAL = "intervention"
#: acts that are shown to the student
TOLD = frozenset(Act) - {Act.END_ASKED}


class WordsMissing(Refused):
    """Too few or too many words."""

    key = "error.words_missing"


class TooManyReplies(Conflict):
    """No more replies are taken in this sitting."""

    key = "error.too_many_replies"


class SecondColleague(Conflict):
    """Ending an exam early takes two different people."""

    key = "error.second_colleague"


@dataclass(frozen=True, slots=True)
class Said:
    """One intervention in plain words. ``author``: the name of who made it."""

    number: int
    act: Act
    author_id: str
    author: str
    phrase: str | None
    words: str
    minutes: int | None
    at: datetime

    @property
    def is_told(self) -> bool:
        """Whether the student sees it."""
        return self.act in TOLD


def add(
    tx: Session,
    vault: Vault,
    sitting: Sitting,
    act: Act,
    author: Account,
    at: datetime,
    *,
    words: str = "",
    phrase: str | None = None,
    minutes: int | None = None,
) -> Said:
    """Write one intervention; the chain holds that there was one, and not its words.

    Raises WordsMissing or TooManyReplies.
    """
    words = " ".join(words.split())
    _require_words(act, words, phrase)
    mine = select(func.count()).where(Intervention.sitting_id == sitting.id)
    number = tx.scalars(mine).one() + 1
    if act is Act.REPLY and tx.scalars(mine.where(Intervention.act == act)).one() >= MAX_REPLIES:
        raise TooManyReplies
    sealed = vault.seal(tx, sitting.account_id, SEAL, words.encode()) if words else None
    row = Intervention(
        sitting_id=sitting.id,
        number=number,
        act=act,
        author_id=author.id,
        phrase=phrase,
        sealed=sealed,
        minutes=minutes,
        at=at,
    )
    tx.add(row)
    payload = {"number": number, "act": act.value, "by": author.id}
    events.append(tx, sitting.id, "intervention", payload, at)
    return Said(number, act, author.id, author.name, phrase, words, minutes, at)


def said_in(tx: Session, vault: Vault, sitting: Sitting) -> list[Said]:
    """All of a sitting in their order."""
    query = (
        select(Intervention, Account.name)
        .join(Account, Account.id == Intervention.author_id)
        .where(Intervention.sitting_id == sitting.id)
        .order_by(Intervention.number)
    )
    return [_said(tx, vault, sitting, row, name) for row, name in tx.execute(query)]


def asked_to_end(tx: Session, sitting_id: str, now: datetime) -> Intervention | None:
    """The request for an early end that a colleague may still agree to."""
    query = (
        select(Intervention)
        .where(Intervention.sitting_id == sitting_id, Intervention.act == Act.END_ASKED)
        .order_by(Intervention.number.desc())
    )
    newest = tx.scalars(query).first()
    return newest if newest is not None and now - newest.at < ASKED_FOR else None


def end_or_ask(
    tx: Session, vault: Vault, sitting: Sitting, author: Account, at: datetime, reason: str
) -> Said:
    """The second person's agreement to an early end, or the first one's request for it.

    Raises WordsMissing, or SecondColleague when the same person asks again.
    """
    asked = asked_to_end(tx, sitting.id, at)
    if asked is not None and asked.author_id == author.id:
        raise SecondColleague
    act = Act.END_ASKED if asked is None else Act.END
    return add(tx, vault, sitting, act, author, at, words=reason)


def pauses(tx: Session, sitting: Sitting, end_s: float) -> list[tuple[float, float]]:
    """From when to when it was paused, in seconds since the exam began."""
    assert sitting.started_at is not None, "only an exam that runs is paused"
    query = (
        select(Intervention.act, Intervention.at)
        .where(Intervention.sitting_id == sitting.id, Intervention.act.in_((Act.PAUSE, Act.RESUME)))
        .order_by(Intervention.number)
    )
    return pauses_in([(act, at) for act, at in tx.execute(query)], sitting.started_at, end_s)


def pauses_in(
    acts: Iterable[tuple[Act, datetime]], began: datetime, end_s: float
) -> list[tuple[float, float]]:
    """From when to when an exam that *began* then was paused, by its pauses and resumptions."""
    found: list[tuple[float, float]] = []
    for act, at in acts:
        at_s = (at - began).total_seconds()
        if act is Act.PAUSE:
            found.append((at_s, end_s))
        else:
            found[-1] = (found[-1][0], at_s)
    return found


def paused_to_the_end(tx: Session, course_id: str) -> dict[str, datetime]:
    """When sittings of a course ended that were paused then."""
    query = (
        select(Sitting.id, Sitting.finished_at, Intervention.act)
        .join(Intervention, Intervention.sitting_id == Sitting.id)
        .join(AssessmentEvent, AssessmentEvent.id == Sitting.event_id)
        .join(AssessmentScheme, AssessmentScheme.id == AssessmentEvent.scheme_id)
        .where(AssessmentScheme.course_id == course_id, Sitting.finished_at.is_not(None))
        .where(Intervention.act.in_((Act.PAUSE, Act.RESUME)))
        .order_by(Intervention.number)
    )
    last = {sitting_id: (act, ended_at) for sitting_id, ended_at, act in tx.execute(query)}
    return {
        sitting_id: ended_at
        for sitting_id, (act, ended_at) in last.items()
        if act is Act.PAUSE and ended_at is not None
    }


def newest(tx: Session, sittings: Iterable[str]) -> dict[str, Intervention]:
    """The last intervention of each sitting that has one."""
    last = (
        select(Intervention.sitting_id, func.max(Intervention.number).label("number"))
        .where(Intervention.sitting_id.in_(list(sittings)))
        .group_by(Intervention.sitting_id)
        .subquery()
    )
    query = select(Intervention).join(
        last,
        (Intervention.sitting_id == last.c.sitting_id) & (Intervention.number == last.c.number),
    )
    return {row.sitting_id: row for row in tx.scalars(query)}


def _require_words(act: Act, words: str, phrase: str | None) -> None:
    """A message says something; what is done to an exam has a reason."""
    if act is Act.RESUME:
        return
    is_said = act in (Act.MESSAGE, Act.WARNING, Act.REPLY)
    least = 1 if is_said else MIN_REASON
    if len(words) > MAX_WORDS or (phrase is None and len(words) < least):
        raise WordsMissing(least=least, most=MAX_WORDS)


def _said(tx: Session, vault: Vault, sitting: Sitting, row: Intervention, author: str) -> Said:
    words = ""
    if row.sealed is not None:
        words = vault.open(tx, sitting.account_id, SEAL, row.sealed).decode()
    return Said(row.number, row.act, row.author_id, author, row.phrase, words, row.minutes, row.at)
