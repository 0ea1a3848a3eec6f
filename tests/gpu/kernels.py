"""For each kernel that is shipped a case that launches it, of a size that tells its speed, and of a small one.

Under a tool that watches each access a kernel takes a hundred times as long, and on fibers more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from gpu.beside_nvcc import Launch, recorded
from hwbench import catalog
from hwbench.measurement import cases, policy
from hwbench.measurement.engine import Engine
from hwbench.record.model import Case


@dataclass(frozen=True)
class Shown:
    """The bench, variant and parameters by which a kernel is launched.

    `small` replaces some of them in the small case, and `constants` some of the numbers in the bench's module.
    """

    bench: str
    variant: str
    params: Mapping[str, Any]
    small: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, int] = field(default_factory=dict)


# The device's own, what is never launched, and what waits for the host.
NOT_COMPARED = {
    ("gpu_gate", "gate"), ("gpu_gate", "stamp"), ("gpu_gate", "burn"), ("device.peak", "control"),
    ("transfer.mailbox", "reply"),
}  # fmt: skip

SHOWN: dict[tuple[str, str], Shown] = {
    ("transfer.copy", "move16"): Shown(
        "transfer.copy", "raw", {"direction": "h2d", "memory": "mapped", "size": "64MiB"}, {"size": "64KiB"}
    ),
    ("transfer.copy", "chain"): Shown(
        "transfer.overlap", "pipeline", {"stage": "kernel", "streams": 1, "size": "64MiB"}, {"size": "64KiB"}
    ),
    **{
        ("device.stream", f"{kernel}{width}"): Shown(
            "device.stream", f"bytes{width}", {"kernel": kernel, "size": "HBM"}, {"size": "1MiB"}, {"LEAST": 0}
        )
        for kernel in ("copy", "triad", "read", "write") for width in (4, 8, 16)
    },
    **{
        ("device.stream", f"{kernel}{width}_again"): Shown(
            "device.stream", f"bytes{width}", {"kernel": kernel, "size": "L2"}, {"size": "1MiB"}
        )
        for kernel in ("copy", "triad", "write") for width in (4, 8, 16)
    },
    **{
        ("device.latency", kernel): Shown("device.latency", variant, {"size": size}, {"size": "8KiB"})
        for kernel, variant, size in (
            ("link", "l2", "HBM"), ("warm", "l2", "L2"), ("chase_ca", "l1", "16KiB"), ("chase_cg", "l2", "L2"),
        )
    },
    ("device.coalescing", "pick"): Shown("device.coalescing", "contiguous", {"n": 2**26}, {"n": 2**12}),
    ("device.coalescing", "pick_index"): Shown("device.coalescing", "gather", {"n": 2**26}, {"n": 2**12}),
    ("device.coalescing", "sum_fields"): Shown("device.layout", "soa", {"fields": 32}),
    ("device.coalescing", "banks"): Shown("device.banks", "shared", {"stride": 1}),
    **{("device.cache", f"read_{variant}"): Shown("device.cache", variant, {}) for variant in ("shared", "l1")},
    **{
        ("device.roofline", f"fused_{dtype}_{pairs}"): Shown(
            "device.roofline", "fused", {"dtype": dtype, "fmas": 2 * pairs, "size": "HBM"}, {"size": "1MiB"}
        )
        for dtype in ("f4", "f8") for pairs in (1, 8, 32)
    },
    ("device.divergence", "paths"): Shown("device.divergence", "uniform", {"paths": 32}),
    **{
        ("device.occupancy", f"copy_{chains}"): Shown(
            "device.occupancy", "kernel", {"work": "copy", "threads": 131072, "chains": chains}, {"threads": 512}
        )
        for chains in (1, 2, 4, 8)
    },
    ("device.graph", "advance"): Shown("device.graph", "queued", {"n": 2**18}, {"n": 500}),
    ("device.graph", "advance_all"): Shown("device.graph", "persistent", {"n": 2**18}, {"n": 500}),
    ("device.sync", "mark"): Shown("device.launch", "queued", {}),
    **{
        ("device.sync", kernel): Shown("device.sync", variant, {"block": 256})
        for kernel, variant in (("barriers_block", "block"), ("barriers_grid", "grid"), ("step", "launch"))
    },
    **{
        ("device.sync", f"atomic_{variant}"): Shown("device.atomics", variant, {"addresses": 32})
        for variant in ("global", "shared", "warp")
    },
    **{
        ("device.peak", f"fma_{dtype}_{chains}"): Shown("device.peak", "fma", {"dtype": dtype, "chains": chains})
        for dtype in ("f4", "f8", "f2", "i4") for chains in (1, 2, 4, 8)
    },
    **{
        ("device.tensor", f"mma_{precision}"): Shown("device.tensor", "mma", {"precision": precision})
        for precision in ("f16", "bf16", "tf32", "fp8", "int8", "f16_sums")
    },
}  # fmt: skip


@contextlib.contextmanager
def built(device: Any, cpu: Any, kernel: tuple[str, str], small: bool = False) -> Iterator[tuple[Any, Launch | None]]:
    """The trial of a kernel's case, its answer checked, and its first launch; None where the card lacks something."""
    shown = SHOWN[kernel]
    params = {**shown.params, **(shown.small if small else {})}
    group = cases.Group(catalog.benches()[shown.bench], (Case(shown.bench, shown.variant, "gpu:0", params),))
    engine = Engine({"gpu:0": device, "cpu": cpu}, policy.POLICIES["quick"])
    with contextlib.ExitStack() as changed:
        for name, value in shown.constants.items() if small else ():
            changed.enter_context(mock.patch(f"hwbench.benches.{shown.bench}.{name}", value))
        launches = changed.enter_context(recorded(device))
        [trial] = changed.enter_context(engine.prepared(group))
        assert trial.status in ("ok", "skipped"), f"{trial.case.label}: {trial.status}: {trial.why}"
        found = next((launch for launch in launches if (launch.topic, launch.kernel) == kernel), None)
        assert found is not None or trial.status == "skipped", f"{trial.case.label} launches no {kernel[1]}"
        yield trial, found
