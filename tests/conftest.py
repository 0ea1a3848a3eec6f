"""What several tests share: scripted benches in place of the real ones, and the command line run in-process."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings

from doubles import forks
from doubles.scripted import MACHINE, ScriptedDevice, scripted_bench
from hwbench.bench import Bench, Sweep, Threads

# Property tests here call pure functions; a slow, shared machine must not fail one of them for its time.
settings.register_profile("hwbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hwbench")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With HWBENCH_NO_SKIPS a skip is a failure: where everything is installed, none may hide behind a reason."""
    report = yield
    if report.skipped and os.environ.get("HWBENCH_NO_SKIPS") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{item.nodeid}: {reason}; HWBENCH_NO_SKIPS allows none"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--first-parameters`: each test runs once, with the first of its parameters; `--at-least`: how many must pass."""
    parser.addoption("--first-parameters", action="store_true", help="run each test with its first parameters only")
    parser.addoption("--at-least", type=int, default=0, help="fail where fewer tests pass")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hold `--at-least` in the process that reports, so that a selection cannot become empty unseen."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    wanted = session.config.getoption("at_least")
    if wanted and reporter and (passed := len(reporter.stats.get("passed", ()))) < wanted:
        reporter.write_line(f"\n{passed} tests passed, not {wanted} (--at-least)")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--first-parameters` does not run, and keep the groups of `--dist loadgroup` together."""
    for item in items:  # from pytest 9.2 on the name that pytest-xdist 3.8 gives a test of a group is not its own
        if "_nodeid" in vars(item) and hasattr(item, "_id"):
            item._id = type(item._id).parse(item._nodeid)
    if config.getoption("first_parameters"):
        first = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
        others = [item for item in items if first[item.nodeid.partition("[")[0]] is not item]
        config.hook.pytest_deselected(items=others)
        items[:] = reversed(first.values())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Leave what is collected out of searches for garbage, now and later; keep the code of what tests compile."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        if "hwbench.kernels.compiling" in sys.modules:
            from inspection import kept_code

            kept_code.keep()


@pytest.fixture(autouse=True)
def unprobed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe chooses its first candidate: no time is asserted, and no cache of the user's is read."""
    from hwbench.devices.choices import Choice, Choices

    monkeypatch.setattr(Choices, "get", lambda _self, _name, among, _probe: Choice(among[0]))
    monkeypatch.setattr(Choices, "recall", lambda _self, _name: None)
    monkeypatch.setattr(Choices, "keep", lambda _self, _name, _found: None)


@pytest.fixture(autouse=True, scope="session")
def unmeasured() -> Iterator[None]:
    """Lines are counted in pytest's processes: to load coverage in each that a test starts would take 0.3 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_power_cut() -> Iterator[None]:
    """Files of tests need not outlive the machine: each would wait for the disk twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def blas_on_one_thread() -> Iterator[None]:
    """Pytest's workers share the CPUs, where OpenBLAS' threads spin for each other: small products take 20× as long."""
    import numpy  # noqa: F401  only libraries that are loaded are limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture(autouse=True, scope="session")
def probed_once() -> Iterator[None]:
    """This machine's last-level cache is measured once a process, not for each device: a measurement takes seconds."""
    from hwbench.devices.cpu import CpuDevice

    probe, found = CpuDevice._probe, {}

    def probed(device: CpuDevice, reported: int, near: int) -> int | None:
        if not device.measuring:
            return probe(device, reported, near)
        if (reported, near) not in found:
            found[reported, near] = probe(device, reported, near)
        return found[reported, near]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CpuDevice, "_probe", probed)
        yield


@pytest.fixture(autouse=True, scope="session")
def small_pages_are_believed() -> Iterator[None]:
    """Memory that was asked for on small pages lies there: to list all mappings of these processes takes 20 ms."""
    from hwbench.devices.host_memory import Buffer

    looked_up = Buffer.huge_share.fget
    assert looked_up

    def share(buffer: Buffer) -> float | None:
        region = buffer._region
        return 0.0 if region and region._map and region.pages != "huge" else looked_up(buffer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Buffer, "huge_share", property(share))
        yield


@pytest.fixture(scope="session")
def warm(unmeasured: None) -> Iterator[forks.Server]:
    """Runs commands in processes that need not start."""
    with forks.server(forks.environment()) as server:
        yield server


@pytest.fixture
def benches(monkeypatch: pytest.MonkeyPatch) -> dict[str, Bench]:
    """Three scripted benches in place of the real ones; they have no pages."""
    from hwbench import catalog
    from hwbench.cli import pages

    made = [
        scripted_bench({"fast": 0.001, "slow": 0.004}, "access.steps", {"size": ("L1", "L2"), "dtype": ("f8", "f4")},
                       quick={"dtype": ("f8",)}),
        scripted_bench({"fast": 0.002}, "access.share", {"share": (0.0, 0.5, 1.0)}),
        scripted_bench({"loop": 0.002, "simd": 0.001}, "sweep.sizes", {"size": ("L1",), "threads": (Threads(),)},
                       sweeps=({"size": (Sweep(4096, "L2", 2),), "threads": (1,), "variant": "simd"},)),
    ]  # fmt: skip
    known = {bench.name: bench for bench in made}
    monkeypatch.setattr(catalog, "benches", lambda: known)
    for added in ("_added", "_sources"):
        monkeypatch.setattr(catalog, added, {})
    monkeypatch.setattr(pages, "index", list)
    return known


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> ScriptedDevice:
    """A scripted device in place of the CPU, a scripted machine that nothing disturbs, and their clock in a session."""
    from hwbench.devices import selection
    from hwbench.host import disturbances, machine
    from hwbench.measurement import engine, session

    made = ScriptedDevice()
    monkeypatch.setattr(selection, "devices", lambda which, **_: {"cpu": made})
    monkeypatch.setattr(machine, "describe", lambda name=None: MACHINE)
    monkeypatch.setattr(disturbances, "here", lambda *_: [])
    monkeypatch.setattr(session, "Engine", lambda devices, policy: engine.Engine(devices, policy, made.clock))
    return made


@dataclass(frozen=True)
class Outcome:
    """What a command gave."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Callable[..., Outcome]]:
    """`command("list", "--json")` runs `hwbench list --json` in this process."""
    from hwbench.cli import app
    from hwbench.host import namesake

    monkeypatch.setitem(os.environ, "COLUMNS", "200")
    for name in ("FORCE_COLOR", "HWBENCH_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(namesake, "found", lambda: "")  # whatever is installed here
    monkeypatch.setattr(gc, "freeze", lambda: None)  # this process goes on after a command
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["hwbench", *map(str, arguments)])
        capfdbinary.readouterr()
        code: object = 0
        try:
            app.main()
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Outcome(int(str(code or 0)), captured.out.decode(), captured.err.decode())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
