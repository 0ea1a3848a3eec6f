"""The commands that read files, in this process: what one printed, and whether that is what a user may be shown."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hwbench.cli import app

LONGEST = 700  # characters of a refusal, the file's name left out
UNSEEMLY = re.compile(r"Traceback|HWBENCH_DEBUG|Warning:|0x[0-9a-f]{8}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Said:
    """What a command gave."""

    code: int
    out: str
    err: str


def ask(*arguments: object) -> Said:
    """`hwbench` with these arguments."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with (
        _as(["hwbench", *map(str, arguments)]), warnings.catch_warnings(),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
    ):  # fmt: skip
        warnings.simplefilter("always")
        try:
            app.main()
        except SystemExit as end:
            code = end.code
        except BaseException as error:  # noqa: BLE001 - whatever passes the command is a fault
            code, _ = 99, err.write(f"Traceback: {error!r}")
    texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]  # type: ignore[attr-defined]
    return Said(int(str(code or 0)), *texts)


@contextlib.contextmanager
def _as(arguments: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, arguments
    width, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), "200"
    try:
        yield
    finally:
        sys.argv = before
        os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)


def fault(said: Said, *, strict_json: bool = False, page: Path | None = None, told: str = "") -> str:
    """What is wrong with an answer; "" for a right one, or for a refusal in one line."""
    lines = said.err.splitlines()
    if said.code not in (0, 1, 2):
        return f"exit code {said.code}: {said.err[-300:]}"
    if UNSEEMLY.search(said.err):
        return f"unseemly: {said.err[:300]}"
    if CONTROL.search(said.err.replace("\n", "")) or CONTROL.search(said.out.replace("\n", "")):
        return f"control characters: {ascii(said.out + said.err)[:300]}"
    if said.code == 2 and len(lines) != 1:
        return f"{len(lines)} lines: {said.err[:300]}"
    if said.code == 2 and len(lines[0].replace(told, "")) > LONGEST:
        return f"a refusal of {len(lines[0])} characters: {lines[0][:200]}"
    if said.code != 2 and any(not line.startswith("left out: ") for line in lines):
        return f"beside an answer: {said.err[:300]}"
    if any(len(line.replace(told, "")) > LONGEST for line in lines):
        return f"a line of {max(map(len, lines))} characters: {said.err[:200]}"
    if said.code == 2:
        return ""
    if strict_json:
        try:
            json.loads(said.out, parse_constant=_no_number)
        except ValueError as error:
            return f"no JSON: {error}"
    if page is not None and not page.read_bytes().rstrip().endswith(b"</html>"):
        return "half a page"
    return ""


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
