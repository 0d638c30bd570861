"""The reviewer's gateway keys: which one a call uses, and how they are kept out of texts."""

from __future__ import annotations

import re
from typing import Literal, Self

from mm_tui.gateway.errors import MissingKey
from mm_tui.settings.secret import HIDDEN, Secret, hide_in, longest_first
from mm_tui.settings.sections import Profile

Scope = Literal["read", "send", "oversight", "admin"]

_KEY_FORM = re.compile(r"[\x21-\x7e]+")
_ANY_GATEWAY_KEY = re.compile(r"mm_(?:live|test)_[A-Za-z0-9_-]+")


class Keys:
    """Up to three keys. No key has both `send` and `oversight`, so that nobody approves what they wrote."""

    def __init__(
        self, oversight: Secret | None = None, send: Secret | None = None, admin: Secret | None = None
    ) -> None:
        """Raises ValueError if a key has characters that a header cannot have; the message does not quote it."""
        given: dict[Scope, Secret | None] = {"oversight": oversight, "send": send, "admin": admin}
        self._present: dict[Scope, Secret] = {scope: key for scope, key in given.items() if key is not None}
        for scope, key in self._present.items():
            if not _KEY_FORM.fullmatch(key.get_secret_value()):
                raise ValueError(f"the {scope} key is empty or has a space, a line break or a non-ASCII character")

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The keys of a profile whose key commands have been run (`mm_tui.settings.keys.with_keys`)."""
        return cls(oversight=profile.oversight_key, send=profile.send_key, admin=profile.admin_key)

    def has(self, scope: str) -> bool:
        """Whether a key for the scope is set; every key can read."""
        return bool(self._present) if scope == "read" else scope in self._present

    def for_scope(self, scope: str) -> Secret:
        """The key to use. Reads use the first one that is set. Raises MissingKey if none is set."""
        return self._used(scope)[1]

    def name_for(self, scope: str) -> str:
        """The name of the key that `for_scope` returns, such as oversight."""
        return self._used(scope)[0]

    def _used(self, scope: str) -> tuple[str, Secret]:
        for name, key in self._present.items():
            if scope in ("read", name):
                return name, key
        raise MissingKey(scope)

    def hide_in(self, answer: object) -> object:
        """Removes these keys from an answer's JSON, in case the gateway repeats one, so that they are never stored or
        shown. Only these keys are removed: other text that looks like a key is part of an email and stays as
        received."""
        return _without(answer, longest_first(self._present.values()))

    def mask(self, text: str) -> str:
        """The text without these keys and anything that looks like a gateway key."""
        return _ANY_GATEWAY_KEY.sub(HIDDEN, hide_in(text, self._present.values()))

    def __repr__(self) -> str:
        return f"<Keys: {', '.join(self._present) or 'none'}>"


def _without(answer: object, keys: list[str]) -> object:
    if isinstance(answer, str):
        for key in keys:
            if key in answer:
                answer = answer.replace(key, HIDDEN)
        return answer
    if isinstance(answer, dict):
        return {_without(name, keys): _without(value, keys) for name, value in answer.items()}
    return [_without(value, keys) for value in answer] if isinstance(answer, list) else answer
