"""The sections of the page, in order. A view is a function `(runs) -> Section or None`.

A view that has nothing to show of these runs gives None, and the page then has no such section. What reads other
histories (asv results, pytest-benchmark JSON) becomes a view here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...record.model import Run
from ..sections import Section
from .applications.dsp import view as lecture_dsp
from .applications.house_prices import view as lecture_house
from .applications.stability import view as lecture_stability
from .applications.systolic import view as lecture_systolic
from .bandwidth import view as bandwidth
from .blocking import view as blocking
from .contrasts import view as contrasts
from .cpu_vs_gpu import view as lecture_machine
from .crosscheck import view as verify
from .findings import view as findings
from .gpu.breakeven import view as gpu_breakeven
from .gpu.link import view as gpu_link
from .gpu.roofline import view as gpu_roofline
from .history import view as history
from .ladder import view as ladder
from .latency import view as latency
from .latency_under_load import view as waiting
from .machine import view as machine
from .matmul import view as computing
from .quality import view as quality
from .records import view as records
from .reduction import view as reduction
from .roofline import view as roofline
from .scaling import view as scaling
from .stride import view as stride

View = Callable[[Sequence[Run]], Section | None]

VIEWS: tuple[View, ...] = (
    machine,
    lecture_machine,
    findings,
    ladder,
    contrasts,
    stride,
    blocking,
    reduction,
    latency,
    waiting,
    bandwidth,
    scaling,
    roofline,
    computing,
    gpu_link,
    gpu_roofline,
    gpu_breakeven,
    lecture_stability,
    lecture_systolic,
    lecture_dsp,
    lecture_house,
    verify,
    history,
    quality,
    records,
)
