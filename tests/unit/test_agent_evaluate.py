"""The labelled set: reading it, asking for every label, and the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from mm_tui import typed_json
from mm_tui.agent import evaluate
from mm_tui.agent.evaluate import BadSet, LabelCase, LabelVerdict
from mm_tui.assist.model import Completion, PromptTurn, TokenUsage
from mm_tui.clock import SystemClock
from mm_tui.services.assistant.service import Assistant
from mm_tui.settings.sections import Assist, Settings
from mm_tui.store.database import Database
from mm_tui.text import ManyLine, OneLine
from tests.support.cli import Home
from tests.support.sandbox import Sandbox
from tests.support.scripted_model import Scripted

LABELS = Assist().labels
SET = Path(__file__).parents[1] / "data" / "labelled.jsonl"


def line(**fields: object) -> str:
    return json.dumps({"id": "1", "language": "en", "label": "spam", "subject": "s", "body": "b", **fields})


def test_the_shipped_set_can_be_read() -> None:
    assert len(evaluate.read_cases(SET, LABELS)) >= 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "contains no cases"),
        (line() + "\nnot json", "line 2"),
        (line(label="nonsense"), "nonsense is not a configured label"),
        ('{"id": "1"}', "line 1: .*language"),
        pytest.param('{"x": ' + "[" * 100_000, "line 1: it is nested too deeply", id="deep"),
        (line(id=7), r"line 1: Expected `str` - at `\$\.id`"),
    ],
)
def test_what_is_no_labelled_set(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(text, "utf-8")
    with pytest.raises(BadSet, match=words):
        evaluate.read_cases(file, LABELS)


def test_only_a_line_feed_ends_a_case_and_a_byte_order_mark_is_none(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(
        '{"id": "1", "language": "en", "label": "spam", "subject": "s", "body": "a\u2028b\x85c"}\n', "utf-8"
    )
    assert len(evaluate.read_cases(file, LABELS)) == 1


class Echo(Scripted):
    """Labels a mail with the word in its body."""

    async def answer(self, messages: Sequence[PromptTurn], model: str) -> Completion:
        body = messages[-1].text.split("\n\n")[1].split("\n")[0]
        return Completion(ManyLine(body), OneLine("echo-1"), TokenUsage(10, 1))


async def test_every_case_is_asked_once_and_in_order() -> None:
    words = ["spam", "billing", "nonsense", "support", "spam"]
    cases = [
        typed_json.read(LabelCase, line(id=str(number), label="spam", body=word)) for number, word in enumerate(words)
    ]
    database = Database.open(None)
    model = Echo()
    reported: list[int] = []
    assistant = Assistant(database, Settings(), SystemClock(), model=model)
    verdicts = await evaluate.evaluate(cases, assistant, progress=reported.append)
    assert [str(verdict.label) for verdict in verdicts] == ["spam", "billing", "other", "support", "spam"]
    assert [verdict.right for verdict in verdicts] == [True, False, False, False, True]
    assert [verdict.certain for verdict in verdicts] == [True, True, False, True, True]
    assert reported == [1, 2, 3, 4, 5]
    await evaluate.evaluate(cases, assistant)
    assert len(model.asked) == 6, "answers in form are kept"
    database.close()


def test_the_tables() -> None:
    def verdict(language: str, label: str, given: str) -> LabelVerdict:
        case = typed_json.read(LabelCase, line(language=language, label=label))
        return LabelVerdict(case, OneLine(given), OneLine("m-1"), True)

    text = evaluate.markdown(
        [verdict("en", "spam", "spam"), verdict("en", "spam", "other"), verdict("de", "other", "other")],
        ("spam", "other"),
    )
    assert "Model: `m-1`. 3 emails, 2 labelled as by hand (67 %); 0 answers named none of the labels." in text
    assert "| de | 1 | 1 | 100 % |" in text
    assert "| en | 2 | 1 | 50 % |" in text
    assert "| spam | 2 | 1 | 1 | 100 % | 50 % |" in text
    assert "| other | 1 | 2 | 1 | 50 % | 100 % |" in text
    assert "| spam | 1 | 1 |\n| other | 0 | 1 |\n" in text


def test_the_command_prints_the_tables(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(SET.read_text("utf-8").splitlines()[:5]), "utf-8")
    known = {"AI21_API_HOST": sandbox.ai21_url, "MULTIMAIL_API_URL": sandbox.url}
    able = {**known, "AI21_API_KEY": sandbox.ai21_key}
    done = home.run("agent", "evaluate", str(few), env=able, status=0)
    assert "Model: `local-rules-0`. 5 emails" in done.out
    done = home.run("agent", "evaluate", str(few), "--json", env=able)
    assert len([json.loads(found) for found in done.out.splitlines()]) == 5
    assert home.run("agent", "evaluate", str(tmp_path / "none"), env=able).status == 10
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\n")
    assert home.run("agent", "evaluate", str(tmp_path / "bad.jsonl"), env=able).status == 10
    (tmp_path / "bad.jsonl").write_text("{}", "utf-8")
    assert home.run("agent", "evaluate", str(tmp_path / "bad.jsonl"), env=able).status == 2
    assert home.run("agent", "evaluate", str(few), env=known).status == 0, "all known"
    home.config.parent.mkdir(parents=True, exist_ok=True)
    home.config.write_text('[assist]\nsmall_model = "another"\n', "utf-8")
    refused = home.run("agent", "evaluate", str(few), env={**known, "AI21_API_KEY": "wrong"}, status=4)
    assert "does not accept the key" in refused.err
