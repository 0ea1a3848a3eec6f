"""Targets: lanes fill the registers, and a peak has its source."""

from hwbench.benches.dsp import packets
from hwbench.benches.dsp._targets import TARGETS


def test_every_target_is_a_variant_and_every_peak_has_a_source():
    """One list of processors; a published figure says where it was published."""
    assert [*TARGETS] == [*packets.bench.variants]
    assert all(bool(target.peak) == bool(target.source) for target in TARGETS.values())
