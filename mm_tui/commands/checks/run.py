"""The checks of `doctor`, in order of dependency."""

from __future__ import annotations

from pathlib import Path

from mm_tui.commands.checks.check import Check


async def check_all(path: Path | None, profile: str | None) -> list[Check]:
    """Runs all checks, skipping those that depend on something missing."""
    from mm_tui.commands.checks import local as checks_local
    from mm_tui.commands.checks import network as checks_network

    found, settings = checks_local.configuration(path, profile)
    found += checks_local.terminal()
    found += checks_local.data_folder()
    if settings is not None:
        found += checks_local.store(settings)
        found += await checks_network.gateway(settings)
        found += await checks_network.assistant(settings)
    return found
