"""The scratch file: it has no name at any time, holds numbered pages, and is refused in one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hwbench.bench import Skip
from hwbench.benches.io._scratch import PAGE, STEP, Scratch

pytestmark = pytest.mark.skipif(not hasattr(os, "statvfs"), reason="no POSIX")
SIZE = 2 * STEP


def silent(_what: str) -> None:
    """Hear nothing."""


def test_no_name_is_left_for_a_killed_process_to_leave(tmp_path: Path) -> None:
    """The directory is empty while the file is used; its pages hold their numbers; the last user gives it back."""
    first = Scratch.of(str(tmp_path), SIZE, silent)
    assert Scratch.of(str(tmp_path), SIZE, silent) is first
    assert list(tmp_path.iterdir()) == []
    assert os.fstat(first.file).st_size == SIZE
    for page in (0, 1, SIZE // PAGE - 1):
        data = os.pread(first.file, PAGE, page * PAGE)
        assert int.from_bytes(data[:8], sys.byteorder) == page
        assert len(set(data[8:])) > 200  # nothing that can be compressed
    first.leave()
    assert os.fstat(first.file)
    first.leave()
    assert Scratch.running == {}
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(first.file)


def test_stamps_tell_what_was_written(tmp_path: Path) -> None:
    one = Scratch.of(str(tmp_path), SIZE, silent)
    try:
        os.pwrite(one.file, (3 | 7 << 32).to_bytes(8, "little"), 3 * PAGE)
        places = [2 * PAGE, 3 * PAGE]
        assert one.written(places, 7) == 3  # type: ignore[arg-type]
        assert one.written(places, 8) == 0  # type: ignore[arg-type]
        assert one.resident() > 0.9
    finally:
        one.leave()


def test_a_full_disk_and_a_failing_one_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays."""
    with pytest.raises(Skip, match=r"no file can be made there \(No such file"):
        Scratch.of(str(tmp_path / "absent"), SIZE, silent)
    with monkeypatch.context() as patch:  # /proc has no room, and takes no file: that is said first
        patch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=0, f_frsize=PAGE))
        with pytest.raises(Skip, match=r"no file can be made there"):
            Scratch.of(str(tmp_path / "absent"), SIZE, silent)
        patch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=1, f_frsize=PAGE))
        with pytest.raises(Skip, match="a file of 2 MiB needs that and 10% more"):
            Scratch.of(str(tmp_path), SIZE, silent)

    def stop(_what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Scratch.of(str(tmp_path), SIZE, stop)
    monkeypatch.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Skip, match="the file cannot be written there"):
        Scratch.of(str(tmp_path), SIZE, silent)
    assert Scratch.running == {}
    assert list(tmp_path.iterdir()) == []
