"""What a machine is: one digest for two boots of a guest, and each difference named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from doubles.scripted import MACHINE
from hwbench.record import identity, store
from hwbench.record.model import Cache, Gpu, Machine, Memory, Run

REPORTS = Path(__file__).parents[2] / "reports"
RUNS = {path.stem: store.read(path) for path in sorted(REPORTS.glob("*/*/*.json"))}
GUEST = next(run for name, run in RUNS.items() if name.endswith("b4c4dc"))


def altered(machine: Machine, **cpu: object) -> Machine:
    return msgspec.structs.replace(machine, cpu=msgspec.structs.replace(machine.cpu, **cpu))


def apart(one: Machine, other: Machine) -> list[str]:
    return identity.differences(identity.hardware(one), identity.hardware(other))


def with_memory(total: float) -> Machine:
    return msgspec.structs.replace(MACHINE, memory=Memory(total=int(total)))


@pytest.mark.parametrize(
    ("nominal", "first", "second"),
    [(24, 25276514304 / 2**30, 25276063744 / 2**30), (16, 15.7, 15.4), (128, 125.9, 124.5), (4, 3.84, 3.76),
     (2, 1.9, 1.95), (1024, 1007, 1003)],
)  # fmt: skip
def test_two_boots_of_a_guest_are_one_machine(nominal: float, first: float, second: float) -> None:
    """Kernels keep different parts of one memory to themselves; the digest has the size of the whole."""
    sizes = [with_memory(size * 2**30) for size in (nominal, first, second)]
    assert len({identity.hardware(one).digest for one in sizes}) == 1
    assert apart(sizes[1], sizes[2]) == []


def test_less_memory_is_another_machine() -> None:
    """A guest that was resized is named by both sizes."""
    one, other = with_memory(23.5 * 2**30), with_memory(15.5 * 2**30)
    assert apart(one, other) == ["memory 23.5 GiB against 15.5 GiB"]
    assert identity.hardware(one).digest != identity.hardware(other).digest


def test_each_committed_machine_is_one_machine() -> None:
    """Files of before the CPU's numbers were kept group by what they state, whatever they are called."""
    groups: dict[str, set[str]] = {}
    for run in RUNS.values():
        groups.setdefault(identity.hardware(run.machine).digest, set()).add(run.machine.name)
    assert sorted(groups.values(), key=min) == [{name} for name in sorted({run.machine.name for run in RUNS.values()})]
    assert {"amd-epyc-2cpu"} in groups.values()


def test_a_file_that_states_more_is_no_other_machine() -> None:
    """The same guest measured by a newer hwbench, with its numbers: nothing differs."""
    newer = altered(GUEST.machine, vendor="AuthenticAMD", family=25, model_number=17, stepping=1, microcode="0x1")
    assert apart(GUEST.machine, newer) == apart(newer, GUEST.machine) == []


def test_differences_are_named() -> None:
    """Caches by level, the generation in place of the numbers, instructions that one side alone has."""
    zen4 = altered(GUEST.machine, vendor="AuthenticAMD", family=25, model_number=17)
    caches = [Cache(1, 49152, 64, 1), *GUEST.machine.cpu.caches[1:2], Cache(3, 33554432, 64, 4)]
    isa = [one for one in zen4.cpu.isa if one != "avx512_bf16"]
    zen5 = altered(zen4, family=26, model_number=2, caches=caches, isa=isa, quota=1.5)
    assert apart(zen4, zen5) == [
        "CPU generation Zen 4 against Zen 5", "instructions: only the first has avx512_bf16",
        "CPU quota none against 1.5",
        "L1d 32 KiB against 48 KiB", "L3 shared by 2 against 4",
    ]  # fmt: skip


def test_gpus_count_where_both_list_some() -> None:
    """A run on CPUs alone does not look for GPUs."""
    h200, other = (msgspec.structs.replace(MACHINE, gpus=[Gpu(name=name, memory=2**37)]) for name in ("H200", "B200"))
    assert apart(MACHINE, h200) == []
    assert apart(h200, other) == ["GPU H200 against B200"]


