"""The benches by topic and with their questions, from their pages or from the benches themselves."""

from __future__ import annotations

from hwbench import catalog
from hwbench.cli import overview, pages
from hwbench.cli.pages import Row


def test_topics_that_need_a_gpu_are_marked():
    """Names are wrapped below each other."""
    many = [Row(f"access.number_{i}", "Which?", gpu=False) for i in range(9)]
    lines = overview.topics([*many, Row("offload.even", "Which?", gpu=True)], 60)
    assert lines[0] == "access   number_0 number_1 number_2 number_3 number_4"
    assert lines[1] == "         number_5 number_6 number_7 number_8"
    assert lines[2:5] == ["offload  even (GPU)", "", "10 benches, named topic.bench. " + lines[4][31:]]
    assert overview.questions(many[:1], 60) == ["access.number_0  Which?"]
    assert overview.topics(many[:1], 60)[2].startswith("1 bench, ")


def test_a_file_without_a_page_is_imported(benches, monkeypatch):
    """A bench of one's own is listed; where each file has its page, none is imported."""
    known = [Row("access.steps", "From the page?", gpu=False)]
    monkeypatch.setattr(pages, "index", lambda: known)
    monkeypatch.setattr(catalog, "modules", lambda: ["hwbench.benches.access.steps"])
    assert overview.rows() == known
    monkeypatch.setattr(catalog, "modules", lambda: ["hwbench.benches.access.steps", "hwbench.benches.access.mine"])
    assert overview.rows() == [(name, "Which script is shorter?", False) for name in sorted(benches)]
