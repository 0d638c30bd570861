"""Runs services side by side, and again after the store has failed one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeAlias

from mm_tui.clock import Clock
from mm_tui.store.seal import STORE_FAULTS

Service: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

AGAIN_AFTER = 15.0
"""Seconds until a service starts again after the store failed it."""

log = logging.getLogger("mm_tui.services")


async def keep_running(services: Iterable[Service], clock: Clock) -> None:
    """Runs all of them until cancelled."""
    async with asyncio.TaskGroup() as group:
        for service in services:
            group.create_task(_keep_running(service, clock))


async def _keep_running(service: Service, clock: Clock) -> None:
    """Runs a service until cancelled. A store that is locked or full for a while must not end it permanently."""
    while True:
        try:
            return await service()
        except STORE_FAULTS as error:
            log.warning("%s stopped and is restarted: %s", service.__qualname__, type(error).__name__)
            await clock.sleep(AGAIN_AFTER)
