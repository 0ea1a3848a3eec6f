"""Runs as a side of a comparison and as a history."""

from __future__ import annotations

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.errors import StoreError
from hwbench.record.model import Cache
from hwbench.record.reasons import Reason
from hwbench.tracking.readers import runs


def test_a_failure_in_the_first_of_several_runs_leaves_the_others():
    """One run of four failed: three are compared, whichever it was."""
    flaky = record("v0", (), status="error", reasons=[Reason("error", "flaky")], counts={})
    good = [record("v0", [1.0 + i / 1e4 + k / 1e3 for i in range(12)], counts={"bytes": 8.0}) for k in range(3)]
    made = runs.side([run_of(one) for one in (flaky, *good)])
    assert len(made.entries[0].measurements) == 3
    assert not made.entries[0].unfit


def test_disturbed_runs_yield_to_undisturbed_ones():
    """A suspect run counts where there is no other, with its reason; runs of another version never do."""
    noisy = record("v", (2.0,) * 3, status="suspect", reasons=[Reason("steal")])
    calm, newer = record("v", (1.0,) * 3), record("v", (9.0,) * 3, version=2)
    [entry] = runs.side([run_of(calm), run_of(noisy), run_of(newer)]).entries
    assert [(one.median, one.suspect) for one in entry.measurements] == [(1.0, "")]
    [entry] = runs.side([run_of(noisy)]).entries
    assert [(one.median, one.suspect) for one in entry.measurements] == [(2.0, str(Reason("steal")))]


def test_earlier_runs_are_a_case_s_past():
    """Medians of undisturbed records of the same version, in the order of the runs."""
    past = [run_of(record("v", (median,) * 3)) for median in (1.0, 2.0)]
    other = run_of(
        record("v", (7.0,) * 3, version=2), record("v", (8.0,) * 3, status="suspect", reasons=[Reason("steal")])
    )
    [entry] = runs.side([run_of(record("v"))], [*past, other]).entries
    assert entry.earlier == [1.0, 2.0]


def test_runs_of_unlike_machines_are_no_side():
    """And no run makes none."""
    small = msgspec.structs.replace(MACHINE, cpu=msgspec.structs.replace(MACHINE.cpu, allowed=[0]))
    with pytest.raises(StoreError, match="cannot be one side"):
        runs.side([run_of(record()), run_of(record(), machine=small, id="other")])
    with pytest.raises(ValueError, match="needs a run"):
        runs.side([])


def test_three_runs_make_a_history():
    """In the order of their start, named by commit where one is known; two runs make none."""

    def run(day, **hwbench):
        return run_of(
            record("v", (float(day),) * 3), started=f"2026-11-{day}T18:00:00Z", id=f"run-{day}", hwbench=hwbench
        )

    made = [run(12), run(11, commit="c" * 40, dirty=True), run(13)]
    assert runs.history(made[:2]) is None
    history = runs.history(made)
    assert [one.name for one in history.commits] == ["c" * 40 + "+", "run-12", "run-13"]
    [series] = history.series
    assert series.values.tolist() == [11.0, 12.0, 13.0]


def test_a_history_knows_which_figures_are_suspect():
    """With the reason of the record, at the place of its run."""
    made = [run_of(record(), id=f"r{i}", started=f"2026-11-2{i}T00:00:00Z") for i in range(3)]
    made[1] = msgspec.structs.replace(made[1], records=[record(status="suspect", reasons=[Reason("steal", "9%")])])
    [series] = runs.history(made).series
    assert series.suspect == {1: str(Reason("steal", "9%"))}


def named(name, model_number=None, l2=2**20):
    """A machine whose hypervisor tells no model: of an older hwbench, unless the number is known."""
    known = {"vendor": "AuthenticAMD", "family": 25, "model_number": model_number} if model_number else {}
    caches = [Cache(1, 32768, 64, 1), Cache(2, l2, 64, 1)]
    cpu = msgspec.structs.replace(MACHINE.cpu, model="AMD EPYC", caches=caches, **known)
    return msgspec.structs.replace(MACHINE, name=name, cpu=cpu)


def test_a_history_goes_on_under_the_new_default_name():
    """Runs from before the name had the generation are of the machine whose hardware they have; others stay apart."""
    before, other = named("amd-epyc-2cpu"), named("amd-epyc-2cpu", l2=2**19)
    zen4, zen3 = named("amd-epyc-zen4-2cpu", 17), named("amd-epyc-zen3-2cpu", 1, l2=2**19)
    history = runs.history([run_of(record(), machine=one, id=f"r{i}", started=f"2026-11-2{i}T00:00:00Z")
                            for i, one in enumerate((before, other, zen4, zen3))])  # fmt: skip
    assert [one.machine for one in history.settings] == ["amd-epyc-zen4-2cpu", "amd-epyc-zen3-2cpu"]
    assert history.notes == []
    alone = runs.history([run_of(record(), machine=before, id=f"r{i}") for i in range(3)])
    assert [one.machine for one in alone.settings] == ["amd-epyc-2cpu"]
