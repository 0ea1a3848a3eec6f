"""What needs a GPU; on a machine without one all of it is skipped, with the reason and what to do about it.

python -m pytest tests/gpu                          kernels, arguments, answers, memory accesses, speed beside nvcc's
python -m pytest tests/gpu --gpu-run run.json       the same, and the whole GPU set, its run written to run.json, and
                                                    what was reached of what is wanted to run.targets.txt
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpu import targets
from hwbench.host.gpu_probe import probe


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gpu-run", metavar="FILE", type=Path, help="measure the whole GPU set and write its run to FILE")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in targets.TOLD:
        terminalreporter.write_line(line)
    given = config.getoption("--gpu-run", default=None)
    if given is not None and targets.TOLD:
        Path(given).with_suffix(".targets.txt").write_text("\n".join(targets.TOLD) + "\n", "utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(item.fspath).parent == Path(__file__).parent]
    if here and (state := probe()).state != "ok":
        for item in here:
            item.add_marker(pytest.mark.skip(reason=state.why))


@pytest.fixture
def run_file(request: pytest.FixtureRequest) -> Path:
    given = request.config.getoption("--gpu-run", default=None)
    if given is None:
        pytest.skip("measures for minutes: --gpu-run FILE asks for it")
    return Path(given)


@pytest.fixture(scope="session")
def device() -> Iterator[Any]:
    """The first GPU."""
    from hwbench.devices.gpu import GpuDevice

    yield GpuDevice(0)
