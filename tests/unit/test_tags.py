"""Tags at the gateway: merged whatever the gateway does with them, and a human's label never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from mm_tui.assist.tasks import Extraction
from mm_tui.gateway.client import GatewayClient
from mm_tui.services import tags
from mm_tui.store.mail.chips import MOST_CHIPS, chips_of
from mm_tui.text import OneLine

LABELS = ("support", "billing", "other")


class Gateway:
    """Holds the tags of one mail. `replaces`: setting replaces all, else it merges; both are documented."""

    def __init__(self, email_tags: Mapping[str, str], *, replaces: bool = True, forgets: str | None = None) -> None:
        self.email_tags = dict(email_tags)
        self.replaces = replaces
        self.forgets = forgets
        self.puts = 0

    async def tags(self, mailbox_id: str, email_id: str) -> dict[OneLine, OneLine]:
        return {OneLine(key): OneLine(value) for key, value in self.email_tags.items()}

    async def put_tags(self, mailbox_id: str, email_id: str, wanted: Mapping[str, str]) -> dict[OneLine, OneLine]:
        self.puts += 1
        self.email_tags = dict(wanted) if self.replaces else {**self.email_tags, **wanted}
        if self.forgets:
            self.email_tags.pop(self.forgets, None)
        return await self.tags(mailbox_id, email_id)


async def merged(gateway: Gateway, wanted: Mapping[str, str], *, by_human: bool = False) -> dict[OneLine, OneLine]:
    return await tags.merge(cast(GatewayClient, gateway), "box", "mail", wanted, by_human=by_human)


@pytest.mark.parametrize("replaces", [True, False])
async def test_other_tags_stay(replaces: bool) -> None:
    gateway = Gateway({"review.claimed_by": "ann", "label": "other", "label.by": "model"}, replaces=replaces)
    await merged(gateway, {"label": "billing", "label.by": "model", "summary": "x", "deadline": " "})
    assert gateway.email_tags == {"review.claimed_by": "ann", "label": "billing", "label.by": "model", "summary": "x"}


async def test_nothing_is_set_when_nothing_changes() -> None:
    gateway = Gateway({"label": "billing", "x": "y"})
    await merged(gateway, {"label": "billing"})
    assert gateway.puts == 0


async def test_a_humans_label_is_replaced_only_by_another_human() -> None:
    gateway = Gateway({"label": "support", "label.by": "human"})
    email_tags = await merged(gateway, {"label": "billing", "label.by": "model", "summary": "x"})
    assert (email_tags[OneLine("label")], email_tags[OneLine("label.by")], email_tags[OneLine("summary")]) == (
        "support",
        "human",
        "x",
    )
    await merged(gateway, {"label": "other", "label.by": "human"}, by_human=True)
    assert gateway.email_tags["label"] == "other"


async def test_tags_that_do_not_stay_are_reported() -> None:
    gateway = Gateway({}, forgets="summary")
    with pytest.raises(tags.TagsDiffer):
        await merged(gateway, {"label": "billing", "summary": "x"})
    assert gateway.puts == tags.ATTEMPTS


async def test_values_are_one_bounded_clean_line() -> None:
    gateway = Gateway({})
    await merged(gateway, {"summary": "one\ntwo \x1b[31m" + "x" * 1000})
    assert gateway.email_tags["summary"].startswith("one two x")
    assert len(gateway.email_tags["summary"]) == tags.LONGEST_VALUE


def read(**email_tags: str) -> dict[str, object]:
    return tags.read_results(
        {OneLine(key.replace("__", ".")): OneLine(value) for key, value in email_tags.items()}, LABELS
    )


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
    facts = Extraction(
        intent=OneLine("refund"), requested_action=OneLine("Refund it"), urgency="high", deadline=OneLine(""),
        amounts=(OneLine("$240"), OneLine("5 EUR")),
    )  # fmt: skip
    written = tags.of_results("billing", "model", "Refund it. It broke.", facts, ["m-1", "m-2"])
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


def test_a_tag_that_is_called_like_a_label_counts_as_the_label() -> None:
    found = read(billing="true")
    assert (found["label"], found["label_by"], found["summary"]) == ("billing", "model", "")
    assert read(Billing="yes")["label"] == "billing"
    assert read(billing="true", label="support")["label"] == "support"
    assert read(billing="true", support="1")["label"] == next(one for one in LABELS if one in ("billing", "support"))


@pytest.mark.parametrize("denied", ["false", "no", "0", "OFF"])
def test_a_tag_that_is_denied_is_no_label(denied: str) -> None:
    assert read(billing=denied) == {}


def test_notes_count_as_a_summary_where_there_is_none() -> None:
    found = read(summarized="true", notes="Wants a refund.")
    assert (found["label"], found["label_by"], found["summary"]) == ("", "", "Wants a refund.")
    assert read(summary="Ours.", notes="Theirs.", label="billing")["summary"] == "Ours."
    assert len(str(read(notes="x" * 10_000)["summary"])) == tags.LONGEST_VALUE


@pytest.mark.parametrize(
    ("email_tags", "chips"),
    [
        ({"summarized": "true", "notes": "Wants a refund."}, ["summarized"]),
        ({"vip": "Yes", "plan": "gold", "spam": "false"}, ["plan: gold", "spam: false", "vip"]),
        ({"label": "billing", "label.by": "human", "assist.model": "m", "review.claim": "x", "urgency": "high"}, []),
        ({"e\x1b[31mvil\u202e": "a\nb"}, ["evil: a b"]),
        ({" ": "true"}, []),
        ({"n" * 100: "v" * 100}, ["n" * 23 + "…: " + "v" * 23 + "…"]),
    ],
)
def test_other_tags_are_short_clean_chips(email_tags: dict[str, str], chips: list[str]) -> None:
    assert list(chips_of(email_tags)) == chips


def test_there_are_not_more_chips_than_one_can_read() -> None:
    assert len(chips_of({f"tag{number}": "true" for number in range(100)})) == MOST_CHIPS
