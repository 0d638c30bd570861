"""`python -m mm_tui`."""

from mm_tui.cli import main

if __name__ == "__main__":
    main()
