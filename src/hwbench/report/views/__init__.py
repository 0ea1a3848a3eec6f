"""The sections of the page, in order within their topics. A view is a function `(runs) -> Section or None`.

A view that has nothing to show of these runs returns None, and the page has no such section.
"""

from __future__ import annotations

from collections.abc import Callable

from ..dataset import Runs
from ..sections import Section
from .applications.dsp import view as dsp
from .applications.fpga import view as fpga
from .applications.house_prices import view as house_prices
from .applications.lecture import view as lecture
from .applications.stability import view as stability
from .applications.systolic import view as systolic
from .bandwidth import view as bandwidth
from .blocking import view as blocking
from .computing import view as computing
from .contrasts import view as contrasts
from .cpu_vs_gpu import view as cpu_vs_gpu
from .crosscheck import view as crosscheck
from .distributions import view as distributions
from .findings import view as findings
from .gpu.breakeven import view as gpu_breakeven
from .gpu.latency import view as gpu_latency
from .gpu.link import view as gpu_link
from .gpu.occupancy import view as gpu_occupancy
from .gpu.peers import view as gpu_peers
from .gpu.roofline import view as gpu_roofline
from .history import view as history
from .ladder import view as ladder
from .latency import view as latency
from .latency_under_load import view as latency_under_load
from .machine import view as machine
from .mix import view as mix
from .nodes import view as nodes
from .operations import view as operations
from .quality import view as quality
from .records import view as records
from .reduction import view as reduction
from .roofline import view as roofline
from .scaling import view as scaling
from .side_by_side import view as side_by_side
from .stride import view as stride
from .summary import below_the_roofs
from .summary import view as summary
from .translation import view as translation

View = Callable[[Runs], Section | None]

VIEWS: tuple[View, ...] = (
    summary,
    side_by_side,
    below_the_roofs,
    machine,
    cpu_vs_gpu,
    findings,
    ladder,
    contrasts,
    stride,
    blocking,
    reduction,
    operations,
    latency,
    latency_under_load,
    translation,
    bandwidth,
    mix,
    nodes,
    scaling,
    roofline,
    computing,
    gpu_link,
    gpu_peers,
    gpu_roofline,
    gpu_latency,
    gpu_occupancy,
    gpu_breakeven,
    lecture,
    stability,
    systolic,
    fpga,
    dsp,
    house_prices,
    crosscheck,
    history,
    quality,
    distributions,
    records,
)
