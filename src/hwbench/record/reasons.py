"""Why a case is suspect, wrong, failed or skipped: a code from one table, and a detail in words.

Whoever reads a reason decides by its code alone. The table gives each code its words and its remedy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from .installing import INSTALL_CUPY, INSTALL_OPENCL, command

LONGEST = 500  # characters of a detail


class Reason(msgspec.Struct, frozen=True):
    """A code and what it holds for one case: `steal` and `12% of a CPU`.

    `because` makes one. A file of a newer hwbench may have codes that this one does not know.
    """

    code: str
    detail: str = ""

    def __str__(self) -> str:
        """Words and detail in one line; of an unknown code the detail, or the code itself."""
        if self.code not in TABLE:
            return self.detail or self.code
        known = TABLE[self.code]
        return self.detail if self.detail and known.whole else ": ".join(filter(None, (known.words, self.detail)))

    @property
    def words(self) -> str:
        """The words alone; the detail where it says all of it, or where the code is unknown."""
        return str(self) if self.code not in TABLE or TABLE[self.code].whole else TABLE[self.code].words

    @property
    def remedy(self) -> str:
        """What to do about it; "" for an unknown code."""
        return TABLE[self.code].remedy if self.code in TABLE else ""


class Meaning(NamedTuple):
    """What a code says, and what to do about it. `whole`: a detail says all of it, and stands without the words."""

    words: str
    remedy: str
    whole: bool = False


_AGAIN = "Close what else is running, then measure these benches again."
_COOL = "Let the machine cool down, fix the clock (performance governor, no turbo), and measure again."
_REPORT = "Please report it."
_NOTHING = "Nothing to do: "

TABLE: dict[str, Meaning] = {
    # --- suspect: what disturbed measuring
    "steal": Meaning(
        "the hypervisor gave the CPU to other guests (steal)",
        "Other guests had the processor. Measure at a quieter hour, or on a dedicated machine.",
    ),
    "other_processes": Meaning("other processes used the CPUs", _AGAIN),
    "quota": Meaning(
        "the cgroup's CPU quota stopped hwbench",
        "Give the container more processor time, or measure with no more threads than its quota has CPUs.",
    ),
    "time_taken": Meaning("something else took CPU time", _AGAIN + " A quota of an outer cgroup shows by this alone."),
    "clock_drift": Meaning("the clock drifted", _COOL),  # in older files only
    "cpus_moved": Meaning(
        "CPUs were moved between caches",
        "The hypervisor moved this guest's CPUs. Ask for CPUs that stay in place (a dedicated host). Until then "
        "figures for several threads mix two placements.",
    ),
    "core_shared": Meaning(
        "another thread ran on the same core",
        "It used the core's second hardware thread (SMT). On a guest it is a neighbour's, which no counter shows, or "
        "the host runs two of the guest's CPUs on one core. Ask for cores of your own (a dedicated host), or measure "
        "at a quieter hour. On a machine of your own end other work.",
    ),
    "busy_threads": Meaning(
        "threads of this process worked between the samples",
        "A pool's threads do not go to sleep (KMP_BLOCKTIME, OMP_WAIT_POLICY=active, GOMP_SPINCOUNT), or a thread of "
        "your own runs. Unset the variable, or measure the variants one by one.",
    ),
    "bound_threads": Meaning(
        "OpenMP binds several threads to one CPU",
        "Unset GOMP_CPU_AFFINITY, OMP_PLACES and OMP_PROC_BIND, or name a CPU for each thread.",
    ),
    "bimodal": Meaning(
        "the samples are bimodal",
        "Something switches between two states: page placement, a sibling core, the clock. Measure again with "
        "--preset full.",
    ),
    "gpu_power_cap": Meaning(
        "the GPU was held back by its power limit",
        "Raise the power limit (nvidia-smi -pl WATTS) if the card allows it, or compare at a fixed lower clock "
        "(nvidia-smi -lgc MHZ).",
    ),
    "gpu_thermal": Meaning(
        "the GPU was held back by its temperature",
        "Improve the cooling or let the card cool down, then measure again.",
    ),
    "gpu_hw_slowdown": Meaning(
        "the GPU's hardware slowed its clock down",
        "Check the card's power supply and cooling (nvidia-smi -q -d PERFORMANCE shows the cause), then measure again.",
    ),
    "gpu_clock_drift": Meaning(
        "the GPU's clock drifted",
        "Fix the clock (nvidia-smi -lgc MHZ) and measure again.",
    ),
    "gpu_low_clock": Meaning(
        "the GPU's clock was low",
        "See what holds the clock down (nvidia-smi -q -d CLOCK,PERFORMANCE), then measure again.",
    ),
    "gpu_gate": Meaning(
        "the gate opened before all was queued, so that waiting for the host is counted in",
        "The host queued too slowly. " + _AGAIN,
    ),
    "gpu_no_gate": Meaning(
        "timed without the gate, so that launching is counted in",
        "Measure without the profiler or debugger, and with CUDA_LAUNCH_BLOCKING unset.",
    ),
    "opencl_events": Meaning(
        "the driver's events contradict the host's clock, or other processes held the CPU: timed by the host's clock, "
        "launching counted in",
        "Measure on an idle machine; where it stays, update the OpenCL driver. Until then figures of short kernels are "
        "too low.",
    ),
    # --- suspect: what was asked for and not had
    "not_pinned": Meaning(
        "its threads could not be pinned",
        "The system refuses sched_setaffinity: allow it in the container (seccomp), or measure outside of it.",
    ),
    "not_huge": Meaning(
        "huge pages were asked for and not had",
        "Free memory (echo 1 | sudo tee /proc/sys/vm/compact_memory), allow madvise in the container, or measure with "
        "--param pages=4K.",
    ),
    # --- suspect: an error after measuring
    "failed_after": Meaning("failed after measuring", "The samples are kept. " + _REPORT),
    "failed_again": Meaning("failed when sampled once more", "The first samples are kept. " + _REPORT),
    # --- suspect: concluded when a run is read, never stored
    "implausible": Meaning(
        "cannot be true",
        "The limit was disturbed, or the counts are wrong. Measure both again.",
    ),
    "above_limit": Meaning(
        "above its limit, but that limit was disturbed",
        "The limit or this figure was disturbed. Measure both again.",
    ),
    "doubtful": Meaning(
        "slower than a level further from the core",
        "This level must be at least as fast as the further one. Measure it again: shares of it are too high.",
    ),
    "twins": Meaning(
        "two measurements of one quantity disagree",
        "At least one of the two was disturbed. Measure both again.",
    ),
    "out_of_order": Meaning(
        "out of order",
        "A nearer level is no slower than a further one, idle memory no slower than loaded memory. Measure both again.",
    ),
    # --- wrong, error
    "wrong_answer": Meaning(
        "the answer is wrong", "No time is shown. A kernel or a compiler is at fault: please report it.", whole=True
    ),
    "error": Meaning("failed", "HWBENCH_DEBUG=1 shows where. " + _REPORT, whole=True),
    "gpu_lost": Meaning(
        "a kernel ended the GPU's context",
        "Measure the other cases of this GPU in a new process: hwbench run --resume. " + _REPORT,
    ),
    # --- skipped: the request
    "budget": Meaning("the budget was spent before its turn", "Raise --budget, or go on with --resume."),
    "bad_value": Meaning("the bench does not take this value", "Choose another value with --param.", whole=True),
    "too_small": Meaning("the size is too small", "Ask for a larger size with --param size=…", whole=True),
    "too_long": Meaning("takes too long", "Ask for a smaller case with --param.", whole=True),
    "one_thread": Meaning("runs on one thread", _NOTHING + "other variants use several threads.", whole=True),
    "no_such_case": Meaning("not possible", _NOTHING + "this combination of values does not exist.", whole=True),
    # --- skipped: the machine
    "needs_cpus": Meaning(
        "too few CPUs", "Allow more CPUs (affinity mask, cgroup), or measure on a larger machine.", whole=True
    ),
    "needs_threads": Meaning(
        "too few threads in the pool",
        "Start hwbench with more threads: NUMBA_NUM_THREADS, OPENBLAS_NUM_THREADS.",
        whole=True,
    ),
    "needs_smt": Meaning("needs SMT", _NOTHING + "this machine has one thread a core, or hides the siblings."),
    "needs_nodes": Meaning(
        "needs two NUMA nodes with CPUs", _NOTHING + "all memory is equally near to the CPUs that may be used."
    ),
    "needs_processes": Meaning(
        "the system starts no more threads",
        "Raise the limit on processes: ulimit -u, pids.max of the cgroup (Docker: --pids-limit).",
    ),
    "needs_isa": Meaning(
        "the processor lacks the instructions or registers",
        _NOTHING + "other variants run on this processor.",
        whole=True,
    ),
    "needs_level": Meaning("no such level here", "Give a size in bytes: --param size=24KiB.", whole=True),
    "needs_memory": Meaning(
        "too little memory", "Free some memory, or ask for a smaller size with --param size=…", whole=True
    ),
    "needs_huge_pages": Meaning(
        "no huge pages", "Set transparent huge pages to madvise, or measure with --param pages=4K.", whole=True
    ),
    "needs_counter": Meaning(
        "no counter of energy can be read",
        "Measure on bare metal, as root or with the counter made readable.",
        whole=True,
    ),
    "needs_directory": Meaning(
        "no directory is named", "Name one with --param dir=DIR; its disk is measured.", whole=True
    ),
    "needs_space": Meaning(
        "too little space there", "Free some space, or ask for a smaller size with --param size=…", whole=True
    ),
    "needs_library": Meaning("a library is missing", "Install the library, then measure again.", whole=True),
    "unsupported": Meaning(
        "the library has no such function", _NOTHING + "other variants of the bench cover this case.", whole=True
    ),
    # --- skipped: the GPU
    "needs_gpu": Meaning(
        "no GPU can be used",
        "On a machine with an NVIDIA GPU install its driver, then CuPy: " + INSTALL_CUPY + ".",
        whole=True,
    ),
    "needs_cupy": Meaning(
        "CuPy cannot be used",
        f"Install CuPy: {INSTALL_CUPY}.",
        whole=True,
    ),
    "needs_driver": Meaning("the NVIDIA driver cannot be used", "Update or repair the NVIDIA driver.", whole=True),
    "gpu_hidden": Meaning("no GPU is visible", "Check nvidia-smi and CUDA_VISIBLE_DEVICES.", whole=True),
    "gpu_too_old": Meaning(
        "the GPU is too old for the installed CUDA",
        f"Uninstall cupy-cuda13x, then {command('gpu-cuda12')}.",
        whole=True,
    ),
    "gpu_rocm": Meaning(
        "CuPy is built for ROCm", f"Measure AMD's GPUs by OpenCL: {INSTALL_OPENCL}, then --device opencl.", whole=True
    ),
    "gpu_broken": Meaning("the GPU cannot be used", "nvidia-smi shows its state and who uses it."),
    "gpu_lacks": Meaning("the GPU lacks a feature", _NOTHING + "this card or system does not have it.", whole=True),
    "gpu_no_mailbox": Meaning(
        "host and kernel do not run at the same time",
        "Measure without a profiler or debugger, with CUDA_LAUNCH_BLOCKING unset, and with nobody else on the card.",
    ),
    # --- skipped: OpenCL
    "needs_pyopencl": Meaning("pyopencl cannot be used", f"Install it: {INSTALL_OPENCL}.", whole=True),
    "needs_opencl": Meaning(
        "no OpenCL device was found", "Install a driver: docs/opencl.md has one for each vendor.", whole=True
    ),
    "opencl_broken": Meaning(
        "an OpenCL device cannot be used", "Update or remove its driver; clinfo shows what it says."
    ),
    "opencl_lacks": Meaning("the OpenCL device lacks a feature", _NOTHING + "its driver does not have it.", whole=True),
    # --- skipped: native tools
    "needs_tool": Meaning(
        "a native tool is missing", "Install the tool named, then run hwbench verify again.", whole=True
    ),
    "tool_failed": Meaning("a native tool failed", "Run the command by hand to see why.", whole=True),
    # --- text of schema 1 that stands for no other code
    "other": Meaning(
        "no reason is known", "An older hwbench wrote this. Measure again for a code and its remedy.", whole=True
    ),
}

# Concluded by whoever reads a run, and never stored.
CONCLUDED = frozenset({"implausible", "above_limit", "doubtful", "twins", "out_of_order"})


def because(code: str, detail: str = "") -> Reason:
    """A reason with a code of the table, its detail in one line that JSON can hold; ValueError for any other code."""
    if code not in TABLE:
        raise ValueError(f"'{code}' is no code of a reason; hwbench/record/reasons.py has them all")
    # The name of a file in an exception may have lone surrogates.
    return Reason(code, " ".join(detail.split()).encode(errors="backslashreplace").decode()[:LONGEST])


def words_of(code: str) -> str:
    """The words for a code; the code itself where a newer hwbench wrote it."""
    return TABLE[code].words if code in TABLE else code


def told(reasons: Iterable[Reason]) -> str:
    """All reasons in one line; "" without any."""
    return "; ".join(map(str, reasons))


def has(reasons: Iterable[Reason], *codes: str) -> bool:
    """Whether one of these codes is among the reasons."""
    return any(one.code in codes for one in reasons)
