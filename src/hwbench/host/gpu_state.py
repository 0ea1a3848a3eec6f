"""What disturbs measuring on a GPU, by the state that its driver tells: limits, other processes, slices of a card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from ..record.model import Disturbance, Gpu, JsonObject

LOWERED = 0.99  # × the default power limit: below, somebody has lowered it


def disturbances(gpus: Sequence[Gpu]) -> list[Disturbance]:
    """What will disturb measuring on these cards, each named where there are several."""
    found: list[Disturbance] = []
    for number, gpu in enumerate(gpus):
        name = f"GPU {number}: " if len(gpus) > 1 else "GPU: "
        found += [msgspec.structs.replace(one, name=f"{name}{one.name}") for one in _of(gpu.state or {})]
    return found


def _of(state: JsonObject) -> Iterator[Disturbance]:
    for rule in RULES:
        if (one := rule(state)) is not None:
            yield one


def _others(state: JsonObject) -> Disturbance | None:
    others = state.get("processes")
    if not others:
        return None
    return Disturbance(
        "other processes",
        f"{others} beside this one",
        "they take turns with these kernels, and share memory, bandwidth and the power limit: all figures are lower",
        "stop them (nvidia-smi shows them), or measure on another card (CUDA_VISIBLE_DEVICES)",
    )


def _power(state: JsonObject) -> Disturbance | None:
    limit, default = state.get("power_limit_w"), state.get("power_default_w")
    if not limit or not default or limit >= LOWERED * default:
        return None
    return Disturbance(
        "power limit",
        f"{limit:g} W of {default:g} W",
        "the clock falls under compute-bound work: products and multiply-adds are slower than on other such cards",
        f"sudo nvidia-smi -pl {default:g}",
    )


def _clocks(state: JsonObject) -> Disturbance | None:
    if not state.get("clock_locked"):
        return None
    return Disturbance(
        "locked clocks",
        "the clock is limited by a user's setting",
        "figures repeat better, and are lower than at boost clocks",
        "sudo nvidia-smi -rgc, for boost clocks",
        "note",
    )


def _ecc(state: JsonObject) -> Disturbance | None:
    if state.get("ecc") is not False:
        return None
    return Disturbance(
        "ECC",
        "off",
        "on cards with GDDR memory bandwidth is some percent higher than with ECC, and errors go unseen",
        "sudo nvidia-smi -e 1, and restart, to compare with cards that have it on",
        "note",
    )


def _slice(state: JsonObject) -> Disturbance | None:
    if not state.get("mig"):
        return None
    return Disturbance(
        "MIG",
        "this is an instance of a partitioned card",
        "it has a part of the multiprocessors, L2 and memory: figures are no whole card's, and others use the rest",
        "sudo nvidia-smi -mig 0, to measure the whole card",
        "note",
    )


def _virtual(state: JsonObject) -> Disturbance | None:
    if state.get("virtual") != "vGPU":
        return None
    return Disturbance(
        "vGPU",
        "a hypervisor shares the card out by time",
        "other guests' kernels run between these: samples spread, and the driver may tell no clock and no power",
        "a whole card (passthrough), or an hour at which the host is idle",
    )


def _exclusive(state: JsonObject) -> Disturbance | None:
    if state.get("compute_mode") in (None, "default"):
        return None
    return Disturbance(
        "compute mode",
        f"{state['compute_mode']}",
        "one process at a time can use the card: what runs beside this run fails, and this run fails beside it",
        "sudo nvidia-smi -c DEFAULT",
        "note",
    )


RULES: Sequence[Callable[[JsonObject], Disturbance | None]] = (
    _others, _virtual, _power, _slice, _clocks, _ecc, _exclusive,
)  # fmt: skip
