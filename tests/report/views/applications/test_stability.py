"""The section of stability: there where something was measured, for several runs, and whatever a file holds."""

import json

import msgspec
import pytest

from hwbench.record.model import Record
from hwbench.record.reasons import Reason
from hwbench.report.sections import Figure, Table
from hwbench.report.views.applications.stability import view as stability_view
from made_up.page import dataset
from made_up.stability_records import activation, block, chain, networks, run_of, variance


def test_no_stability_no_section():
    """A run without these benches, or with failed cases alone, has no section."""
    failed = Record(
        bench="stability.gradients",
        version=1,
        variant="numba",
        device="cpu",
        params={},
        status="error",
        reasons=[Reason("error", "x")],
    )
    assert stability_view(dataset(run_of([]))) is None
    assert stability_view(dataset(run_of([failed]))) is None


def test_several_runs_stand_side_by_side():
    """With two runs every row of the tables says whose it is."""
    section = stability_view(dataset(run_of([*networks(), activation()], "a"), run_of(networks(), "b")))
    table = block(section, "The lecture's figures beside those of this run")
    assert table.head[0] == "run"
    assert {row[0].partition(",")[0] for row in table.rows} == {"a", "b"}


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "junk", [None, HOSTILE, [HOSTILE], {"a": 1}, True, -5, 1e308, [[1]], [None] * 101, [True] * 101, [1e400] * 3]
)
def test_strange_facts_break_nothing(junk):
    """Facts of any type, and parameters that are markup, give a section or none, and no exception."""
    names = {"map"} | set(chain(1.5, "f2", "he").facts) | set(variance("he").facts) | set(activation().facts)
    records = [
        msgspec.structs.replace(record, facts=dict.fromkeys(names, junk))
        for record in (*networks(), variance("xavier-uniform"), activation())
    ]
    records += [
        msgspec.structs.replace(record, params=dict.fromkeys(record.params, HOSTILE))
        for record in (*networks(), variance("he"), activation())
    ]
    records.append(msgspec.structs.replace(networks()[0], params={}))
    section = stability_view(dataset(run_of(records)))
    if section is not None:
        for part in section.blocks:
            assert isinstance(part, Figure | Table)
            for panel in getattr(part, "panels", ()):
                json.dumps(panel.spec, allow_nan=False)
