"""`fleet sql`: one question to the table, in a database that can open nothing else any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..record.installing import command
from ..record.text import printable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOCKED = (
    "SET allow_community_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
ASKS = ("SELECT", "EXPLAIN", "MULTI")  # PIVOT is several statements
REMEDY = "ask one question of the table: SELECT … FROM cases"
LONGEST = 300  # characters of what DuckDB says of an error


@dataclass(frozen=True)
class Answer:
    """Names of columns, and rows of values as Python has them."""

    columns: list[str]
    rows: Sequence[Sequence[object]]


def lock(connection: DuckDBPyConnection) -> None:
    """Take the database its files, its network and its settings; nothing that is asked later gives them back."""
    if str(connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]).lower() != "true":
        for statement in LOCKED:
            connection.execute(statement)


def check(question: str) -> None:
    """UsageError for what is not one question, before anything is fetched."""
    try:
        import duckdb
    except ImportError:
        raise UsageError(f"SQL needs duckdb, which is not installed: {command('fleet')}") from None
    try:
        kinds = [statement.type.name for statement in duckdb.extract_statements(question)]
    except duckdb.Error as error:
        raise UsageError(f"SQL: {said_of(error)}") from None
    if len(kinds) != 1:
        raise UsageError(f"SQL: holds {len(kinds)} statements; {REMEDY}")
    if kinds[0] not in ASKS:
        raise UsageError(f"SQL: {kinds[0]} is refused; {REMEDY}")


def ask(connection: DuckDBPyConnection, question: str) -> Answer:
    """The answer to one SELECT; UsageError for any other statement, and for what DuckDB cannot answer."""
    import duckdb

    check(question)
    lock(connection)
    try:
        found = connection.execute(question)
        return Answer([one[0] for one in found.description or ()], found.fetchall())
    except (MemoryError, duckdb.OutOfMemoryException):
        raise UsageError("SQL: the answer or its way there is too large for the memory; add LIMIT or WHERE") from None
    except duckdb.Error as error:
        raise UsageError(f"SQL: {said_of(error)}") from None


def said_of(error: Exception) -> str:
    """DuckDB's words for an error, in one line."""
    words = " ".join(str(error).split("\n\n")[0].split())
    if "disabled by configuration" in words or "through configuration" in words:
        return "files, network and extensions are refused; " + REMEDY
    return printable(words)[:LONGEST]
