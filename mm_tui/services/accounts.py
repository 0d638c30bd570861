"""Checks that the account of the keys is the store's account."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mm_tui.gateway.errors import GatewayError
from mm_tui.store.belongs import OtherGateway, bind_account

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.store.database import Database

log = logging.getLogger("mm_tui.accounts")


async def check_account(database: Database, gateway: GatewayClient, profile: str) -> None:
    """Asks the gateway for the account and compares it. Missing information is not an error. Raises OtherGateway if it
    is another account. From then on nothing is decided with the store."""
    try:
        account = await gateway.account()
    except GatewayError as error:
        log.info("the account is not known: %s", type(error).__name__)
        return
    try:
        bind_account(database, profile, str(account.id))
    except OtherGateway as error:
        database.refuse(error)
        raise
