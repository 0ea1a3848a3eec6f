"""The program: `hwbench`, or `python -m hwbench`.

Signal handlers come before any heavy import, so that Ctrl-C during an import prints no traceback.
"""

import atexit
import signal

from .cli.signals import handle, leave
from .record import collector


def main() -> None:
    """Run the command line."""
    handle(leave)
    # Registered first, so called last: as Python ends it takes its handlers away, and a signal would then end a process
    # whose work is done and whose exit code is known.
    atexit.register(handle, signal.SIG_IGN)
    with collector.paused(keep=True):
        from .cli.app import main as run
    run()


if __name__ == "__main__":
    main()
