"""The charts' script: kept between reports, never trusted when cut off, and unable to end its element."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwbench.errors import UsageError
from hwbench.record import sealed
from hwbench.report import bundle


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """vl-convert in miniature; the list grows with each script it puts together."""
    import vl_convert

    calls: list[str] = []

    def javascript_bundle() -> str:
        calls.append("made")
        return "window.vegaEmbed = '\u00b5 </script> <!-- ';"

    monkeypatch.setattr(vl_convert, "javascript_bundle", javascript_bundle)
    yield calls


def test_the_script_is_made_once(made: list[str], tmp_path: Path) -> None:
    """A second report takes the script from the cache, the same to the byte."""
    first, second = bundle.script(tmp_path), bundle.script(tmp_path)
    assert first == second
    assert made == ["made"]


def test_a_script_cut_off_is_made_anew(made: list[str], tmp_path: Path) -> None:
    """A cache that lost its end, or was changed, is not believed."""
    whole = bundle.script(tmp_path)
    [path] = tmp_path.iterdir()
    for spoilt in (path.read_bytes()[:-5], path.read_bytes().replace(b"vegaEmbed", b"evilEmbed"), b"", b"\xff\xfe"):
        path.write_bytes(spoilt)
        assert bundle.script(tmp_path) == whole
    assert len(made) == 5


def test_a_cache_that_cannot_be_written_costs_only_time(made: list[str], tmp_path: Path) -> None:
    """Where the directory cannot be made the script comes all the same."""
    (tmp_path / "file").write_text("in the way")
    assert bundle.script(tmp_path / "file" / "below") == bundle.script(tmp_path / "file" / "below")
    assert len(made) == 2


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
@pytest.mark.parametrize("part", ["file", "folder"])
def test_a_script_that_others_could_write_is_made_anew(
    made: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    """It would run in every reader's browser: its digest shows damage, not an attacker."""
    folder = tmp_path / "charts"
    bundle.script(folder)
    [path] = folder.iterdir()
    evil = b"evil()"
    path.write_bytes(sealed.seal(evil) + b"\n" + evil)
    {"file": path, "folder": folder}[part].chmod(0o777)
    assert "evil" not in bundle.script(folder)
    assert "can be written by other users: left aside" in caplog.text


def test_a_fifo_in_place_of_the_script_is_not_waited_for(made: list[str], tmp_path: Path) -> None:
    """The script is made anew, and written nowhere that somebody listens."""
    bundle.script(tmp_path)
    [path] = tmp_path.iterdir()
    path.unlink()
    os.mkfifo(path, 0o600)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert sealed.read(path) is None
    finally:
        os.close(reader)


def test_the_script_cannot_end_its_element(made: list[str], tmp_path: Path) -> None:
    """What HTML would take for the end of a script or the start of a comment is written otherwise."""
    code = bundle.script(tmp_path)
    assert "</script" not in code.lower()
    assert "<!--" not in code


def test_the_real_script_brings_the_embedding(tmp_path: Path) -> None:
    """vl-convert's own bundle defines the function that the page calls."""
    assert "window.vegaEmbed=" in bundle.script()


def test_too_few_threads_are_one_line_before_vl_convert_ends_the_process(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its engine aborts where it can start no thread; a script that is kept needs none."""
    monkeypatch.setattr(bundle, "startable", lambda threads: 2)
    with pytest.raises(UsageError, match="threads once, and the system starts 2: raise the limit on processes"):
        bundle.script(tmp_path)
    assert made == []
    monkeypatch.setattr(bundle, "startable", lambda threads: threads)
    whole = bundle.script(tmp_path)
    monkeypatch.setattr(bundle, "startable", lambda threads: 0)
    assert bundle.script(tmp_path) == whole
