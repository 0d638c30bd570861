"""Tags at the gateway: merged whatever the gateway does with them, and a human's label never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from mm_tui.gateway.client import GatewayClient
from mm_tui.services import tags
from mm_tui.text import OneLine

LABELS = ("support", "billing", "other")


class Gateway:
    """Holds the tags of one mail. `replaces`: setting replaces all, else it merges; both are documented."""

    def __init__(self, held: Mapping[str, str], *, replaces: bool = True, forgets: str | None = None) -> None:
        self.held = dict(held)
        self.replaces = replaces
        self.forgets = forgets
        self.puts = 0

    async def tags(self, mailbox_id: str, email_id: str) -> dict[OneLine, OneLine]:
        return {OneLine(key): OneLine(value) for key, value in self.held.items()}

    async def put_tags(self, mailbox_id: str, email_id: str, wanted: Mapping[str, str]) -> dict[OneLine, OneLine]:
        self.puts += 1
        self.held = dict(wanted) if self.replaces else {**self.held, **wanted}
        if self.forgets:
            self.held.pop(self.forgets, None)
        return await self.tags(mailbox_id, email_id)


async def merged(gateway: Gateway, wanted: Mapping[str, str], *, by_human: bool = False) -> dict[OneLine, OneLine]:
    return await tags.merge(cast(GatewayClient, gateway), "box", "mail", wanted, by_human=by_human)


@pytest.mark.parametrize("replaces", [True, False])
async def test_other_tags_stay(replaces: bool) -> None:
    gateway = Gateway({"review.claimed_by": "ann", "label": "other", "label.by": "model"}, replaces=replaces)
    await merged(gateway, {"label": "billing", "label.by": "model", "summary": "x", "deadline": " "})
    assert gateway.held == {"review.claimed_by": "ann", "label": "billing", "label.by": "model", "summary": "x"}


async def test_nothing_is_set_when_nothing_changes() -> None:
    gateway = Gateway({"label": "billing", "x": "y"})
    await merged(gateway, {"label": "billing"})
    assert gateway.puts == 0


async def test_a_humans_label_is_kept_but_for_another_human() -> None:
    gateway = Gateway({"label": "support", "label.by": "human"})
    held = await merged(gateway, {"label": "billing", "label.by": "model", "summary": "x"})
    assert (held[OneLine("label")], held[OneLine("label.by")], held[OneLine("summary")]) == ("support", "human", "x")
    await merged(gateway, {"label": "other", "label.by": "human"}, by_human=True)
    assert gateway.held["label"] == "other"


async def test_what_does_not_stay_is_told() -> None:
    gateway = Gateway({}, forgets="summary")
    with pytest.raises(tags.TagsDiffer):
        await merged(gateway, {"label": "billing", "summary": "x"})
    assert gateway.puts == tags.ATTEMPTS


async def test_values_are_one_bounded_clean_line() -> None:
    gateway = Gateway({})
    await merged(gateway, {"summary": "one\ntwo \x1b[31m" + "x" * 1000})
    assert gateway.held["summary"].startswith("one two x")
    assert len(gateway.held["summary"]) == tags.LONGEST_VALUE


def read(**held: str) -> dict[str, object]:
    return tags.read_results({OneLine(key.replace("__", ".")): OneLine(value) for key, value in held.items()}, LABELS)


def test_reading_results() -> None:
    assert read(summary="x") == {}
    assert read(label="billing", urgency="HIGH", amounts="$1; $2")["extract"] == {
        "intent": "",
        "requested_action": "",
        "urgency": "high",
        "deadline": "",
        "amounts": ["$1", "$2"],
    }
    assert read(label="nonsense")["label"] == "other"
    assert read(label="nonsense", label__by="human")["label"] == "nonsense"
    assert read(label="billing", label__by="someone")["label_by"] == "model"
    extract = read(label="billing", urgency="apocalyptic")["extract"]
    assert isinstance(extract, dict)
    assert extract["urgency"] == ""


def test_written_results_are_read_back() -> None:
    written = tags.of_results(
        label="billing",
        label_by="model",
        summary="Refund it. It broke.",
        intent="refund",
        requested_action="Refund it",
        urgency="high",
        deadline="",
        amounts=["$240", "5 EUR"],
        models=["m-1", "m-2"],
    )
    assert "deadline" not in written
    found = tags.read_results({OneLine(key): OneLine(value) for key, value in written.items()}, LABELS)
    assert found == {
        "label": "billing",
        "label_by": "model",
        "summary": "Refund it. It broke.",
        "model": "m-1, m-2",
        "extract": {
            "intent": "refund",
            "requested_action": "Refund it",
            "urgency": "high",
            "deadline": "",
            "amounts": ["$240", "5 EUR"],
        },
    }
