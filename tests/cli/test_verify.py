"""`hwbench verify`: exit codes and output around a session of comparisons."""

from __future__ import annotations

import json

import pytest

from hwbench.crosscheck import session
from made_up.sample import proof_run


@pytest.fixture
def compared(monkeypatch, tmp_path):
    """A session that returns made-up comparisons at once: one of them 0.5 of the native tool's rate."""
    path = tmp_path / "kept.json"
    monkeypatch.setattr(session, "execute", lambda plan, told, stop: (proof_run(), path))
    return path


def test_a_ratio_below_the_least_is_exit_1(command, compared):
    """The summary names it, and where the samples are kept."""
    done = command("verify")
    assert done.code == 1
    assert "below 0.95: peak.fma/512 f8 2 12" in done.out
    assert done.out.splitlines()[-1] == f"kept: {compared}"
    assert command("verify", "--least", "0.4").code == 0


def test_json_is_alone_on_standard_output(command, compared):
    """The run, the least ratio and every comparison."""
    done = command("verify", "--json", "--least", "0.4")
    data = json.loads(done.out)
    assert (done.code, data["run"], data["least"]) == (0, proof_run().id, 0.4)
    assert len(data["comparisons"]) >= 3


def test_an_interruption_is_exit_130(command, monkeypatch, tmp_path):
    """It says where the finished comparisons are."""

    def interrupted(plan, told, stop):
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "execute", interrupted)
    done = command("verify", "--out", tmp_path)
    assert done.code == 130
    assert done.err == f"interrupted: what was measured is below {tmp_path / 'verify'}\n"
