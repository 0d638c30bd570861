"""`mm-tui` alone: the app."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from mm_tui.commands import common

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Opens the app on the chosen profile."""
    # While the program loads nothing becomes garbage, and looking for it takes a tenth of the time. On again after
    # the first frame.
    gc.disable()
    # A second picture within one sixtieth of a second, such as what a search found, would wait for the end of it.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    chosen = common.settings(arguments, draws=True)
    common.report_crashes()
    from mm_tui import app
    from mm_tui.profiles import Profiles

    return app.run(chosen, Profiles(arguments.config))
