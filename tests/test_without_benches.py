"""A run whose benches are not installed: it is told in its own words."""

from __future__ import annotations

import msgspec
import pytest

from hwbench import catalog
from hwbench.record import store
from hwbench.record.model import Run
from hwbench.report.dataset import Runs
from hwbench.report.sections import Figure, Section
from hwbench.report.views import VIEWS
from made_up.declared import described
from made_up.gpu_sample import gpu_run
from made_up.sample import replace, sample_run


def sections(run: Run, *, installed: bool) -> dict[str, Section]:
    """The sections of a page, with the benches of this hwbench or without any."""
    runs = Runs([run], catalogue=catalog.benches() if installed else {})
    return {section.id: section for view in VIEWS if (section := view(runs)) is not None}


def stored(run: Run) -> Run:
    """The run after it was written and read."""
    return store.decode(store.encode(run), "run")


@pytest.mark.parametrize("made", [sample_run, gpu_run])
def test_a_page_needs_a_bench_s_module_for_its_finding_alone(made) -> None:
    """All sections but those that quote findings are the same, charts, questions and baselines included."""
    run = stored(described(made()))
    full, bare = sections(run, installed=True), sections(run, installed=False)
    quoting = {"findings", "slides"}
    assert quoting <= set(full)
    assert {name: bare[name] for name in bare if name not in quoting} == {
        name: full[name] for name in full if name not in quoting
    }


def test_a_run_that_states_nothing_has_no_charts_without_the_benches() -> None:
    """What an old file does not say of benches that nobody knows is not guessed from names."""
    run = sample_run()
    unknown = [replace(record, bench=f"my.{record.bench.replace('.', '-')}") for record in run.records]
    bare = sections(replace(run, records=unknown, benches={}), installed=False)
    assert not {"latency", "bandwidth", "roofline", "ladder"} & set(bare)
    assert "records" in bare


def test_a_bench_of_one_s_own_is_drawn_where_it_declares_to_belong() -> None:
    """The sample's benches under other names give the same charts: no name is known to the report."""
    run = described(sample_run())

    def renamed(name: str) -> str:
        return f"my.{name.replace('.', '-')}"

    mine = replace(
        run,
        records=[msgspec.structs.replace(record, bench=renamed(record.bench)) for record in run.records],
        benches={renamed(name): info for name, info in run.benches.items()},
    )
    known, own = sections(run, installed=False), sections(mine, installed=False)
    del known["slides"]  # a deck names the benches of its claims
    assert list(own) == list(known)
    for name, section in known.items():
        assert [type(block) for block in own[name].blocks] == [type(block) for block in section.blocks]
        titles = [block.title for block in section.blocks if isinstance(block, Figure)]
        if name != "contrasts":  # each of its figures is titled by its bench
            assert [block.title for block in own[name].blocks if isinstance(block, Figure)] == titles
