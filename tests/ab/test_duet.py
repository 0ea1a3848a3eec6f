"""Which CPUs a duet gets, and why there is none."""

from __future__ import annotations

import pytest

from hwbench.ab import duet


def machine(root, cpus, *, siblings=(), capacity=None, quota=""):
    """A made-up /sys of CPUs; `siblings` are threads of the first core."""
    base = root / "sys/devices/system/cpu"
    for cpu in range(cpus):
        topology = base / f"cpu{cpu}" / "topology"
        topology.mkdir(parents=True)
        (topology / "physical_package_id").write_text("0\n")
        (topology / "core_id").write_text(f"{0 if cpu in siblings else cpu}\n")
        if capacity:
            (base / f"cpu{cpu}" / "cpu_capacity").write_text(f"{capacity[cpu]}\n")
    (base / "online").write_text(f"0-{cpus - 1}\n")
    if quota:
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/cgroup").write_text("0::/\n")
        group = root / "sys/fs/cgroup"
        group.mkdir(parents=True)
        (group / "cgroup.controllers").write_text("cpu\n")
        (group / "cpu.max").write_text(f"{quota}\n")
    return root


def test_two_cores_are_a_pair(tmp_path):
    """Of more than two the first is left to interrupts; of two both, but not by themselves."""
    four, two = duet.pair(machine(tmp_path / "four", 4), range(4)), duet.pair(machine(tmp_path / "two", 2), range(2))
    assert (four.cpus, four.unless) == ((1, 2), "")
    assert (two.cpus, two.why) == ((0, 1), "")
    assert two.unless.startswith("there are two CPUs")


@pytest.mark.parametrize(
    ("cpus", "more", "said"),
    [
        (1, {}, "there is one CPU"),
        (2, {"siblings": (0, 1)}, "threads of one core"),
        (2, {"capacity": (1024, 446)}, "no two CPUs are alike"),
        (4, {"quota": "150000 100000"}, "a quota allows 1.5 CPUs"),
    ],
)
def test_why_there_is_none(tmp_path, cpus, more, said):
    """One CPU, hyper-threads, fast and slow cores, a quota of a container."""
    found = duet.pair(machine(tmp_path, cpus, **more), range(cpus))
    assert found.cpus == ()
    assert said in found.why


def test_a_quota_of_two_cpus_is_enough(tmp_path):
    """Both sides run without being stopped."""
    assert duet.pair(machine(tmp_path, 2, quota="200000 100000"), range(2)).cpus == (0, 1)


def test_a_command_of_several_threads_and_one_that_slows_the_other_are_refused():
    """By the CPU time of a process, and by cases at once against alone."""
    assert duet.refused(2.0, 2.1) == ""
    assert duet.refused(2.0, 3.8) == "the command keeps 1.90 CPUs busy"
    assert duet.slowed(1.05) == ""
    assert duet.slowed(1.34).startswith("at once, both sides take 34% longer")
