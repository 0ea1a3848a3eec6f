"""The pytest fixture `roofline`: performance tests in shares of the machine, which hold on a laptop and a server alike.

    def test_blur(roofline):
        assert roofline(blur, image).share > 0.5

Nothing of hwbench is imported before the fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .placing.result import Placement

TRIES = 2
NOISY = 0.1  # half an interval over its median: shares differ by as much from one run to the next


class Roofline:
    """Places a function: `roofline(f, *args).share`. Skips the test where the machine is too noisy to say."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    def __call__(self, function: Callable[..., object], /, *args: object, **kwargs: object) -> Placement:
        """The function under the measured roofs of this machine."""
        from .api import placed
        from .errors import UsageError

        why = ""
        for _ in range(TRIES):
            try:
                found = placed(function, args, kwargs)
            except UsageError as error:
                pytest.fail(str(error), pytrace=False)
            why = noisy(found)
            if not why:
                self._note(found)
                return found
        pytest.skip(f"too noisy for a share of the roof: {why}")

    def _note(self, found: Placement) -> None:
        """Roof and share go into the extra figures of pytest-benchmark, where the test uses it too."""
        if "benchmark" in self._request.fixturenames:
            extra = self._request.getfixturevalue("benchmark").extra_info
            extra.update(roof=found.roof, share=found.share, share_issued=found.share_issued)


def noisy(found: Placement) -> str:
    """Why the share says nothing: what disturbed it, or an interval that is too wide; "" where it says something."""
    from .placing.probe import CHANGES
    from .record import text

    seconds = found.point.seconds
    if disturbed := found.doubt.removeprefix(CHANGES).removeprefix("; "):  # an update in place is no noise
        return disturbed
    return f"its time is uncertain by {text.share(seconds.relative)}" if seconds.relative > NOISY else ""


@pytest.fixture
def roofline(request: pytest.FixtureRequest) -> Roofline:
    """Place functions under the measured roofs of this machine: `roofline(f, *args).share`."""
    return Roofline(request)
