"""The view of house prices: the error first, times over the batch size, and whatever a file holds."""

import msgspec
import pytest

from hwbench.report.views.applications.house_prices import view as house_view
from made_up.applications import ODD, gpu_houses, house, run_of
from made_up.page import dataset


def test_house_prices_show_errors_times_and_shares():
    """The mean of the folds is the headline; shares of the phases add up to the epoch."""
    section = house_view(dataset(run_of(house(16), house(64), house(64, "f8"))))
    tiles, times, shares, quality = section.blocks
    assert tiles.tiles[0].value == "0.130"
    assert [row[1] for row in times.table.rows] == ["16", "64", "64"]
    assert shares.table.rows[0][2:] == ("10%", "30%", "40%", "20%", "10.0")
    drawn = [row for row in shares.panels[0].spec["datasets"]["marks"] if row["case"] == "numpy, float32, batch 16"]
    assert [(row["low"], row["high"]) for row in drawn] == [(0, 10), (10, 40), (40, 80), (80, 100)]
    assert quality.table.rows[0][-1] == "0.130"


def test_the_intro_tells_what_was_learnt_from():
    """Sales, table and columns are those of the records; without them no number is claimed."""
    own = house_view(dataset(run_of(house(16, sales=2930, columns=338)))).intro[0]
    assert "workload: 2930 house sales in Ames, Iowa (De Cock 2011), 338 numbers each, a network" in own
    theirs = house(16, sales=1460, columns=331)
    theirs = msgspec.structs.replace(theirs, params=theirs.params | {"data": "/home/x/train.csv"})
    assert (
        "workload: 1460 house sales of train.csv, 331 numbers each, a" in house_view(dataset(run_of(theirs))).intro[0]
    )
    assert (
        "workload: house sales in Ames, Iowa (De Cock 2011), a network"
        in house_view(dataset(run_of(house(16)))).intro[0]
    )


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fact", ["fold_rmse", "curve", "phases_s", "steps"])
def test_odd_facts_of_a_house_record_break_nothing(fact, odd):
    """The sound record beside it is shown all the same."""
    assert house_view(dataset(run_of(house(16, **{fact: odd}), house(64)))) is not None


@pytest.mark.parametrize("odd", [*ODD, 1e-3])
@pytest.mark.parametrize("fact", ["busy_s", "phases_s", "fold_rmse"])
def test_odd_facts_of_a_gpus_epoch_break_nothing(fact, odd):
    """The CPU beside it is shown all the same."""
    cpu, kept, sent = gpu_houses()
    bad = msgspec.structs.replace(kept, facts=kept.facts | {fact: odd})
    assert house_view(dataset(run_of(cpu, bad, sent))) is not None


def test_a_run_without_this_bench_has_no_section():
    """None, and the page has no heading for nothing."""
    assert house_view(dataset(run_of())) is None
