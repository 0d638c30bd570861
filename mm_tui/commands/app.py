"""`mm-tui` alone: the app."""

from __future__ import annotations

import argparse

from mm_tui.commands import common


def run(arguments: argparse.Namespace) -> int:
    """Opens the app on the chosen profile."""
    chosen = common.settings(arguments)
    common.report_crashes()
    from mm_tui import app

    return app.run(chosen)
