"""The frame: topics in order, anchors, findings beside their figures, tables among the data."""

from __future__ import annotations

import re

import pytest

from hwbench.report import budget
from hwbench.report.frame import ROWS, Layer, Page, Placed, arrange
from hwbench.report.sections import Figure, Notes, Panel, Section, Table
from hwbench.report.topics import BY_BENCH

TABLE = Table("cells", ("a",), [("1",)])


def figure(title: str, *benches: str, height: int = 100, panels: int = 1) -> Figure:
    """A figure with a mark for each of these benches."""
    marks = [{"case": f"{bench} variant, L1"} for bench in benches]
    spec = {"height": height, "datasets": {"marks": marks}}
    return Figure(title, [Panel("", spec, "")] * panels, TABLE)


def section(name: str, topic: str, *blocks: object) -> Section:
    return Section(name, name.title(), name.title(), [], blocks, topic=topic)  # type: ignore[arg-type]


def placed(page: Page) -> list[Placed]:
    return [one for part in page.parts for one in part.blocks]


def layer(page: Page, topic: str) -> Layer:
    return next(one for one in page.layers if one.topic.id == topic)


def test_topics_stand_in_order_and_empty_ones_do_not_appear() -> None:
    """Sections go to the topics that they declare; digits count those that are shown."""
    page = arrange([section("b", "python", figure("b")), section("a", "memory", figure("a"))], {}, [])
    assert [(one.topic.id, one.key) for one in page.layers] == [("memory", "1"), ("python", "2")]


def test_every_block_has_an_anchor_of_its_own() -> None:
    """Alike titles get alike anchors with a number, and nothing of a title but letters, digits and dashes."""
    blocks = [figure("Same <img>"), figure("Same <img>"), figure("é \ud800 \"'")]
    page = arrange([section("a", "memory", *blocks), section("a", "memory", *blocks)], {}, [])
    anchors = [one.id for one in placed(page)] + [part.section.id for part in page.parts]
    anchors += [kept.id for kept in page.tables]
    assert len(anchors) == len(set(anchors))
    assert all(re.fullmatch(r"[a-z0-9-]+", one) for one in anchors)


def test_figures_of_all_benches_go_to_the_topics_of_these() -> None:
    """A section by bench is divided; each topic has its own."""
    page = arrange(
        [section("contrasts", BY_BENCH, figure("stream.copy", "stream.copy"), figure("vectorize.call"))], {}, []
    )
    assert [part.section.id for part in page.parts] == ["contrasts-memory", "contrasts-python"]


def test_a_finding_stands_beside_the_figure_that_is_most_about_its_bench() -> None:
    """Not beside one that draws many benches, once, and the findings of a bench without a figure nowhere."""
    about, all_ = figure("about", "a.b", "a.b"), figure("all", "a.b", "a.b", "a.b", "c.d", "c.d", "c.d")
    page = arrange([section("x", "memory", all_, about)], {"a.b": ["Said."], "e.f": ["Unseen."]}, ["a.b", "c.d"])
    assert [one.findings for one in placed(page)] == [[], ["Said."]]
    assert [dict(one.benches) for one in placed(page)] == [{"a.b": 3, "c.d": 3}, {"a.b": 2}]


def test_tables_of_figures_and_long_ones_stand_among_the_data() -> None:
    """A short table stays in its section; what was put away is linked both ways."""
    short, long = Table("short", ("a",), [("1",)] * ROWS), Table("long", ("a",), [("1",)] * (ROWS + 1))
    page = arrange([section("x", "memory", figure("f"), short, long)], {}, [])
    kept = {one.id: one for one in page.tables}
    assert [bool(one.table) for one in placed(page)] == [True, False, True]
    for one in placed(page):
        if one.table:
            assert kept[one.table].back == one.id
    assert [one.table.caption for one in page.tables] == ["cells", "long"]


def test_what_a_topic_has_no_room_for_stands_among_the_data() -> None:
    """The topic keeps what fits, names the rest, and the data hold it."""
    high = int(budget.MOST / budget.SHORTER * 0.6)
    page = arrange([section("x", "memory", figure("one", height=high), figure("two", height=high))], {}, [])
    [part] = layer(page, "memory").parts
    assert [one.id for one in part.blocks] == ["x-one"]
    assert part.moved == [("x-two", "two")]
    [more] = layer(page, "data").parts
    assert more.section.id == "more-memory"
    assert [one.id for one in more.blocks] == ["x-two"]


def test_a_contrast_that_another_figure_of_the_topic_draws_stands_among_the_data() -> None:
    """One picture of a bench is enough in its topic; the contrast is still there."""
    contrasts = section("contrasts", BY_BENCH, figure("stream.copy", "stream.copy"), figure("stream.add", "stream.add"))
    bandwidth = section("bandwidth", "memory", figure("levels", "stream.copy"))
    page = arrange([contrasts, bandwidth], {}, ["stream.copy", "stream.add"])
    assert [one.id for part in layer(page, "memory").parts for one in part.blocks] == [
        "contrasts-memory-stream-add", "bandwidth-levels",
    ]  # fmt: skip
    assert [one.id for part in layer(page, "data").parts for one in part.blocks] == ["contrasts-memory-stream-copy"]


@pytest.mark.parametrize(("about", "benches"), [("a.b", {"a.b": 1}), ("quality", {})])
def test_notes_about_a_bench_are_found_by_its_name(about: str, benches: dict[str, int]) -> None:
    """Notes bear the bench that they are about, if it is one."""
    page = arrange([section("findings", "data", Notes("Question?", ["Answer."], about))], {}, ["a.b"])
    assert [dict(one.benches) for one in placed(page)] == [benches]
