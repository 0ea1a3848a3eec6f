"""A mailbox between host and GPU: the host writes a number, a kernel that is running writes it back.

A kernel that stays on the GPU can be given work without a launch: host and kernel poll words in page-locked memory that
both see. A round trip is the least that such a call and its answer take. Both words lie in the host's memory, on lines
of their own: the host polls its cache, the kernel polls across the link.

Expect one and a half loads across the link (`transfer.latency`), a half for each of three ways: until a poll reaches
the host's memory (on average), the number's way to the kernel, and the answer's way back. The least is one load. A
mailbox that hands over more than one word also needs a fence on either side.

A call is `TRIPS` round trips of one launch, timed by the host from the first answer to the last: the launch is not in
it. `facts` have the median and the 99th percentile of single round trips. Neither side waits for ever: the kernel looks
`LOOKS` times for a number, the host waits for `LIMIT_S`. Where launches wait for their kernels, the case is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels import gate
from ...kernels.compiling import compiled
from ...kernels.gate import now, order_loads
from ...kernels.simd import put, read_shared, write_shared
from ...protocols import Array, Gpu, Results, Values
from ...record import phrases, text
from ..device import launch
from . import latency

TRIPS = 100  # of a call: some 0.2 ms over PCIe
MOST = 200  # calls of a sample, which one kernel answers: some 40 ms
LOOKS = 2**19  # of the kernel for one number: 0.3 s and more over PCIe
LIMIT_S = 1.0  # of the host for all numbers of a sample
HOST, ANSWER, GAVE_UP, WORDS = 0, 32, 64, 96  # words of the box, as in the kernel
BETWEEN = 64  # looks of the host between two at the clock

bench = Bench(
    "transfer.mailbox",
    question="How long does a number take from the host to a running kernel and back?",
    axes={},
    baseline="poll",
    leading="calls",
    tolerance=0.0,
    core=False,
)


@compiled
def converse(box: int, first: int, trips: int, limit: int, stamps: int) -> int:
    """Write the numbers from `first` on and wait for each to come back; how many did until `limit` or a given-up box.

    `stamps` is where the clock is written before the first number and after each answer.
    """
    begun = now()
    put(stamps, begun)
    for trip in range(trips):
        write_shared(box + 8 * HOST, first + trip)
        looks = 0
        while read_shared(box + 8 * ANSWER) != first + trip:
            order_loads()
            looks += 1
            if looks % BETWEEN == 0 and (now() - begun > limit or read_shared(box + 8 * GAVE_UP) != 0):
                return trip
        put(stamps + 8 * (trip + 1), now())
    return trips


@bench.reference
def answers() -> int:
    """A call's numbers, and one more before them."""
    return TRIPS + 1


@bench.counts
def counts() -> dict[str, float]:
    """A round trip is a call."""
    return {"calls": TRIPS}


@bench.memory
def memory() -> int:
    """Three words, each on lines of its own."""
    return 8 * WORDS


@bench.variant("poll", on="gpu")
def poll(device: Gpu) -> Work:
    """CUDA C++ and compiled code of the host, one thread each."""
    box = device.host("mapped", 8 * WORDS)
    words = box.array.view(np.int64)
    words[:] = 0
    submitted = device.event(timing=False)
    facts: Values = {"memory": "mapped", "timed_by": "host"}
    middle: list[float] = []
    slow: list[float] = []

    def exchange(trips: int) -> Array:
        """The clock before the first number and after each answer, in seconds."""
        first, stamps = int(words[HOST]) + 1, np.zeros(trips + 1, np.int64)
        words[GAVE_UP] = 0
        arguments = (np.uint64(box.device_ptr), np.uint64(first), np.int32(trips), np.int32(LOOKS))
        reply = device.launcher("transfer.mailbox", "reply", 1, 1, arguments)
        with device.near_the_gpu():
            reply()
            submitted.record(device.stream)
            _ = submitted.done  # Windows may keep launches back until it is asked for one
            waited = bool(words[GAVE_UP])
            limit = int(LIMIT_S * 1e9 / gate.UNIT_NS)
            came = converse(words.ctypes.data, first, trips, limit, stamps.ctypes.data)
            device.read_gauges()
            device.synchronize()
        if waited:
            raise Skip("gpu_no_mailbox", "the kernel had given up before its launch returned")
        if not came:
            raise Skip("gpu_no_mailbox", f"the kernel answered nothing within {text.seconds(LIMIT_S)}")
        if came < trips:
            raise RuntimeError(f"kernel or host gave up after {came} of {trips} round trips")
        return stamps * gate.UNIT_NS * 1e-9

    def call() -> int:
        return len(exchange(TRIPS + 1)) - 1

    def timer(loops: int) -> float:
        stamps = exchange(TRIPS * loops + 1)[1:]  # the first answer also waits for the kernel to start
        each = np.diff(stamps)
        middle.append(float(np.median(each)))
        slow.append(float(np.quantile(each, 0.99)))
        facts["trip_p50_s"], facts["trip_p99_s"] = float(np.median(middle)), float(np.median(slow))
        return float(stamps[-1] - stamps[0])

    return Work(call=call, timer=timer, facts=facts, close=box.close, most=MOST)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """A round trip and its spread, against a load across the link and a launch that is waited for."""
    record = results.find("poll")
    if record is None:
        return
    said = f"A number to a running kernel and back takes {text.seconds(results.each('calls', 'poll'))}"
    if late := record.facts.get("trip_p99_s"):
        said += f" (1% of them more than {text.seconds(float(late))})"
    shown, compared = [record], []
    each = float(np.median(record.samples)) / record.counts["calls"]
    load = results.beside(latency.bench).find("load", memory="host")
    if load is not None:
        hop = float(np.median(load.samples)) / load.counts["hops"]
        compared.append(f"{text.amount(each / hop)} times a load of the GPU from the host's memory")
        shown.append(load)
    waited = results.beside(launch.launch_bench).find("sync")
    if waited is not None:
        launched = float(np.median(waited.samples)) / waited.counts["calls"]
        compared.append(f"{text.share(each / launched)} of a launch that is waited for")
        shown.append(waited)
    yield phrases.marked(said + (f": {phrases.listed(compared)}" if compared else ""), *shown)
