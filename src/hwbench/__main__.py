"""The program: `hwbench`, or `python -m hwbench`.

It says how a signal ends it before anything heavy is imported: a traceback out of an import is nobody's business.
"""

from .cli.signals import handle, leave


def main() -> None:
    """Run the command line."""
    handle(leave)
    from .cli.app import main as run

    run()


if __name__ == "__main__":
    main()
