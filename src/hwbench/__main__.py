"""The program: `hwbench`, or `python -m hwbench`.

Signal handlers come before any heavy import, so that Ctrl-C during an import prints no traceback.
"""

from .cli.signals import handle, leave
from .record import collector


def main() -> None:
    """Run the command line."""
    handle(leave)
    with collector.paused():
        from .cli.app import main as run
    run()


if __name__ == "__main__":
    main()
