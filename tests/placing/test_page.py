"""The page and the picture of a placed function."""

from __future__ import annotations

import sys

from hwbench.counting import Range
from hwbench.placing import engine, page
from hwbench.placing.model import Placed
from hwbench.placing.result import Placement
from hwbench.placing.sweep import Swept
from made_up.placed import chain, counts, exactly, roofs
from made_up.sample import HOSTILE


def swept(name="f", **more):
    points = tuple(
        engine.point(name, chain(n), exactly(n * 5e-9), roofs(), n=n, written=8 * n) for n in (10**4, 10**5, 10**6)
    )
    return Swept((Placed(name, points), Placed("numba_f", points[:2])), **more)


def test_the_page_has_chart_table_and_advice():
    """Complete in itself."""
    html = page.render(swept(stopped="n=10⁷ and more were left out"), roofs())
    assert "How much of this machine does f get?" in html
    assert "with 2 temporaries (multiply), and one loop would ask for" in html
    assert "n=10⁷ and more were left out" in html
    assert '<body class="alone">' in html  # no rail: there is nothing to choose from
    assert "<script src" not in html and 'http-equiv="Content-Security-Policy"' in html
    assert html.count("numba_f") > 2


def test_names_are_text_on_the_page():
    """Whatever a user's file calls its functions."""
    html = page.render(swept(HOSTILE), roofs())
    assert "<script>window.pwned" not in html
    assert "<img src=x" not in html


def test_the_chart_draws_points_below_roofs():
    """A mark for each n of each function."""
    spec = page.roofline(swept().functions, roofs())
    assert len(spec["datasets"]["marks"]) == 5
    assert {row["label"] for row in spec["datasets"]["slopes"]} == {"L1", "L2", "L3", "DRAM"}


def test_without_flops_there_is_no_roofline():
    """Time an element alone."""
    still = [
        engine.point("f", counts(16 * n, flops=Range(0, 0)), exactly(n * 1e-9), roofs(), n=n) for n in (100, 10**4)
    ]
    one = Placed("f", tuple(still))
    assert page.roofline([one], roofs()) is None
    assert page.svg([one], roofs()) is None
    assert "Time an element" in page.render(Swept((one,)), roofs())


def test_a_notebook_gets_a_picture_and_lines():
    """SVG with the machine's name, and text that is escaped."""
    at = engine.point("<b>", chain(10**6), exactly(5e-3), roofs(), written=8 * 10**6)
    html = Placement(Placed("<b>", (at,)), roofs())._repr_html_()
    assert html.startswith("<svg")
    assert "&lt;b&gt;: 5.00 ms" in html and "<b>" not in html


def test_a_notebook_without_vl_convert_gets_the_lines_and_the_remedy(monkeypatch):
    """It is an extra: no chart, and what installs it."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    at = engine.point("f", chain(10**6), exactly(5e-3), roofs(), written=8 * 10**6)
    html = Placement(Placed("f", (at,)), roofs())._repr_html_()
    assert html.startswith("<pre>f: 5.00 ms")
    assert html.endswith("not installed: python -m pip install vl-convert-python</pre>")
