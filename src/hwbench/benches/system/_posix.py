"""What benches of the operating system share: what they lack, and kernels that a pinned thread runs."""

from __future__ import annotations

import mmap
from collections.abc import Callable

from ...bench import Skip, Work
from ...kernels import libc
from ...protocols import Call, Cpu
from ...record import text
from ...record.reasons import Reason, because


def lacks(*names: str) -> Callable[[], Reason | None]:
    """What `needs=` asks: whether compiled code can call these functions of the C library."""

    def needs() -> Reason | None:
        why = libc.lacking(*names)
        return because("unsupported", why) if why else None

    return needs


PAGE = mmap.PAGESIZE


def in_pages(size: int) -> int:
    """The bytes of the whole pages in `size`; Skip where there is none."""
    if size < PAGE:
        raise Skip("too_small", f"{size} bytes are too few: a page has {text.size(PAGE)}")
    return size // PAGE * PAGE


def pinned(device: Cpu, job: Callable[[int, int], None], output: Call, close: Call | None = None) -> Work:
    """The work of `job(loops, gate)` on one pinned thread."""
    crew = device.crew(1)
    crew.each(lambda _rank: job(1, 0))  # compiled here
    return crew.work([job], output=output, close=close)
