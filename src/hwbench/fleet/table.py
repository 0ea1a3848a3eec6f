"""The table of a fleet: one row for each case of each run, and one for each headline quantity of the run.

Compaction writes it, queries and diagnosis read it. Values are in SI base units (B/s, FLOP/s, Hz, s).
"""

from __future__ import annotations

NAME = "cases"  # of the table in SQL
VERSION = 1  # raised where columns or their meaning change: Parquet of another version is made anew

# Columns in their order, with DuckDB's types. A case that gave no value has NULL in `value`, `low` and `high`.
COLUMNS: dict[str, str] = {
    "run": "VARCHAR",  # the run's id
    "machine": "VARCHAR",  # the name in the run file
    "hardware": "VARCHAR",  # digest that machines alike share
    "model": "VARCHAR",  # of the CPU
    "started": "TIMESTAMP",  # UTC
    "quantity": "VARCHAR",  # unique in a run: headline name or the case; `hbm.read@gpu:1` but on the CPU
    "bench": "VARCHAR",
    "case": "VARCHAR",
    "unit": "VARCHAR",
    "better": "TINYINT",  # +1: higher is better, -1: lower is, 0: neither
    "value": "DOUBLE",
    "low": "DOUBLE",  # the 95% interval of the median within the run
    "high": "DOUBLE",
    "status": "VARCHAR",  # ok, suspect, wrong, skipped, error
    "rounds": "INTEGER",
    "headline": "BOOLEAN",  # whether `quantity` is a headline quantity
    "version": "INTEGER",  # of the bench: figures of two versions are not compared
    "hwbench": "VARCHAR",  # its version
}
