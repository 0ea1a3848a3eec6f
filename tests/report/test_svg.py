"""Pictures for a README: files that stand alone, whatever a run is called."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hwbench import catalog, report
from hwbench.errors import UsageError
from hwbench.report import svg, theme
from made_up.sample import only_skipped, sample_run


@pytest.mark.parametrize("hostile", [False, True])
def test_pictures_stand_alone(hostile: bool, tmp_path: Path) -> None:
    """Each is well-formed SVG with a card of its own, colours in figures, no script and nothing to load."""
    written = report.pictures(sample_run(hostile=hostile), tmp_path, catalogue=catalog.benches())
    assert [path.name for path in written] == ["ladder.svg", "latency.svg", "bandwidth.svg", "roofline.svg"]
    for path in written:
        text = path.read_text("utf-8")
        names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
        assert not names & {"script", "image", "foreignObject", "use"}
        assert "var(" not in text
        assert theme.LIGHT["card"] in text
        assert not re.search(r'(?:href|src)="(?!#)', text)


def test_a_picture_names_its_series(tmp_path: Path) -> None:
    """Where the axis does not name the series a legend does, with the names that a reader knows."""
    report.pictures(sample_run(), tmp_path, catalogue=catalog.benches())
    assert all(name in (tmp_path / "bandwidth.svg").read_text("utf-8") for name in (">load<", ">copy<", ">triad<"))


def test_too_few_threads_are_one_line_before_vl_convert_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its engine aborts where it can start no thread."""
    monkeypatch.setattr(svg, "startable", lambda threads: 2)
    with pytest.raises(UsageError, match="threads once, and the system starts 2: raise the limit on processes"):
        report.pictures(sample_run(), tmp_path, catalogue=catalog.benches())


def test_pictures_without_vl_convert_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, and what installs it."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UsageError, match="not installed: python -m pip install vl-convert-python"):
        report.pictures(sample_run(), tmp_path, catalogue=catalog.benches())


def test_a_run_without_times_has_no_pictures(tmp_path: Path) -> None:
    """What was not measured is not drawn."""
    assert report.pictures(only_skipped(), tmp_path, catalogue=catalog.benches()) == []
