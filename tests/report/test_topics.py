"""Topics: their order, and the one that each bench belongs to."""

from __future__ import annotations

import pytest

from hwbench import catalog
from hwbench.report.topics import KEYS, OTHERS, TOPICS, of_bench


def test_every_topic_has_a_key_and_a_name_of_its_own() -> None:
    """There are as many keys as topics at least, and no topic twice."""
    assert len(TOPICS) <= len(KEYS)
    assert len({topic.id for topic in TOPICS}) == len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_every_bench_belongs_to_a_topic() -> None:
    """No bench of hwbench falls among those of other packages, but for the topic that they share."""
    known = {topic.id for topic in TOPICS}
    assert {of_bench(name) for name in catalog.benches()} <= known


@pytest.mark.parametrize(
    ("bench", "topic"),
    [("stream.load", "memory"), ("vectorize.call", "python"), ("transfer.copy", "gpu"), ("somebody.else", OTHERS)],
)
def test_the_first_part_of_a_name_decides(bench: str, topic: str) -> None:
    """A bench's topic follows from what stands before the dot; a foreign one has a place, too."""
    assert of_bench(bench) == topic
