"""The same migrations, rules and reports on PostgreSQL."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from proctor import events
from proctor.__main__ import app
from proctor.centres.on_site import OnSiteInstead, rows_of
from proctor.centres.tables import Cause
from proctor.events import Event
from proctor.identity.tables import CheckResult
from proctor.people import sign_in
from proctor.plumbing.db import Base, Database
from proctor.reports.build import build_report
from proctor.reports.document import Json, as_json
from proctor.reports.issue import IssuedMeanwhile, draft, issue, keep
from proctor.review.tables import Decision
from proctor.sittings import desk, fallback
from tests.support.cast import NOON, assemble
from tests.support.exam_course import NOW, ExamCourse, exam_course
from tests.support.postgres import Postgres

pytestmark = pytest.mark.db


@pytest.fixture
def there(postgres: Postgres) -> Iterator[Database]:
    db = Database(postgres.fresh())
    yield db
    db.close()


def held(tx: Session) -> ExamCourse:
    made = exam_course(tx)
    alice, bob, dana = made.learners
    for code in ("essay", "midterm", "final"):
        made.sit(alice, code)
    final = made.sit(bob, "final", recorded_s=88.0)
    made.incident(final, "face_mismatch", 44.0, 86.0)
    made.decide(final, 0, Decision.UNVERIFIED)
    made.sit(dana, "essay", keys=CheckResult.NO_MATCH)
    made.sit(dana, "essay", attempt=2)
    return made


def report_of(db: Database) -> Json:
    with Session(db.engine, expire_on_commit=False) as tx:
        made = held(tx)
        document = as_json(build_report(tx, made.course.id, NOW))
    for learner in document["learners"]:
        for event in learner["events"]:
            if event["sitting"]:
                event["sitting"]["id"] = "of its own"
    return document


def test_the_migrated_schema_is_that_of_the_tables(there: Database) -> None:
    for path in Path("proctor").glob("**/tables.py"):
        import_module(".".join(path.with_suffix("").parts))
    with there.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_report_is_the_same_on_both(there: Database, tmp_path: Path) -> None:
    here = Database(f"sqlite:///{tmp_path / 'here.db'}")
    here.upgrade()
    assert report_of(there) == report_of(here)
    here.close()


def test_two_who_issue_at_once_do_not_both_get_the_version(there: Database) -> None:
    with there.transaction() as tx:
        made = held(tx)
        course, office = made.course.id, made.office.id
    with there.reading() as one, there.reading() as other:
        drafts = [draft(tx, course, office, NOW) for tx in (one, other)]
    with there.transaction() as tx:
        keep(tx, drafts[0])
    with pytest.raises(IssuedMeanwhile), there.transaction() as tx:
        keep(tx, drafts[1])


def test_what_follows_in_a_chain_is_found_changed(there: Database) -> None:
    with there.transaction() as tx:
        made = held(tx)
        issue(tx, made.course.id, made.office.id, NOW)
        stream = f"course:{made.course.id}"
        assert tx.scalar(select(func.count()).where(Event.stream == stream)) == 1
        assert events.verify(tx, stream) is None
        events.read(tx, stream)[0].body = "{}"
        tx.flush()
        broken = events.verify(tx, stream)
        assert broken is not None
        assert broken.seq == 1


Work = Callable[[Session], object]


def while_it_is_open(db: Database, first: Work, second: Work) -> BaseException | None:
    """What *second* fails with, which comes while the transaction of *first* is still open."""

    def come_too() -> None:
        with db.transaction() as tx:
            second(tx)

    with ThreadPoolExecutor(1) as other:
        with db.transaction() as tx:
            first(tx)
            coming = other.submit(come_too)
            _wait_for_a_waiting_one(tx)
        return coming.exception(10)


def _wait_for_a_waiting_one(tx: Session) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    end = time.monotonic() + 10
    while not tx.scalar(waiting):
        assert time.monotonic() < end, "the second one did not have to wait"
        time.sleep(0.01)


def test_two_who_write_to_a_stream_at_once_follow_each_other(there: Database) -> None:
    def write(tx: Session) -> None:
        events.append(tx, "s", "a", {}, NOON)

    assert while_it_is_open(there, write, write) is None
    with there.reading() as tx:
        assert [event.seq for event in events.read(tx, "s")] == [1, 2]
        assert events.verify(tx, "s") is None


def test_the_log_is_read_when_all_that_was_written_before_is_there(there: Database) -> None:
    def links() -> int:
        with there.reading() as tx:
            events.settle(tx)
            return len(list(events.links(tx)))

    with ThreadPoolExecutor(1) as other:
        with there.transaction() as early:
            events.append(early, "early", "a", {}, NOON)
            with there.transaction() as late:
                events.append(late, "late", "a", {}, NOON)
            coming = other.submit(links)
            _wait_for_a_waiting_one(early)
        assert coming.result(10) == 2
    with there.reading() as reader:
        events.settle(reader)
        # nobody waits for who goes on reading
        with there.transaction() as tx:
            events.append(tx, "early", "b", {}, NOON)
        assert len(list(events.links(reader))) == 2


def test_who_declines_twice_at_once_is_online_after_agreeing(there: Database) -> None:
    with there.transaction() as tx:
        made = exam_course(tx)
        alice, course = made.learners[0], made.course.id

    def decline(tx: Session) -> None:
        fallback.recording_answered(tx, alice, False, NOW)

    assert while_it_is_open(there, decline, decline) is None
    with there.transaction() as tx:
        assert [(row.account_id, row.event_code) for row in rows_of(tx, course)] == [
            (alice.id, "final")
        ]
        fallback.recording_answered(tx, alice, True, NOW)
        assert rows_of(tx, course) == []


def test_a_reader_sees_one_moment(there: Database) -> None:
    with there.reading() as reader:
        assert events.read(reader, "s") == []
        with there.transaction() as tx:
            events.append(tx, "s", "a", {}, NOON)
        assert events.read(reader, "s") == []


def test_a_link_used_twice_at_once_signs_in_once(there: Database) -> None:
    with there.transaction() as tx:
        token = sign_in.make_link(tx, assemble(tx).alice.id, NOON)

    def use(tx: Session) -> None:
        sign_in.use_link(tx, token, NOON)

    assert isinstance(while_it_is_open(there, use, use), sign_in.LinkUsed)


def test_who_begins_while_all_are_sent_on_site_is_refused(there: Database) -> None:
    with there.transaction() as tx:
        cast = assemble(tx)

    def move(tx: Session) -> None:
        course, event, cause = cast.course, cast.final, Cause.OUTAGE
        fallback.move_everybody(tx, course, event, cause, "The line is down.", cast.olga, NOON)

    def begin(tx: Session) -> None:
        desk.require_online(tx, cast.course, cast.final, cast.alice.id)

    assert isinstance(while_it_is_open(there, move, begin), OnSiteInstead)


def test_bench_of_the_report_runs_there(postgres: Postgres) -> None:
    arguments = ["bench", "report", "--learners", "20", "--database-url", postgres.empty()]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    assert all(value > 0 for value in json.loads(done.stdout).values())
