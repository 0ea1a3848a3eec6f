"""Pictures for a README: files that stand alone, whatever a run is called."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hwbench import catalog, report
from hwbench.report import theme
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


def test_a_run_without_times_has_no_pictures(tmp_path: Path) -> None:
    """What was not measured is not drawn."""
    assert report.pictures(only_skipped(), tmp_path, catalogue=catalog.benches()) == []
