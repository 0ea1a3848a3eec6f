"""The sections of the page, in order. A view is a function `(runs) -> Section or None`.

A view that has nothing to show of these runs gives None, and the page then has no such section. What reads other
histories (asv results, pytest-benchmark JSON) becomes a view here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...model import Run
from ..sections import Section
from .bandwidth import view as bandwidth
from .computing import view as computing
from .contrasts import view as contrasts
from .findings import view as findings
from .gpu_breakeven import view as gpu_breakeven
from .gpu_link import view as gpu_link
from .gpu_roofline import view as gpu_roofline
from .history import view as history
from .ladder import view as ladder
from .latency import view as latency
from .lecture_dsp import view as lecture_dsp
from .lecture_house import view as lecture_house
from .lecture_machine import view as lecture_machine
from .lecture_stability import view as lecture_stability
from .lecture_systolic import view as lecture_systolic
from .machine import view as machine
from .quality import view as quality
from .records import view as records
from .roofline import view as roofline
from .scaling import view as scaling
from .verify import view as verify
from .waiting import view as waiting

View = Callable[[Sequence[Run]], Section | None]

VIEWS: tuple[View, ...] = (
    machine,
    lecture_machine,
    findings,
    ladder,
    contrasts,
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
