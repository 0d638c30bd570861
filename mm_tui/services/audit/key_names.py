"""The names of the gateway's keys, by which the audit log's lines are easier to read than by the keys' ids."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

KEY_DIGITS = 6
"""How many characters of a key's id are shown: the last ones, because ids begin with the time."""
LONGEST_NAME = 24
ULID = 26
_NAMES = "key_names"
NO_NAMES: Mapping[str, str] = {}


def key_names(state: StateStore) -> Mapping[str, str]:
    """The names of the keys that the gateway listed, by the keys' ids."""
    return state.read(
        _NAMES, lambda text: {str(key_id): str(name) for key_id, name in json.loads(text).items()}, otherwise={}
    )


async def learn_key_names(gateway: GatewayClient, state: StateStore, key_ids: Iterable[str]) -> None:
    """Reads the names of all keys if one of these is new. Without names their ids are shown."""
    from mm_tui.gateway.errors import Forbidden, GatewayError, NotFound

    known, wanted = key_names(state), {key_id for key_id in key_ids if key_id}
    if wanted <= known.keys():
        return
    try:
        named = {one.id: one.name.strip()[:LONGEST_NAME] for one in await gateway.account.api_keys()}
    except (Forbidden, NotFound):
        named = {}
    except GatewayError:
        return
    # A key that is revoked, or whose name is not disclosed, must not be asked for each time the log is read.
    await asyncio.to_thread(state.set, _NAMES, json.dumps({**dict.fromkeys(wanted, ""), **known, **named}))


def key_words(key_id: str, names: Mapping[str, str] = NO_NAMES) -> OneLine:
    """A key in words: its name, or else the end of its id."""
    name = names.get(key_id, "")
    if not name:
        return OneLine(f"key …{key_id[-KEY_DIGITS:]}")
    return OneLine(name if name.lower().endswith("key") else f"{name} key")


def actor_words(actor: str, names: Mapping[str, str] = NO_NAMES) -> OneLine:
    """A reviewer's name, or a key in words: 26 letters and digits, the form of the gateway's ids, count as a key."""
    return key_words(actor, names) if len(actor) == ULID and actor.isalnum() else OneLine(actor)