def test_cards_of_one_name_are_told_apart_in_a_set_up() -> None:
    """By UUID, power limit and libraries; a file that states none of them differs in none."""

    def of(**more: object) -> Run:
        card = msgspec.structs.replace(Gpu(name="H100"), **more)
        return run_with(machine=msgspec.structs.replace(GUEST.machine, gpus=[card]))

    full = of(uuid="GPU-1", state={"power_limit_w": 700.0, "ecc": True, "mig": False}, versions={"nvrtc": "13.0"})
    other = of(uuid="GPU-2", state={"power_limit_w": 350.0, "ecc": True, "mig": False}, versions={"nvrtc": "13.2"})
    assert identity.differences(identity.setup(full), identity.setup(other)) == [
        "GPU UUID GPU-1 against GPU-2", "NVRTC 13.0 against 13.2", "GPU power limit 700 W against 350 W"
    ]  # fmt: skip
    assert identity.differences(identity.setup(of()), identity.setup(other)) == []
    assert identity.hardware(full.machine) == identity.hardware(other.machine)


def run_with(**changes: object) -> Run:
    return msgspec.structs.replace(GUEST, **changes)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [({"software": {**GUEST.software, "numpy": "2.5.0"}}, "numpy 2.4.6 against 2.5.0"),
     ({"software": {**GUEST.software, "python": "3.12.1 (CPython)"}}, "python 3.11 (CPython) against 3.12 (CPython)"),
     ({"software": {**GUEST.software, "os": "Linux 6.1"}}, "kernel Linux 6.18.44-fc-v595 against Linux 6.1"),
     ({"machine": msgspec.structs.replace(GUEST.machine, memory=Memory(total=25276514304, huge_pages="always"))},
      "huge pages madvise against always")],
)  # fmt: skip
def test_a_setup_has_what_figures_depend_on(changes: dict[str, object], difference: str) -> None:
    """Versions, the kernel, huge pages: each makes another setup of the same hardware."""
    one, other = identity.setup(GUEST), identity.setup(run_with(**changes))
    assert identity.differences(one, other) == [difference]
    assert one.digest != other.digest
    assert identity.hardware(GUEST.machine) == identity.hardware(run_with(**changes).machine)


def test_variables_and_microcode_make_a_setup() -> None:
    """Variables that are unset differ from those that are set; where they were not kept, nothing is known."""
    unset, one, two = (
        run_with(variables=kept) for kept in ({}, {"OMP_WAIT_POLICY": "active"}, {"OMP_NUM_THREADS": "1"})
    )
    assert identity.differences(identity.setup(unset), identity.setup(one)) == [
        "variables: only the second has OMP_WAIT_POLICY=active"
    ]
    assert identity.differences(identity.setup(one), identity.setup(two)) == [
        "variables: only the first has OMP_WAIT_POLICY=active, only the second has OMP_NUM_THREADS=1"
    ]
    assert identity.differences(identity.setup(GUEST), identity.setup(one)) == []
    old, new = (run_with(machine=altered(GUEST.machine, microcode=code)) for code in ("0x1", "0x2"))
    assert identity.differences(identity.setup(old), identity.setup(new)) == ["microcode 0x1 against 0x2"]


def test_settings_of_the_system_make_a_setup() -> None:
    """Those that both state; a name that a file made up is none."""
    one = run_with(machine=msgspec.structs.replace(GUEST.machine, settings={"turbo": "on", "CPU": "none"}))
    two = run_with(machine=msgspec.structs.replace(GUEST.machine, settings={"turbo": "off", "governor": "powersave"}))
    assert identity.differences(identity.setup(one), identity.setup(two)) == ["turbo on against off"]
    assert identity.differences(identity.setup(GUEST), identity.setup(two)) == []


def test_a_patch_of_python_is_no_other_setup() -> None:
    """3.11.7 and 3.11.9 run the same bytecode."""
    newer = run_with(software={**GUEST.software, "python": "3.11.9 (CPython)"})
    assert identity.setup(newer).digest == identity.setup(GUEST).digest


def test_a_machine_that_states_nothing_has_an_identity() -> None:
    """Nothing in a file is required for it."""
    cpu = msgspec.structs.replace(MACHINE.cpu, model="", isa=[], caches=[], allowed=[])
    nothing = msgspec.structs.replace(MACHINE, cpu=cpu, memory=Memory(total=0), numa=[])
    assert len(identity.setup_of(nothing, {}).digest) == 16


@pytest.mark.parametrize("size", ["1.2.3 GiB", "0 GiB", "9" * 400 + " GiB"])
def test_sizes_of_foreign_files_are_harmless(size: str) -> None:
    """asv's and pytest-benchmark's files can state anything."""
    assert identity.alike(size, size)
    assert len(identity.Identity({"memory": size}).digest) == 16
