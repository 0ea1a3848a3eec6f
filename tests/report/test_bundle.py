"""The charts' script: what vl-convert makes, with its licences, and unable to end its element."""

from __future__ import annotations

import gzip
import importlib.util
import sys
from pathlib import Path

import pytest

from hwbench.report import bundle

MAKER = Path(__file__).parents[2] / "scripts" / "vega.py"


def test_the_script_is_what_vl_convert_makes() -> None:
    """`python scripts/vega.py` after a new vl-convert; another version than the one in its first line shows nothing."""
    vl_convert = pytest.importorskip("vl_convert")
    kept = gzip.decompress(bundle.SCRIPT.read_bytes()).decode()
    if f"by vl-convert {vl_convert.__version__} */" not in kept.splitlines()[0]:
        pytest.skip("the script was made by another vl-convert")
    spec = importlib.util.spec_from_file_location("vega", MAKER)
    assert spec is not None and spec.loader is not None
    vega = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vega)
    assert vega.made() == kept


def test_the_script_brings_the_embedding() -> None:
    """It defines the function that the page calls."""
    assert "window.vegaEmbed=" in bundle.script()


def test_the_script_cannot_end_its_element() -> None:
    """What HTML would take for the end of a script or the start of a comment is written otherwise."""
    for code in (bundle.script(), bundle.harmless("'\u00b5 </script> </SCRIPT> <!-- '")):
        assert "</script" not in code.lower()
        assert "<!--" not in code


def test_the_licences_of_what_it_holds_are_part_of_the_package() -> None:
    """Their conditions: copyright and terms go along with the code."""
    said = (bundle.SCRIPT.parent / "vega.licences.txt").read_text("utf-8")
    for name in ("vega, ", "vega-lite", "vega-embed", "d3-array, ", "fast-json-patch", "semver", "topojson-client"):
        assert f"\n{name}" in said, name


def test_nothing_is_loaded_for_it() -> None:
    """A page needs no vl-convert: it is an extra."""
    bundle.script.cache_clear()
    before = set(sys.modules)
    bundle.script()
    assert "vl_convert" not in set(sys.modules) - before
