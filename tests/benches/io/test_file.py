"""A file on a disk: opt-in, in the directory that is named, and every block that is read or written counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from doubles.scripted import ScriptedDevice
from hwbench.bench import Skip
from hwbench.benches.io import file
from hwbench.benches.io._scratch import Scratch
from hwbench.benches.io.file import MIB, OPERATIONS, bench, directory
from hwbench.devices.cpu import CpuDevice
from hwbench.errors import UsageError
from hwbench.measurement.cases import Group, groups
from hwbench.measurement.engine import Engine
from hwbench.measurement.policy import POLICIES
from hwbench.record.model import key
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

SIZE = 16 * MIB
POSIX = pytest.mark.skipif(file.refused(".") is not None, reason="no POSIX")


def values(place: Path, operation: str, device: CpuDevice | None = None) -> dict[str, Any]:
    return {"operation": operation, "size": SIZE, "dir": str(place), "device": device}


def test_nothing_is_written_unless_a_directory_is_named() -> None:
    """No preset has it, and without a directory every case is skipped before anything is made."""
    assert bench.by_name
    reason = bench.lacks("cached", {"dir": ""})
    assert reason is not None
    assert (reason.code, "--param dir=DIR" in str(reason)) == ("needs_directory", True)


def test_a_directory_that_cannot_hold_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert directory(str(tmp_path)) == str(tmp_path)
    with pytest.raises(ValueError, match="absent' is no directory"):
        directory(str(tmp_path / "absent"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ValueError, match="cannot be written to"):
        directory(str(tmp_path))


@POSIX
def test_each_way_moves_the_blocks_that_it_says(tmp_path: Path) -> None:
    """All on one file, which is gone at the end; file systems may refuse O_DIRECT, and keep files in memory."""
    device = CpuDevice()
    skips = set()
    held = Scratch.of(str(tmp_path), SIZE, device.busy)
    try:
        for operation in OPERATIONS:
            for variant in bench.variants:
                try:
                    assert verdict(bench, variant, values(tmp_path, operation, device)) == "", (operation, variant)
                except Skip as skip:
                    skips.add((variant, skip.reason.code))
        work, _ = work_of(bench, "cached", values(tmp_path, "random-read", device))
        assert work.timer is not None
        assert work.timer(70) > 0  # more calls than there are rows
        assert work.close is not None
        work.close()
    finally:
        held.leave()
        device.close()
    allowed = {("disk", "no_such_case"), ("disk", "unsupported"), ("direct", "unsupported")}
    assert skips - allowed == ({("cached", "unsupported")} if held.in_memory else set())
    assert Scratch.running == {}
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_a_file_in_memory_has_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its pages stay though the page cache was emptied, only what goes by the page cache is measured."""
    monkeypatch.setattr(Scratch, "resident", lambda _: 1.0)
    device = CpuDevice()
    held = Scratch.of(str(tmp_path), SIZE, device.busy)
    try:
        for variant, operation in (("disk", "read"), ("disk", "write"), ("direct", "random-read"), ("cached", "sync")):
            with pytest.raises(Skip, match="keeps its files in memory"):
                verdict(bench, variant, values(tmp_path, operation, device))
        assert verdict(bench, "cached", values(tmp_path, "random-write", device)) == ""
    finally:
        held.leave()
        device.close()
    assert Scratch.running == {}


def test_the_directory_is_no_part_of_a_case(tmp_path: Path) -> None:
    """So that two machines, and two ways to spell a directory, have the same cases; builders are told it."""
    ways = [str(tmp_path), f"{tmp_path}/."]
    first, second = ([case for group in _asked(dir=way) for case in group.cases] for way in ways)
    assert [key(case) for case in first] == [key(case) for case in second]
    assert first[0].params == {"operation": "read", "size": "256MiB"}
    assert [one.unnamed for one in (first[0], second[0])] == [{"dir": way} for way in ways]
    assert "dir" not in bench.info.axes
    engine = Engine({"cpu": ScriptedDevice()}, POLICIES["quick"])
    with engine.prepared(Group(bench, tuple(case for case in _asked(dir="")[0].cases[:1]))) as [trial]:
        assert trial.reasons[0].code == "needs_directory"


def test_wrong_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="size: '1KiB' is too small; give 16 MiB at least"):
        _asked(size="1KiB")
    with pytest.raises(UsageError, match="dir: a run takes one"):
        groups([bench], params={"dir": [str(tmp_path), "."]}, devices={"cpu": "cpu"}, spread=lambda _: ())


def _asked(**params: str) -> list[Group]:
    given = {axis: [value] for axis, value in params.items()}
    return groups([bench], params=given, devices={"cpu": "cpu"}, spread=lambda _: ())


@POSIX
@pytest.mark.parametrize("operation", ["read", "random-write"])
def test_blocks_that_are_not_moved_are_wrong(operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "move", lambda *_: 0)
    device = CpuDevice()
    try:
        assert "0 instead of" in verdict(bench, "cached", values(tmp_path, operation, device))
        monkeypatch.setattr(file, "move", lambda *_: -1)
        with pytest.raises(OSError, match="could not be"):
            verdict(bench, "cached", values(tmp_path, operation, device))
    finally:
        device.close()
    assert Scratch.running == {}


def test_a_file_of_few_blocks_is_too_small(tmp_path: Path) -> None:
    with pytest.raises(Skip, match="16 MiB or more"):
        work_of(bench, "cached", {**values(tmp_path, "read"), "size": MIB})


def test_the_finding_tells_rates_in_order_and_times_at_random() -> None:
    times = {"read": 1e-3, "random-read": 1e-4, "sync": 1e-3}
    ways = {"cached": 1, "direct": 4}
    rows = [(way, {"operation": name}, by * at) for name, at in times.items() for way, by in ways.items()]
    told = said(spread(reading(bench, rows, {"calls": 1, "bytes": 1e6})))
    assert told == [
        "Reading in order: 1.00 GB/s (…) by the page cache and 0.250 GB/s (…) with O_DIRECT; 4 KiB at random: 100 µs "
        "(…) by the page cache and 400 µs (…) with O_DIRECT.",
        "A block of 4 KiB is written and on the disk (fsync) after 1.00 ms (…) by the page cache and 4.00 ms (…) with "
        "O_DIRECT.",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"calls": 1, "bytes": 1e6})))))
