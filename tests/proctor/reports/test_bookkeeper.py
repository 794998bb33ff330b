"""The bookkeeper gathers what is due, and nothing twice."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from proctor import events
from proctor.plumbing.db import Database
from proctor.reports import figures
from proctor.reports.bookkeeper import Bookkeeper
from proctor.reports.figures import course_figures
from proctor.reports.tables import Figures, LearnerStand, Stand
from tests.support.cast import NOON, Cast, assemble
from tests.support.clock import SetClock
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.transaction() as tx:
        return assemble(tx)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def bookkeeper(database: Database, clock: SetClock) -> Bookkeeper:
    return Bookkeeper(database, clock)


def gathered(database: Database, course_id: str) -> datetime:
    with database.reading() as tx:
        return course_figures(tx, [course_id])[course_id].as_of


async def test_every_course_is_gathered_in_parts_and_again_after_a_day(
    database: Database,
    cast: Cast,
    clock: SetClock,
    bookkeeper: Bookkeeper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "PART", 1)
    await bookkeeper.round()
    with database.reading() as tx:
        subjects = set(tx.scalars(select(Figures.subject)))
    courses = {f"course:{cast.course.id}", f"course:{cast.other_course.id}"}
    assert subjects == courses | {f"institution:{cast.institution.id}"}
    assert stands(database, cast) == {Stand.OPEN: 2}
    clock.advance(3600)
    await bookkeeper.round()
    assert gathered(database, cast.other_course.id) == NOON
    clock.advance(23 * 3600)
    await bookkeeper.round()
    assert gathered(database, cast.other_course.id) == clock.now()


async def test_a_course_is_gathered_again_when_something_was_settled_in_it(
    database: Database, cast: Cast, clock: SetClock, bookkeeper: Bookkeeper
) -> None:
    await bookkeeper.round()
    with database.transaction() as tx:
        sitting = sitting_of(tx, cast, cast.alice, NOON)
        events.append(tx, sitting.id, "sitting_finished", {}, NOON)
    await bookkeeper.round()
    # not within a minute of the last time, and then it is not forgotten
    assert gathered(database, cast.course.id) == NOON
    clock.advance(60)
    await bookkeeper.round()
    assert gathered(database, cast.course.id) == NOON + timedelta(seconds=60)
    assert gathered(database, cast.other_course.id) == NOON
    clock.advance(60)
    await bookkeeper.round()
    assert gathered(database, cast.course.id) == NOON + timedelta(seconds=60)


async def test_imports_decisions_and_closed_windows_are_reasons_too(
    database: Database, cast: Cast, clock: SetClock, bookkeeper: Bookkeeper
) -> None:
    await bookkeeper.round()
    both = cast.course.id, cast.other_course.id
    with database.transaction() as tx:
        events.append(tx, f"institution:{cast.institution.id}", "imported", {}, NOON)
    clock.advance(60)
    first = clock.now()
    await bookkeeper.round()
    assert [gathered(database, each) for each in both] == [first, first]
    with database.transaction() as tx:
        events.append(tx, f"course:{cast.other_course.id}", "moved_on_site", {}, NOON)
    clock.advance(60)
    second = clock.now()
    await bookkeeper.round()
    assert [gathered(database, each) for each in both] == [first, second]
    # the final closes: who did not sit it could have met the share until then
    assert stands(database, cast) == {Stand.OPEN: 2}
    clock.advance(3 * 3600)
    await bookkeeper.round()
    assert [gathered(database, each) for each in both] == [clock.now(), second]
    assert stands(database, cast) == {Stand.BELOW: 2}


async def test_it_ends_between_two_parts(
    database: Database, cast: Cast, bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "PART", 1)
    bookkeeper.rounds.begin()
    await bookkeeper.rounds.close()
    await bookkeeper.round()
    with database.reading() as tx:
        assert course_figures(tx, [cast.course.id]) == {}
        # one part is whole by then
        assert len(set(tx.scalars(select(LearnerStand.account_id)))) == 1


def stands(database: Database, cast: Cast) -> dict[Stand, int]:
    with database.reading() as tx:
        return course_figures(tx, [cast.course.id])[cast.course.id].stands
