"""The lecture, slide by slide: what each claims, what these runs say, the command, the chart; and its last table."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence, Set

from ....record import text
from ....record.facts import gpu_of, this_cpu
from ....record.model import FLOP_RATE
from ... import format, lecture
from ...dataset import Point, Runs
from ...sections import Block, Section, Table
from .. import integers
from . import fpga, lecture_facts
from .stability_facts import amount

HEAD = ("slide", "the lecture", "these runs", "command", "which is; the chart")
LONGEST = 340  # characters of a finding in a cell
TERA = 1e-3
NO_FINDING = "Measured, but no finding speaks of this claim."
NOT_HERE = "not measured in these runs"
INT8 = "dot-int8"  # the operation of the integer peak
NVIDIA, AMD, OTHER, CPU = "Nvidia GPU", "AMD GPU", "Intel/Arm/Qualcomm GPU", "OpenCL on this CPU"
# Whose an OpenCL device is, by its name and its platform's.
VENDORS = {NVIDIA: r"nvidia|geforce|tesla", AMD: r"\bamd\b|advanced micro|radeon|\bgfx\d"}


def view(runs: Runs) -> Section | None:
    """The summary of hardware and a table for each part of the deck; None where no bench of the lecture's was run."""
    findings = {name: _of_gpus(runs, sentences) for name, sentences in runs.findings.items()}
    asked = {name for part in lecture.parts() for slide in part.slides for name in slide.benches}
    if not asked & {record.bench for run in runs for record in run.records if record.timed}:
        return None
    blocks: list[Block] = [_hardware(runs)]
    timed = {
        record.bench for run in runs for record in run.records if record.timed and not this_cpu(run, record.device)
    }
    blocks += [_table(part, runs, findings, timed) for part in lecture.parts()]
    intro = [
        "hwbench puts the claims of one lecture (Numerical Stability, Hardware; Smola and Li, 2019) to this machine. "
        "The tables have its slides in order, each with what these runs say of its claim, or that they measured "
        "nothing of it.",
    ]
    return Section("slides", "Slides", "The lecture, slide by slide", intro, blocks, topic="lecture")


def _table(part: lecture.Part, runs: Runs, findings: Mapping[str, Sequence[str]], timed: Set[str]) -> Table:
    rows = [
        (
            slide.title,
            slide.claim,
            _said(slide, findings, runs.labels, fact=lecture_facts.of(slide.fact, runs), timed=timed),
            slide.command,
            "; ".join(filter(None, (lecture.KINDS[slide.of], slide.chart))),
        )
        for slide in part.claims
    ]
    return Table(f"Slides: {part.name}", HEAD, rows)


def _said(
    slide: lecture.Slide, findings: Mapping[str, Sequence[str]], labels: Sequence[str] = (), *, fact: str = "",
    timed: Set[str] | None = None,
) -> str:  # fmt: skip
    """What the runs say of the slide's claim, or that they measured nothing of it, and what cannot be said.

    A fact, else the first finding of its benches that speaks of the claim; its pattern holds for a finding without the
    run's name.
    """
    told = slide.answer or fact
    if not told and not slide.fact:
        said = (one for name in slide.benches for one in findings.get(name, ()))
        told = next((one for one in said if re.search(slide.finding, _bare(one, labels))), "")
    if not told and slide.benches and timed is not None:
        told = NO_FINDING if timed & {*slide.benches} else f"{NOT_HERE.capitalize()}."
    told = told if len(told) <= LONGEST else textwrap.shorten(told, LONGEST, placeholder=" …")
    return " ".join(
        [*filter(None, [told]), *([f"{slide.cannot[0].upper()}{slide.cannot[1:]}."] if slide.cannot else [])]
    )


def _bare(finding: str, labels: Sequence[str]) -> str:
    """A finding without the run's name before it."""
    return next((finding.removeprefix(f"{label}: ") for label in labels if finding.startswith(f"{label}: ")), finding)


# --- the summary of hardware ------------------------------------------------------------------------------------------


