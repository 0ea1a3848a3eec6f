"""dsp.packets: counts of real code for every target, and the finding."""

import json

import pytest

from doubles.scripted import run_of
from hwbench.analysis.findings import findings
from hwbench.benches.dsp import packets
from hwbench.benches.dsp._targets import TARGETS
from inspection.answers import verdict
from inspection.variants import built, record_of, values_of


@pytest.mark.parametrize("variant", packets.bench.variants)
def test_every_target_has_a_loop_that_multiplies(variant):
    """The answer is right; facts are small plain JSON. Two loads feed an instruction that takes whole registers."""
    values = values_of(packets.bench)
    assert verdict(packets.bench, variant, values) == ""
    facts = built(packets.bench, variant, values)[0].facts
    assert len(json.dumps(dict(facts), allow_nan=False)) < 5000
    assert facts["loads"] == 2 if "i1" in TARGETS[variant].dots else facts["loads"] >= 2
    assert facts["macs"] == TARGETS[variant].lanes["i1"] * TARGETS[variant].scale


def test_the_special_instructions_are_there():
    """Hexagon's vrmpy, Arm's sdot, x86's vpdpbusd and CDNA's v_dot4."""
    for variant, name in (
        ("hexagon-hvx", "vrmpy"),
        ("neon", "sdot"),
        ("avx512-vnni", "vpdpbusd"),
        ("gfx942", "v_dot4"),
    ):
        facts = built(packets.bench, variant, values_of(packets.bench))[0].facts
        assert any(name in line for line in facts["assembly"]), variant


def test_the_finding_tells_packets_from_instructions():
    """The most multiply-adds first."""
    records = [record_of(packets.bench, name, 1e-3, loop="dot", dtype="i1") for name in ("neon", "hexagon-hvx")]
    said = findings(run_of(*records), [packets.bench])["dsp.packets"]
    assert "a packet (hexagon-hvx) and 2.67 an instruction (neon)" in said[0]
    assert said[1] == "One Hexagon instruction (vrmpy) does 128 multiply-adds."
