"""What a rewrite saves beside bytes."""

from __future__ import annotations

from doubles.scripted import ScriptedDevice
from hwbench.placing import costs
from hwbench.record.model import Policy


class Ticking(ScriptedDevice):
    """A device on which every call takes a millisecond."""

    def time(self, work, loops):
        work.call()
        self.clock.now += loops * 1e-3
        return loops * 1e-3


def test_each_cost_is_a_record(monkeypatch):
    """A bench of one variant, its counts, and samples by the device."""
    monkeypatch.setattr(costs, "FRESH_BYTES", 2**16)
    found = costs.measure({"cpu": Ticking()}, Policy(rounds=3, max_rounds=3, warmup_s=0.0, min_sample_s=1e-3))
    assert [(one.bench, one.status) for one in found] == [
        ("cost.fork", "ok"), ("cost.call", "ok"), ("cost.fresh", "ok"), ("cost.pass", "ok")
    ]  # fmt: skip
    assert [one.counts for one in found] == [{"calls": 1}, {"calls": 1}, {"bytes": 2**16}, {"bytes": 3 * 2**16}]
