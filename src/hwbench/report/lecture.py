"""The lecture's slides in order, and what answers each: `lecture.toml` beside this file."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_suffix(".toml")
KINDS = {
    "measured": "measured here",
    "computed": "computed here, in the type itself",
    "simulated": "simulated cycle by cycle",
    "synthesised": "synthesised, placed and routed for a part that is not here",
    "counted": "counted in machine code (static)",
    "none": "cannot be had",
}


@dataclass(frozen=True)
class Slide:
    """A slide: what it claims ("" where it claims nothing), and the benches that ask this machine.

    `of` says what their figures are (`KINDS`), `chart` what the page shows, `cannot` what hwbench cannot say of it.
    `finding` is a pattern of the finding that speaks of the claim; "" takes the first. `fact` names a sentence from
    facts (`views/applications/lecture_facts.py`) that answers instead, `answer` one that holds whatever was measured.
    `opencl` are benches to run on OpenCL devices as well.
    """

    title: str
    claim: str = ""
    benches: Sequence[str] = ()
    of: str = "none"
    chart: str = ""
    cannot: str = ""
    finding: str = ""
    fact: str = ""
    answer: str = ""
    opencl: Sequence[str] = ()

    @property
    def command(self) -> str:
        """The command that measures its benches; "" without any."""
        return "; ".join(self.commands)

    @property
    def commands(self) -> list[str]:
        """The commands that measure its benches, one for each choice of devices."""
        named = [f"hwbench run {' '.join(self.benches)}"] if self.benches else []
        return named + [f"hwbench run {' '.join(self.opencl)} --device opencl"] * bool(self.opencl)


@dataclass(frozen=True)
class Part:
    """Slides of one subject, in order."""

    name: str
    slides: Sequence[Slide]

    @property
    def claims(self) -> list[Slide]:
        """The slides that claim something."""
        return [slide for slide in self.slides if slide.claim]


@functools.cache
def parts() -> tuple[Part, ...]:
    """The deck from its first slide to its last."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Part(part["name"], tuple(Slide(**slide) for slide in part["slides"])) for part in read["part"])
