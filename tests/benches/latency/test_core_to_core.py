"""A line handed to and fro: every pair, every handover counted, what two CPUs share, and where there is no pair."""

import dataclasses

import msgspec
import pytest

from hwbench.benches.latency import core_to_core
from hwbench.devices.cpu import CpuDevice
from hwbench.host.system import Host, SharedCache
from hwbench.kernels import ping_pong
from inspection import listing
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

BENCH = core_to_core.bench

# Two packages of two cores with two threads each; a last level for each package.
TWO = Host(
    allowed=tuple(range(8)),
    cores={cpu: (cpu // 2 % 2, cpu % 2) for cpu in range(8)},
    caches=(
        *(SharedCache(1, 2**15, 64, (cpu, cpu + 4)) for cpu in range(4)),
        SharedCache(3, 2**25, 64, (0, 1, 4, 5)),
        SharedCache(3, 2**25, 64, (2, 3, 6, 7)),
    ),
)
# One package whose last level is cut into two, as chiplets are.
CHIPLETS = Host(
    allowed=tuple(range(4)),
    cores={cpu: (0, cpu) for cpu in range(4)},
    caches=(SharedCache(3, 2**25, 64, (0, 1)), SharedCache(3, 2**25, 64, (2, 3))),
)


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def here(device):
    if reason := core_to_core.lacking(device):
        pytest.skip(str(reason))
    return {"device": device, "pairs": "all"}


@pytest.mark.parametrize("variant", ["store", "exchange"])
def test_every_handover_counts(device, variant):
    """After a call every pair's counter has come two handovers a round trip far."""
    assert verdict(BENCH, variant, here(device)) == ""


def test_one_handover_less_is_caught(device, monkeypatch):
    """A thread that stops a handover early leaves another number."""
    right = core_to_core.bounce

    def early(address, turn, last, gate):
        right(address, turn, last - 1, gate)

    monkeypatch.setattr(core_to_core, "bounce", early)
    assert "differs" in verdict(BENCH, "store", here(device))


def test_each_pair_has_its_best_time(device):
    """While it is timed the facts get the best time of a handover for each pair, with its CPUs and what they share."""
    work, _ = work_of(BENCH, "store", here(device))
    assert all(seconds == 0 for *_, seconds in work.facts["between"])
    total = work.timer(2)
    between = work.facts["between"]
    assert [tuple(row[:2]) for row in between] == [
        (device.host.order[a], device.host.order[b]) for a, b in core_to_core.pairs_of(device)
    ]
    hops = BENCH.count(here(device))["hops"]
    first = [seconds for *_, seconds in between]
    assert sum(first) * 2 * hops / len(between) == pytest.approx(total)
    work.timer(2)
    assert all(later[-1] <= seconds for later, seconds in zip(between, first, strict=True))
    work.close()


def test_all_pairs_are_taken_once():
    """Eight CPUs are twenty-eight pairs, a quota of three leaves three."""
    pairs = core_to_core.pairs_of(CpuDevice(TWO))
    assert len(set(pairs)) == len(pairs) == 28
    assert core_to_core.pairs_of(CpuDevice(limited(TWO, 3.0))) == [(0, 1), (0, 2), (1, 2)]


def limited(host, quota):
    """The host under a cgroup's quota."""
    return dataclasses.replace(host, quota=quota)


@pytest.mark.parametrize(
    ("host", "a", "b", "what"),
    [
        (TWO, 0, 4, "core"), (TWO, 0, 1, "cache"), (TWO, 0, 5, "cache"), (TWO, 0, 2, "memory"), (TWO, 1, 7, "memory"),
        (CHIPLETS, 0, 1, "cache"), (CHIPLETS, 1, 2, "package"), (Host(allowed=(0, 1)), 0, 1, "package"),
    ],
)  # fmt: skip
def test_what_two_cpus_share(host, a, b, what):
    """Hardware threads share a core, neighbours the last level, chiplets a package, sockets memory alone."""
    assert core_to_core.shared(host, a, b) == what


def test_one_cpu_has_no_pair():
    """With one usable CPU the case is skipped, and says how many there are."""
    for host in (Host(allowed=(3,)), Host(allowed=(0, 1), quota=1.9)):
        said = BENCH.lacks("store", {"device": CpuDevice(host), "pairs": "all"})
        assert str(said) == "needs 2 CPUs that hand a cache line to each other; 1 may be used"


def test_many_pairs_take_fewer_round_trips():
    """A call stays short on many CPUs: the trips of all pairs are bounded until each has the least."""
    assert core_to_core.trips(CpuDevice(Host(allowed=(0, 1)))) == 4096
    assert core_to_core.trips(CpuDevice(Host(allowed=tuple(range(16))))) == 2**18 // 120
    assert core_to_core.trips(CpuDevice(Host(allowed=tuple(range(128))))) == 512


@pytest.mark.parametrize(
    ("between", "told"),
    [
        ([], "."),
        ([[0, 1, "core", 20e-9]], "; at best 20.0 ns between threads of one core."),
        (
            [[0, 1, "cache", 50e-9], [0, 2, "memory", 120e-9], [1, 2, "memory", 140e-9]],
            " (mean of 3 pairs of CPUs); at best 50.0 ns between cores that share the last-level cache and 120 ns to "
            "140 ns between packages.",
        ),
    ],
)
def test_the_finding_goes_by_what_is_shared(between, told):
    """Pairs are told by what they share, a single time where all are alike, and the price of compare-and-swap."""
    rows = [("store", {"pairs": "all"}, 1e-3), ("exchange", {"pairs": "all"}, 2e-3)]
    read = spread(reading(BENCH, rows, {"hops": 10_000}))
    read.records = [msgspec.structs.replace(r, facts={"between": between}) for r in read.records]
    assert said(read) == [
        f"Moving a cache line from one CPU to another takes 100 ns (…){told}",
        "Moving a line by compare-and-swap on both sides is 2.00× slower than by load and store (…).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(read, "store")))
    assert said(reading(BENCH, rows[1:], {"hops": 1})) == []


# --- machine code -----------------------------------------------------------------------------------------------------


@listing.needs_x86
def test_an_exchange_is_a_locked_compare_and_swap():
    """A try of the other variant is one `lock cmpxchg`."""
    assert (
        listing.count(
            listing.assembly(core_to_core.bounce_exchange, None, (listing.INT,) * 4),
            r"^lock\s+cmpxchgq",
        )
        == 1
    )


def test_arm_hands_over_with_acquire_and_release():
    """On AArch64 the orders are instructions of their own: a load-acquire, a store-release, a compare-and-swap."""
    storing = listing.for_arm(ping_pong.bounce, None, (listing.INT,) * 4)
    assert listing.count(storing, r"^ldap?r\s+x") == 2  # at the gate, and to wait
    assert listing.count(storing, r"^stlr\s+x") == 2
    assert listing.count(listing.for_arm(core_to_core.bounce_exchange, None, (listing.INT,) * 4), r"^casal\s+x") == 1
