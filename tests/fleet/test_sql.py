"""Questions in SQL: what is answered, and what is refused by us and by DuckDB's own lock."""

from __future__ import annotations

import duckdb
import pytest

from hwbench.errors import UsageError
from hwbench.fleet import database, sql

REACHES_OUT = (
    "COPY cases TO '{place}/x.csv'",
    "COPY cases FROM '{place}/secret.csv'",
    "ATTACH '{place}/x.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE '{place}/x'",
    "IMPORT DATABASE '{place}/x'",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SET lock_configuration = false",
    "SELECT * FROM read_csv('{place}/secret.csv')",
    "SELECT * FROM '{place}/secret.csv'",
    "SELECT * FROM read_text('{place}/secret.csv')",
    "SELECT * FROM read_blob('{place}/secret.csv')",
    "SELECT * FROM read_parquet('{place}/made.parquet')",
    "SELECT * FROM parquet_scan('{place}/made.parquet')",
    "SELECT * FROM sniff_csv('{place}/secret.csv')",
    "SELECT * FROM glob('{place}/*')",
    "SELECT * FROM read_csv('https://example.com/x.csv')",
    "SELECT * FROM query('SELECT * FROM read_csv(''{place}/secret.csv'')')",
    "PREPARE p AS COPY cases TO '{place}/x.csv'",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with files that a question might want to read."""
    directory = tmp_path_factory.mktemp("sql")
    (directory / "secret.csv").write_text("a,b\n1,2\n")
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{directory / 'made.parquet'}'")
    return directory


@pytest.fixture(scope="module")
def locked(place):
    """A database with a table, as `fleet sql` has it when it asks."""
    connection = database.connect(place)
    connection.execute("CREATE TABLE cases AS SELECT 'node' || i AS machine, i AS value FROM range(3) AS t(i)")
    sql.lock(connection)
    yield connection
    connection.close()


@pytest.mark.parametrize("question", REACHES_OUT)
def test_nothing_but_the_table_can_be_reached(locked, place, question):
    """By the question's kind; and where that is let through, by DuckDB, which has neither files nor network."""
    question = question.format(place=place)
    with pytest.raises(UsageError, match=r"^SQL: ") as caught:
        sql.ask(locked, question)
    assert "\n" not in str(caught.value)
    with pytest.raises(duckdb.Error):
        locked.execute(question)
    assert sorted(path.name for path in place.iterdir()) == ["made.parquet", "secret.csv"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("selec 1", 'syntax error at or near "selec"'),
        ("SELECT nothing FROM cases", '"nothing" not found'),
        ("SELECT * FROM runs", "Table with name runs does not exist"),
        ("DELETE FROM cases", "DELETE is refused; ask one question"),
        ("SELECT 1; SELECT 2", "holds 2 statements"),
        ("", "holds 0 statements"),
        ("SELECT * FROM question", "does not exist"),
    ],
)
def test_a_bad_question_is_one_line(locked, question, said):
    """A variable of Python is no table either."""
    with pytest.raises(UsageError, match=said) as caught:
        sql.ask(locked, question)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [MemoryError, duckdb.OutOfMemoryException])
def test_an_answer_that_is_too_large_says_what_to_do(locked, error):
    """Python's memory, or DuckDB's."""

    class Full:
        def execute(self, question):
            if question.startswith("SELECT 1"):
                raise error
            return locked.execute(question)

    with pytest.raises(UsageError, match=r"^SQL: .* too large for the memory; add LIMIT or WHERE"):
        sql.ask(Full(), "SELECT 1")


@pytest.mark.parametrize(
    "question", ["SELECT sum(value) AS s FROM cases", "FROM cases SELECT sum(value) AS s", "EXPLAIN SELECT 1"]
)
def test_a_question_is_answered(locked, question):
    """In any form of a SELECT."""
    answer = sql.ask(locked, question)
    assert question.startswith("EXPLAIN") or (answer.columns, list(answer.rows)) == (["s"], [(3,)])
