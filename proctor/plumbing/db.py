"""The database: engine, transactions, column types shared by the tables of all rooms."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    Enum,
    MetaData,
    String,
    TypeDecorator,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

# so long a writer waits for another
_BUSY_S = 30
# what is deleted is overwritten
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")


class Base(DeclarativeBase):
    """Tables of every room."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant, on databases with and without time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert value.tzinfo is not None, "instants are aware"
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def string_enum(kind: type[StrEnum]) -> Enum:
    """A column of the values of *kind*, stored as text with a check constraint."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=kind.__name__.lower(),
        values_callable=lambda k: [member.value for member in k],
    )


def new_id() -> str:
    """An opaque identifier nobody can guess."""
    return uuid4().hex


def id_column() -> Mapped[str]:
    return mapped_column(String(32), primary_key=True, default=new_id)


def hold(tx: Session, name: str) -> None:
    """Keep every other transaction that holds *name* waiting until this one has ended.

    SQLite has one writer at a time as it is.
    """
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


class Database:
    """One engine; hands out transactions that are committed at the edge."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._reader = self.engine.execution_options(reads_only=True)
        if self.engine.dialect.name != "sqlite":
            # else each statement would see what was committed before it
            self._reader = self._reader.execution_options(isolation_level="REPEATABLE READ")

    def upgrade(self) -> None:
        """Bring the schema to the newest revision."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = self.engine
        command.upgrade(config, "head")

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commit on return, roll back on an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One view of the data that keeps no writer waiting; what is changed in it is lost."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def forget(self) -> bool:
        """Have SQLite's log of writes hold nothing that was deleted; whether it does.

        Not while somebody reads: then it is tried again later. PostgreSQL sees to its own.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        # a connection of the engine would begin a transaction first
        with closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            # who writes waits as long
            cursor.execute("PRAGMA busy_timeout=500")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            answer = cursor.fetchone()
            assert answer is not None, "SQLite answers with one row"
            cursor.execute(f"PRAGMA busy_timeout={1000 * _BUSY_S}")
            return not answer[0]

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    database = make_url(url).database
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    # bound values are people's data, which errors and logs must not show
    engine = create_engine(
        url, connect_args={"check_same_thread": False, "timeout": _BUSY_S}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    # a deferred transaction that turns into a writer fails at once when another one writes
    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine
