"""Run files of schema 1: the only place where the English sentences of their records become codes.

Schema 1 held `reason`, a sentence, or several with semicolons between where a record was suspect. A sentence that
stands for no code becomes `other`, with the sentence as its detail.
"""

from __future__ import annotations

import functools
import re

import msgspec

from .installing import command
from .model import Run, Status
from .reasons import Reason, because


class _OldRecord(msgspec.Struct):
    status: Status
    reason: str = ""


class _OldRun(msgspec.Struct):
    records: list[_OldRecord] = []


# The pattern of a whole sentence, and its code; the detail is the group, or the sentence where the pattern has none.
SUSPECT: tuple[tuple[str, str], ...] = (
    (r"the hypervisor took (.+) \(steal\)", "steal"),
    (r"other processes took (.+)", "other_processes"),
    (r"the cgroup's CPU quota stopped us for (.+)", "quota"),
    (r"the clock drifted by (.+)", "clock_drift"),
    (r"CPUs were moved between caches: (.+)", "cpus_moved"),
    (r"samples fall into two heaps, (.+)", "bimodal"),
    (r"the GPU was held back by its power limit in (.+)", "gpu_power_cap"),
    (r"the GPU was held back by its temperature in (.+)", "gpu_thermal"),
    (r"the GPU's hardware slowed its clock down in (.+)", "gpu_hw_slowdown"),
    (r"the GPU's clock drifted by (.+)", "gpu_clock_drift"),
    (r"the GPU's clock was (.+)", "gpu_low_clock"),
    (r"the gate opened (.+) before all was queued: .+", "gpu_gate"),
    (r"after measuring: (.+)", "failed_after"),
    (r"sampled once more it failed: (.+)", "failed_again"),
    (r"cannot be true: (.+)", "implausible"),
    (r"slower than a level further from the core \((.+)\), so it was disturbed", "doubtful"),
)
SKIPPED: tuple[tuple[str, str], ...] = (
    (r"the budget of (.+) was spent before its turn; raise --budget", "budget"),
    (r"needs SMT: (.+)", "needs_smt"),
    (r"no NVIDIA driver was found.*", "needs_gpu"),
    (r"the NVIDIA driver shows no GPU.*", "gpu_hidden"),
    (r"the NVIDIA driver (?:supports|refuses).*", "needs_driver"),
    (r"the GPU cannot be used \((.+)\); nvidia-smi tells more", "gpu_broken"),
    (r"the GPU has compute capability.*", "gpu_too_old"),
    (r"(?:CuPy is (?:not )?installed|NVRTC, CUDA's run-time compiler, cannot be loaded).*", "needs_cupy"),
    (r".*(?:free may be taken|are free|GPU has .+ free)", "needs_memory"),
    (
        r"(?:huge pages on request|this kernel has no transparent huge pages|transparent huge pages).*",
        "needs_huge_pages",
    ),
    (r"Numba cannot load the threading layer.*", "needs_library"),
    (r"needs cu.* could not be loaded.*|bf16 needs the package ml_dtypes", "needs_library"),
    (r"(?:NumPy runs on one thread|BLAS takes one thread).*", "one_thread"),
    (r"needs .* threads of .*|Numba was started with .* threads.*", "needs_threads"),
    (r"needs (?:\d+|two) (?:CPUs|cores).*", "needs_cpus"),
    (r"this CPU(?:'s vector registers have| has no).*|\d+ chains, a and b need .* registers of .*", "needs_isa"),
    (r".* bytes are too few: .*", "too_small"),
    (r"(?:SciPy|CuPy|cuBLASLt|this card has fp8).*", "unsupported"),
    (
        r"this machine reports no .*|L\d of .* is reported, but .*|.* of L\d are there for each thread, .*",
        "needs_level",
    ),
    (r"a (?:CPU|GPU) has no .*; its levels are .*", "needs_level"),
    (r".*(?: reported no rate|: does not print what STREAM|\.c failed|triad ended with ).*", "tool_failed"),
    (r".* is not installed .*|no (?:C compiler|STREAM binary) .*", "needs_tool"),
    (r"shared memory holds .* counters here|.*this (?:card|GPU) (?:has|lacks) .*", "gpu_lacks"),
)
# `hwbench` on the package index is another project: no page repeats the advice to install it.
OLD_HINT = r'(?:pip install )?"hwbench\[(gpu-cuda1[23])\]"'


def upgraded(run: Run, data: bytes) -> Run:
    """The run of schema 1 in this JSON text, as schema 2: its sentences become reasons."""
    old = msgspec.json.decode(data, type=_OldRun)
    records = [
        msgspec.structs.replace(record, reasons=reasons_of(before.status, before.reason))
        for record, before in zip(run.records, old.records, strict=True)
    ]
    return msgspec.structs.replace(run, schema=2, records=records)


def reasons_of(status: Status, text: str) -> list[Reason]:
    """The reasons in a record's text. Only a suspect record joined several; a skip may hold semicolons of its own."""
    if not text:
        return []
    if status == "wrong":
        return [because("wrong_answer", text)]
    if status == "error":
        return [because("error", text)]
    if status == "suspect":
        return [_reason(part, SUSPECT) for part in text.split("; ")]
    return [_reason(text, SKIPPED)]


@functools.lru_cache(maxsize=1024)
def _reason(text: str, table: tuple[tuple[str, str], ...]) -> Reason:
    """The reason that a sentence stands for; a run has many records with the same."""
    text = re.sub(OLD_HINT, lambda found: command(found[1]), text)
    line = because("other", text)  # cut to what a reason may hold, so that no pattern takes long
    for pattern, code in table:
        if found := re.fullmatch(pattern, line.detail):
            return because(code, found[1] if found.re.groups else line.detail)
    return line
