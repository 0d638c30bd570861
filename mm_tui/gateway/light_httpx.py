"""httpx without its command line. Where click is installed, importing httpx also imports its command line, and with it
click, rich's tables and pygments: 3 MB and 70 ms for something that is never used here."""

from __future__ import annotations

import sys

_hidden = "click" not in sys.modules
if _hidden:
    sys.modules["click"] = None  # type: ignore[assignment] # makes `import click` fail, which httpx allows for
try:
    import httpx
finally:
    if _hidden:
        del sys.modules["click"]

__all__ = ["httpx"]