def _hardware(runs: Runs) -> Table:
    """The lecture's last table with figures: each is measured, simulated or published, and says so."""
    cpus = runs.measuring("fma")
    cpu, arm = (_fastest([point for point in cpus if _is_arm(runs, point) is so]) for so in (False, True))
    dots = [point for point in runs.measuring(integers.MEASURES) if point.text("operation") == INT8]
    in_int8, on_arm = (_in_int8([point for point in dots if _is_arm(runs, point) is so]) for so in (False, True))
    fma, product = _by_owner(runs, "gpu fma"), _by_owner(runs, "gpu tensor")
    gpus = {
        owner: "; ".join(
            filter(None, (_rate(fma.get(owner), "in registers"), _rate(product.get(owner), "tensor cores")))
        )
        for owner in (NVIDIA, AMD, OTHER, CPU)
    }
    by_opencl = f"{NOT_HERE} (--device opencl)"
    busy = [one for point in runs.measuring("systolic array") if (one := _busy(point)) is not None]
    asic = f"{max(busy)[1]} (simulated)" if busy else "not simulated in these runs"
    rows = [
        ("Intel/AMD CPU", "training", "common", "; ".join(filter(None, (_rate(cpu), in_int8))) or NOT_HERE,
         "0.15 TFLOP/s, Core i7-6700K (published: the lecture)"),
        ("Arm CPU", "inference", "common", "; ".join(filter(None, (_rate(arm), on_arm))) or NOT_HERE, ""),
        *([(CPU, "", "", gpus[CPU], "")] if gpus[CPU] else []),
        (NVIDIA, "training", "common", gpus[NVIDIA] or NOT_HERE,
         "12 TFLOP/s, Titan X (published: the lecture)"),
        (OTHER, "inference", "common", gpus[OTHER] or by_opencl, ""),
        (AMD, "training", "promising", gpus[AMD] or by_opencl, ""),
        ("AI ASIC", "training, inference", "promising", asic,
         "92 TOP/s int8, TPU v1: 256 × 256 × 2 × 700 MHz (published: Jouppi et al. 2017)"),
        ("DSP", "inference", "promising", _in_packets(runs.measuring("machine code")), ""),
        ("FPGA", "emulation of ASICs", "not in the lecture's table", _on_fpga(runs),
         "slower than GPUs and ASICs (published: the lecture)"),
    ]  # fmt: skip
    return Table("Hardware summary", ("hardware", "for", "", "here", "elsewhere"), rows, leads=True)


def _by_owner(runs: Runs, measures: str) -> dict[str, Point]:
    """The fastest point on the accelerators of each vendor, and on OpenCL devices that are the CPU."""
    found: dict[str, list[Point]] = {}
    for point in runs.measuring(measures):
        found.setdefault(_owner(runs, point), []).append(point)
    return {owner: best for owner, points in found.items() if (best := _fastest(points)) is not None}


def _owner(runs: Runs, point: Point) -> str:
    run, device = runs[point.run], point.record.device
    if not device.startswith("opencl"):
        return NVIDIA
    if this_cpu(run, device):
        return CPU
    about = gpu_of(run, device)
    named = f"{about.name} {(about.versions or {}).get('platform', '')}" if about is not None else ""
    return next((vendor for vendor, names in VENDORS.items() if re.search(names, named, re.IGNORECASE)), OTHER)


def _of_gpus(runs: Runs, sentences: Sequence[str]) -> list[str]:
    """The findings without those on OpenCL devices that are the CPU: they answer no claim about GPUs."""
    own = [one.name for run in runs for i, one in enumerate(run.machine.opencl) if this_cpu(run, f"opencl:{i}")]
    return [said for said in sentences if not any(name in said for name in own)]


def _on_fpga(runs: Runs) -> str:
    found = fpga.fastest(runs.measuring(fpga.MEASURES))
    return f"{found} (synthesised)" if found else "not synthesised in these runs"


def _in_packets(points: Sequence[Point]) -> str:
    """The most multiply-adds that a packet of a VLIW machine does; its algorithms run on this CPU."""
    packets = [p.record for p in points if amount(p.record, "packets") and amount(p.record, "per_issue")]
    if not packets:
        return "no DSP is measured, and its code was not counted in these runs"
    most = max(packets, key=lambda record: amount(record, "per_issue") or 0.0)
    done = text.amount(amount(most, "per_issue"))
    return f"{done} multiply-adds a packet, {most.variant} (counted in machine code; no DSP is measured)"


def _fastest(points: Sequence[Point]) -> Point | None:
    return max((p for p in points if p.record.counts.get("flops")), key=_flops, default=None)


def _flops(point: Point) -> float:
    return point.record.counts["flops"] / point.seconds.value


def _rate(point: Point | None, how: str = "") -> str:
    """`0.35 TFLOP/s in float32 (measured)`."""
    if point is None:
        return ""
    rate = point.seconds.inverse(point.record.counts["flops"]).scaled(FLOP_RATE.scale * TERA)
    of = " ".join(filter(None, (f"in {format.value_of('dtype', kind)}" if (kind := point.text("dtype")) else "", how)))
    return f"{text.amount(rate.value, 'TFLOP/s')} {of} (measured)"


def _in_int8(points: Sequence[Point]) -> str:
    """`0.94 TOP/s in int8 (measured)`, of dot products."""
    best = max((integers.rate(point).value for point in points if point.record.counts.get("ops")), default=0.0)
    return f"{text.amount(best * TERA, 'TOP/s')} in int8 (measured)" if best else ""


def _is_arm(runs: Runs, point: Point) -> bool:
    """Whether it was measured on an Arm CPU."""
    return runs[point.run].machine.cpu.arch.lower().startswith(("aarch", "arm"))


def _busy(point: Point) -> tuple[int, str] | None:
    """How busy an array is, by its size."""
    rows, columns, share = (point.record.facts.get(name) for name in ("rows", "columns", "utilisation"))
    if not (isinstance(rows, int) and isinstance(columns, int) and isinstance(share, int | float)):
        return None
    batch = point.text("shape").rpartition("x")[2]
    at = f" with a batch of {batch}" if batch.isdigit() else ""
    return rows * columns, f"{rows} × {columns} PEs, {text.share(share)} of them busy{at}"
