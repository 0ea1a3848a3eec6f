"""`python -m hwbench`, the same as `hwbench`."""

from .cli import main

if __name__ == "__main__":
    main()
