"""`hwbench check`: pass, fail and no answer by earlier runs and by bars, measured twice where it is in doubt."""

from __future__ import annotations

import json
import signal

import pytest

from doubles.scripted import scripted_bench, scripted_work
from hwbench.cli import check, check_up
from hwbench.record import store
from made_up.check_ups import checked
from made_up.commands import clean


class Speed:
    """Seconds that reading memory takes: one figure for each time that it is measured, the last one goes on."""

    def __init__(self):
        self.reads = [0.001]

    def next(self):
        return self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]


@pytest.fixture
def speed(benches, device):
    """A machine whose memory is as fast as a test wants."""
    made = Speed()

    def build_load():
        """Load."""
        return scripted_work(made.next(), "simd")

    memory = scripted_bench({"simd": build_load, "numpy": 0.1}, "stream.load",
                            {"size": ("DRAM",), "dtype": ("f8",), "threads": ("all",)}, measures="load")  # fmt: skip
    memory.counts(lambda: {"bytes": 5e7})
    chase = scripted_bench({"follow": 0.001}, "latency.chase", {"size": ("L1", "L3"), "order": ("random",)},
                           measures="latency")  # fmt: skip
    chase.counts(lambda: {"hops": 1e5})
    benches.clear()
    benches.update({"stream.load": memory, "latency.chase": chase})
    return made


@pytest.fixture
def usual(command, speed, out):
    """Three checks of a machine in good health."""
    for _ in range(3):
        command("check", "--out", out)
    return speed


def test_the_first_check_has_nothing_to_go_by(command, speed, out):
    """No answer, what to do, and a file that the next ones go by."""
    done = command("check", "--out", out)
    assert (done.code, done.err) == (2, "")
    assert done.out.splitlines()[0] == (
        "no answer: Scripted CPU, 2 CPUs: 0 earlier runs of it, of which 3 are needed; check again (20 s each), or "
        "set bars by --min and --max"
    )
    assert "now    dram.read.all 50.0 GB/s" in done.out
    [path] = (out / "checks" / "box").glob("*.json")
    run = store.read(path)
    assert run.policy.preset == "check"
    assert {record.variant for record in run.records} == {"simd", "follow"}
    assert not (out / "index.html").exists()
    assert not (out / "runs").exists()


def test_a_machine_as_usual_passes(command, usual, out):
    """Exit 0, at most ten lines, and what is usual for this CPU."""
    done = command("check", "--out", out)
    assert done.code == 0
    assert done.out.startswith("pass: Scripted CPU, 2 CPUs: 2 of 2 figures as in 3 runs of it\n")
    assert "usual  for this CPU in 3 runs: dram.read" not in done.out  # of one thread alone, which was not measured
    assert len(done.out.splitlines()) <= 10


def test_a_slower_machine_fails_and_is_no_history(command, usual, out):
    """Exit 1 with the reason, after a second look; the file is kept where no later check takes it for usual."""
    usual.reads = [0.002]
    done = command("check", "--out", out)
    assert done.code == 1
    assert done.out.startswith("fail: Scripted CPU, 2 CPUs: 1 of 2 figures as in 3 runs of it\n")
    assert "  dram.read.all 25.0 GB/s: usually 50.0 GB/s, 2.00× slower" in done.out
    assert len(list((out / "checks" / "box").glob("*.json"))) == 3
    assert len(list((out / "checks" / "box" / "failed").glob("*.json"))) == 2
    usual.reads = [0.001]
    assert command("check", "--out", out).code == 0


def test_a_disturbance_does_not_fail_a_healthy_machine(command, usual, out):
    """What was slow once and as usual the second time is all right."""
    usual.reads = [0.002, 0.001]
    done = command("check", "--out", out, "--json")
    told = json.loads(done.out)
    assert (done.code, told["verdict"], told["measured_twice"]) == (0, "pass", ["dram.read.all"])


