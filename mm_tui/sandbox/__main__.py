"""`python -m mm_tui.sandbox serve …`."""

from __future__ import annotations

import sys

from mm_tui.sandbox.run import serve

if __name__ == "__main__":
    if sys.argv[1:2] != ["serve"]:
        sys.exit("usage: python -m mm_tui.sandbox serve [OPTION ...]")
    sys.exit(serve.main(sys.argv[2:]))
