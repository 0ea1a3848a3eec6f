"""A store's table as arrays: the headline quantities of all machines, and cases that are pinned to one CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import database, table
from .cube import Cube, Rows, coded, cube
from .store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CODED = ("machine", "hardware", "quantity", "run", "bench", "model", "unit")
ASKED = "value IS NOT NULL AND better <> 0 AND status IN ('ok', 'suspect') AND (headline OR quantity LIKE '%cpu=%')"
# What a file claims need not be of this world: a page has to show values and dates.
SANE = "value BETWEEN 1e-30 AND 1e30 AND started BETWEEN TIMESTAMP '1970-01-02' AND TIMESTAMP '2199-12-31'"
USED = f"{ASKED} AND {SANE}"
MOST = 400  # quantities: those of most figures


def read(store: Store, tell: Callable[[str], None], since: str = "", until: str = "~") -> Cube:
    """What a store holds between two days, as arrays; `tell` gets a line for each file that cannot be read."""
    refused: list[str] = []

    def told(line: str) -> None:
        refused.append(line)
        tell(line)

    with database.opened(store, told, since, until) as connection:
        made = taken(connection)
    return Cube(made.groups, [*refused, *made.refused])


def taken(connection: DuckDBPyConnection) -> Cube:
    """The arrays of a database that holds the table."""
    # Figures of two versions of a bench are not compared: the version of most runs counts.
    connection.execute(
        f"""
        CREATE TEMP TABLE versions AS SELECT quantity, version FROM (
            SELECT quantity, version, row_number() OVER (
                PARTITION BY quantity ORDER BY count(*) DESC, version DESC NULLS LAST
            ) AS place, sum(count(*)) OVER (PARTITION BY quantity) AS figures
            FROM {table.NAME} WHERE {USED} GROUP BY quantity, version
        ) WHERE place = 1 ORDER BY figures DESC, quantity LIMIT {MOST}
        """  # noqa: S608 - names of our own
    )
    kept = ", ".join(f"c.{name}" for name in (*CODED, "better", "value", "low", "high", "started", "status"))
    connection.execute(
        f"""
        CREATE TEMP TABLE used AS SELECT {kept} FROM (SELECT * FROM {table.NAME} WHERE {USED}) c JOIN versions v
        ON c.quantity = v.quantity AND c.version IS NOT DISTINCT FROM v.version
        """  # noqa: S608
    )
    refused = []
    asked, whole = (
        _row(connection, f"SELECT count(*) FROM {table.NAME} WHERE {which}")[0]  # noqa: S608
        for which in (ASKED, USED)
    )
    if whole < asked:
        refused.append(f"{asked - whole} of {asked} figures have values or times out of range: not compared")
    (quantities,) = _row(connection, f"SELECT count(DISTINCT quantity) FROM {table.NAME} WHERE {USED}")  # noqa: S608
    if quantities > MOST:
        refused.append(f"{quantities - MOST} of {quantities} quantities: the {MOST} of most figures are compared")
    (left,) = _row(connection, "SELECT count(*) FROM used")
    if left < whole and quantities <= MOST:
        refused.append(f"{whole - left} of {whole} figures are of other versions of their benches: not compared")
    names: dict[str, Sequence[str]] = {}
    for column in CODED:
        connection.execute(
            f"CREATE TEMP TABLE of_{column} AS SELECT row_number() OVER (ORDER BY {column}) - 1 AS id, "  # noqa: S608
            f"{column} FROM (SELECT DISTINCT {column} FROM used)"
        )
        rows = connection.execute(f"SELECT {column} FROM of_{column} ORDER BY id").fetchall()  # noqa: S608
        names[column] = [str(row[0]) if row[0] is not None else "" for row in rows]
    ids = ", ".join(f"of_{column}.id AS {column}" for column in CODED)
    joins = " ".join(f"JOIN of_{one} ON used.{one} IS NOT DISTINCT FROM of_{one}.{one}" for one in CODED)
    found = connection.execute(
        f"""
        SELECT {ids}, better, value, coalesce(low, 'nan'::DOUBLE) AS low, coalesce(high, 'nan'::DOUBLE) AS high,
        epoch(started) AS started, status = 'suspect' AS suspect FROM used {joins}
        """  # noqa: S608
    ).fetchnumpy()
    codes = {column: coded(np.asarray(found[column]), names[column]) for column in CODED}
    plain = {name: np.asarray(found[name]) for name in ("better", "value", "low", "high", "started", "suspect")}
    costs = connection.execute(
        f"SELECT bench, count(*) / count(DISTINCT run) FROM {table.NAME} WHERE rounds > 0 GROUP BY bench"  # noqa: S608
    ).fetchall()
    made = cube(Rows(**codes, **plain, costs={str(bench): float(cases) for bench, cases in costs if bench}))
    return Cube(made.groups, [*refused, *made.refused])


def _row(connection: DuckDBPyConnection, query: str) -> tuple[int, ...]:
    found = connection.execute(query).fetchone()
    return tuple(found or (0,))
