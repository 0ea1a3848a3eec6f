"""Translation: one line on each page, spread over the sets of a cache, and what the curves say of a TLB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Pages, Skip
from hwbench.benches.access import translation
from hwbench.benches.access.translation import bench, places
from hwbench.devices.cpu import CpuDevice
from hwbench.devices.host_memory import Buffer
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.parametrize("step", [4096, 2**21])
def test_a_line_on_each_page_and_every_set(step: int) -> None:
    """64 lines take the 64 sets of an L1 of 4 KiB a way, 2048 those of an L2, once each."""
    lines = places(4096, step)
    assert (lines * 64 // step == np.arange(4096)).all()
    assert (np.bincount(lines[:64] % 64) == 1).all()
    assert (np.bincount(lines % 2048) == 2).all()


@pytest.mark.parametrize(("n", "layout"), [(20, "4K"), (1000, "4K"), (20, "in-huge"), (3, "huge")])
@pytest.mark.parametrize("variant", bench.variants)
def test_the_chase_ends_where_the_order_says(variant: str, n: int, layout: str, device: CpuDevice) -> None:
    """Both rings visit the same places in the same order, on the pages that were asked for."""
    given = {"device": device, "n": n, "layout": layout}
    try:
        assert verdict(bench, variant, given) == ""
    except Skip as reason:
        pytest.skip(str(reason))
    work, _ = work_of(bench, variant, given)
    assert work.facts["pages"] in ("4K" if layout == "4K" else "huge", "default")
    assert work.facts["elements"] == n
    assert work.close is not None
    work.close()


def test_memory_is_what_the_pages_take(device: CpuDevice) -> None:
    """4 KiB for each line, and a huge page where each is to have one; two lines at least."""
    taken = {
        layout: bench.ask("memory", {"n": 100, "layout": layout, "device": device}) for layout in ("in-huge", "huge")
    }
    assert taken == {"in-huge": 100 * 4096, "huge": 100 * device.host.huge_bytes}
    with pytest.raises(Skip, match="two lines, not 1"):
        bench.make_inputs({"n": 1, "rng": np.random.default_rng(0)})


def test_small_pages_in_place_of_huge_ones_are_no_answer(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that gives others than it was asked for would put them on the wrong curve."""
    if device.spread(Pages()) != ["huge"]:
        pytest.skip("huge pages cannot be asked for")
    monkeypatch.setattr(Buffer, "pages", "4K")
    with pytest.raises(Skip, match="gave 4K pages where huge ones were asked for"):
        work_of(bench, "spread", {"device": device, "n": 20, "layout": "huge"})


ZEN = {20: 0.0, 40: 0.0, 80: 1.9, 160: 1.9, 320: 1.9, 640: 2.4, 1280: 2.4, 5120: 25.0, 10240: 32.0, 81920: 200.0}


def curve(layout: str, added: Mapping[int, float]) -> list[tuple[str, dict[str, Any], float]]:
    """Records of 1024 hops: 1 ns without translation, and with it what is added."""
    return [
        (variant, {"n": n, "layout": layout}, 1024e-9 * (1 + more * (variant == "spread")))
        for n, more in added.items()
        for variant in ("packed", "spread")
    ]


def test_the_finding() -> None:
    """Where translation is free, what the second level and walks cost, and what that says of the host's pages."""
    few = {n: added for n, added in ZEN.items() if n <= 1280}
    read = reading(bench, [*curve("4K", ZEN), *curve("huge", few), *curve("in-huge", ZEN)], {"hops": 1024})
    sentences = said(spread(read, 0.001))
    assert sentences == [
        "Translation of 4 KiB pages (1 thread) costs nothing at 20 to 40 pages, 1.90 ns to 2.40 ns at 80 to 1280, "
        "32.0 ns at 10\u202f240 and 200 ns at 81\u202f920: the cost begins between 40 and 80 and walks begin between "
        "1280 and 5120.",
        "Translation of huge pages (1 thread) costs nothing at 20 to 40 pages and 1.90 ns to 2.40 ns at 80 to 1280: "
        "the cost begins between 40 and 80.",
        "Lines in each 4 KiB of huge pages cost 1.90 ns at 160 (640 KiB), where small pages cost 1.90 ns: an entry of "
        "the TLB covers less than a huge page, so that the pages of a host below are small.",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(read)))
    assert said(reading(bench, [], {})) == []


@pytest.mark.parametrize(("added", "told"), [(0.1, "covers a huge page, so"), (1.0, "where small pages cost 1.90 ns.")])
def test_an_entry_that_covers_a_huge_page(added: float, told: str) -> None:
    """Where lines in huge pages cost next to nothing, the host's pages are huge; half of it says nothing."""
    inside = {n: added if n > 40 else 0.0 for n in ZEN}
    read = reading(bench, [*curve("4K", ZEN), *curve("in-huge", inside)], {"hops": 1024})
    assert told in said(spread(read, 0.0001))[-1]


def test_a_tlb_that_covers_all_has_one_level() -> None:
    """Where nothing costs anything, nothing is said of further levels, nor of the host."""
    flat = dict.fromkeys(ZEN, 0.0)
    assert said(spread(reading(bench, [*curve("4K", flat), *curve("in-huge", flat)], {"hops": 1024}), 0.001)) == [
        "Translation of 4 KiB pages (1 thread) costs nothing at 20 to 81\u202f920 pages."
    ]
    quick = {20: 0.0, 5120: 14.9}
    assert said(spread(reading(bench, curve("4K", quick), {"hops": 1024}), 0.001)) == [
        "Translation of 4 KiB pages (1 thread) costs nothing at 20 pages and 14.9 ns at 5120: the cost begins between "
        "20 and 5120."
    ]
    first, second, walks = translation.levels([])
    assert first == second == walks == []
