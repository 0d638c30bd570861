"""`mm-tui` alone: the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui import startup
from mm_tui.commands import common

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Opens the app on the chosen profile."""
    startup.before_drawing()
    chosen = common.settings(arguments, draws=True)
    common.report_crashes()
    from mm_tui import launch
    from mm_tui.settings.profiles import Profiles

    return launch.run(chosen, Profiles(arguments.config))