def test_a_figure_that_is_in_doubt_twice_is_no_answer(command, usual, out, device):
    """Slow, and disturbed each time: neither proven."""
    usual.reads = [0.002]
    device.rates["steal_s"] = 2.0
    done = command("check", "--out", out)
    assert done.code == 2
    assert done.out.startswith("no answer: ")
    assert "usually 50.0 GB/s, 2.0" in done.out
    assert "; doubtful, measured twice\n" in done.out


@pytest.mark.parametrize(
    ("option", "bar", "code"),
    [
        ("--min", "dram.read.all=40GB/s", 0), ("--min", "dram.read.all=60GB/s", 1),
        ("--max", "l1.latency=20ns", 0), ("--max", "l1.latency=5ns", 1),
    ],
)  # fmt: skip
def test_bars_need_no_history(command, speed, out, option, bar, code):
    """A person knows what is wanted."""
    done = command("check", "--out", out, option, bar)
    assert done.code == code
    assert f"{1 - code} of 1 bar met" in done.out
    assert ("wanted at " in done.out) is bool(code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--min", "dram.read.al=4GB/s"], "is no headline quantity; did you mean dram.read.all"),
        (["--max", "dram.latency=4GB/s"], "'4GB/s' is not a quantity in s such as 120ns"),
        (["--max", "l3.latency=50ns"], "l3.latency has a bar and was not measured here (this machine has no L3)"),
        (["--min", "peak.f8.all=5GFLOP/s"], "peak.f8.all has a bar and was not measured here; leave the bar out"),
        (["--threshold", "-1"], "--threshold -1: is no relative difference"),
    ],
)
def test_a_bar_that_cannot_be_judged_is_one_line_and_exit_2(command, speed, out, arguments, said):
    """Before measuring where that is known before."""
    done = command("check", "--out", out, *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_the_same_as_json(command, usual, out):
    """All figures with what is usual, in SI units; the exit code, too."""
    usual.reads = [0.002]
    told = json.loads(command("check", "--out", out, "--json", "--min", "dram.read.all=60GB/s").out)
    assert (told["verdict"], told["exit"]) == ("fail", 1)
    [read] = [one for one in told["figures"] if one["name"] == "dram.read.all"]
    assert (read["state"], read["runs"]) == ("bad", 3)
    assert (read["value"], read["usual"]["value"]) == (pytest.approx(25e9), pytest.approx(50e9))
    assert [(one["name"], one["state"]) for one in told["bars"]] == [("dram.read.all", "bad")]
    assert len(told["earlier_runs"]) == 3


def test_a_wrong_answer_fails(command, usual, out, benches):
    """A machine that computes wrongly is not all right."""
    benches["stream.load"].reference(lambda: 41)
    done = command("check", "--out", out)
    assert done.code == 1
    assert "stream.load/simd [DRAM, f8, all]: wrong" in done.out


def test_an_interrupted_check_leaves_nothing(command, speed, out, monkeypatch):
    """Exit 130, and no half check among those that later ones go by."""
    real = check_up.session.execute

    def interrupted(plan, observer, stop):
        signal.raise_signal(signal.SIGINT)
        return real(plan, observer, stop)

    monkeypatch.setattr(check_up.session, "execute", interrupted)
    done = command("check", "--out", out)
    assert (done.code, done.err) == (130, "interrupted: nothing is kept of this check\n")
    assert list((out / "checks" / "box").glob("*.json")) == []


def test_many_reasons_make_no_more_than_ten_lines(out):
    """The worst first, and how many more there are."""
    from hwbench.analysis.bars import bars
    from hwbench.analysis.reading import Reading
    from hwbench.tracking.health import History

    reading = Reading(checked())
    wanted = bars([f"dram.read.all={n}TB/s" for n in range(1, 9)], [])
    found = check_up.CheckUp(reading, None, History([], []), [], check_up._barred(reading, wanted))
    lines = check.lines(found)
    assert len(lines) <= 10
    assert "  and 4 more: --json has all" in lines
    assert clean("".join(lines))
