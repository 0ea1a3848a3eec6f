"""Write docs/run-file.schema.json and docs/run-file.md, what a run file holds, from hwbench/record/model.py.

    python scripts/run_file.py [--check]

`--check` writes nothing and exits with 1 where a file is not what would be written.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from hwbench.record import store
from hwbench.record.model import Run
from hwbench.record.reasons import TABLE

WIDTH = 125
DOCS = Path(__file__).resolve().parents[1] / "docs"
Schema: TypeAlias = dict[str, Any]
HEAD = """# The run file

One JSON file for each run, in UTF-8, below `reports/runs/<machine>/`. Its JSON Schema (draft 2020-12) is
[`run-file.schema.json`](run-file.schema.json). `python scripts/run_file.py` makes both from `hwbench/record/model.py`.

- **Units** are SI base units: seconds, bytes, hertz.
- **A record has samples and counts, and no rates.** Samples are seconds of a call, one a round, in order; counts
  are the work of one call: `counts["bytes"] / median(samples)` is the bandwidth. `hwbench export` has the rates.
- **Conclusions are not stored.** Limits, shares and cases that contradict each other are found when a file is read.
- **Within a schema, fields are added and never changed:** each new one is optional, and a reader ignores what it does
  not know. Schema 1 has `reason`, a sentence; schema 2 has `reasons`, codes with details. hwbench reads both.
- **Nothing in a file is executed or imported.** A file is read within bounds: {records} records of
  {samples} samples, {megabytes} MiB.
- **What identifies a machine** is listed in [privacy](privacy.md).
"""


def schema() -> Schema:
    """The JSON Schema of a run file."""
    made = msgspec.json.schema(Run)
    for one in made["$defs"].values():
        if "description" in one:
            one["description"] = " ".join(inspect.cleandoc(one["description"]).split())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "hwbench run file", **made}


def page(made: Schema) -> str:
    """The page: what holds for all files, then a table for each object, then the codes of reasons."""
    parts = [HEAD.format(records=store.MOST_RECORDS, samples=store.MOST_SAMPLES, megabytes=store.LARGEST // 2**20)]
    for name, one in made["$defs"].items():
        rows = [
            f"| `{field}` | {kind(told)} | {default(told, field in one.get('required', ()))} |"
            for field, told in one["properties"].items()
        ]
        head = ["| field | type | default |", "| --- | --- | --- |"]
        about = textwrap.fill(one.get("description", ""), WIDTH, break_on_hyphens=False)
        parts.append("\n".join([f"## {name}", "", about, "", *head, *rows, ""]))
    codes = [f"| `{code}` | {meaning.words} | {meaning.remedy} |" for code, meaning in TABLE.items()]
    head = ["## Codes of reasons", "", "| code | says | remedy |", "| --- | --- | --- |"]
    return "\n".join([*parts, *head, *codes, ""])


def kind(told: Schema) -> str:
    """The type of a field in words: `list of Record`, `number or null`."""
    if "$ref" in told:
        name = told["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in told:
        return " or ".join(kind(one) for one in told["anyOf"])
    if "enum" in told:
        return " or ".join(f"`{one}`" for one in sorted(told["enum"]))
    if told.get("type") == "array":
        return f"list of {kind(told['items'])}"
    if isinstance(told.get("additionalProperties"), dict):
        return f"object of {kind(told['additionalProperties'])}"
    return str(told.get("type", "any value"))


def default(told: Schema, required: bool) -> str:
    """The default of a field as JSON; what must be there is `required`."""
    if required or "default" not in told:
        return "required"
    value = told["default"]
    return "see there" if isinstance(value, dict) and value else f"`{json.dumps(value)}`"


def main(arguments: list[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Write both files, or compare them with what would be written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file is out of date")
    check = parser.parse_args(arguments).check
    made = schema()
    files = {"run-file.schema.json": json.dumps(made, indent=1) + "\n", "run-file.md": page(made)}
    stale = [name for name, text in files.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    if check:
        for name in stale:
            say(f"docs/{name} is out of date: python scripts/run_file.py writes it")
        return int(bool(stale))
    for name in stale:
        (DOCS / name).write_text(files[name])
        say(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
