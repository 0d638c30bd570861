"""Measures how well labels are chosen on a labelled set: `mm-tui agent evaluate FILE`."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from mm_tui import typed_json
from mm_tui.assist.prompts import PromptEmail
from mm_tui.services.assistant.service import Assistant
from mm_tui.text import ManyLine, OneLine

AT_ONCE = 4


class LabelCase(msgspec.Struct, frozen=True):
    """One line of the set: an email and the label that a human gave it."""

    id: OneLine
    language: OneLine
    label: OneLine
    subject: OneLine
    body: ManyLine


class LabelVerdict(msgspec.Struct, frozen=True):
    """The model's answer to a case."""

    case: LabelCase
    label: OneLine
    model: OneLine
    certain: bool
    """False if the answer was none of the labels, so that the last one is used."""

    @property
    def right(self) -> bool:
        return str(self.label) == str(self.case.label)


class BadSet(Exception):
    """The file is not a labelled set. The message says which line is wrong, and why."""


def read_cases(path: Path, labels: Sequence[str]) -> list[LabelCase]:
    """The cases of a JSON-lines file. Raises BadSet if a line or its label is invalid; OSError if it cannot be read."""
    cases: list[LabelCase] = []
    for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = typed_json.read(LabelCase, line)
        except ValueError as error:
            raise BadSet(f"line {number}: {error}") from None
        if str(case.label) not in labels:
            raise BadSet(f"line {number}: {case.label} is not a configured label ({', '.join(labels)})")
        cases.append(case)
    if not cases:
        raise BadSet("it contains no cases")
    return cases


async def evaluate(
    cases: Sequence[LabelCase], assistant: Assistant, *, progress: Callable[[int], None] | None = None
) -> list[LabelVerdict]:
    """Asks the model for the label of every case, in order. `progress` is called with the number done. Raises
    AssistError if the model failed; answers so far are cached, so another run continues from there."""
    places = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def ask(case: LabelCase) -> LabelVerdict:
        nonlocal done
        email = PromptEmail(OneLine("someone@sender.example"), case.subject, case.body)
        async with places:
            answer = await assistant.classify(f"evaluate-{case.id}", [email])
        done += 1
        if progress is not None:
            progress(done)
        return LabelVerdict(case, answer.value, answer.model, answer.certain)

    tasks = [asyncio.create_task(ask(case)) for case in cases]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def markdown(verdicts: Sequence[LabelVerdict], labels: Sequence[str]) -> str:
    """The results as Markdown tables: by language, by label, and the confusions."""
    models = ", ".join(sorted({str(verdict.model) for verdict in verdicts}))
    right = sum(verdict.right for verdict in verdicts)
    formless = sum(not verdict.certain for verdict in verdicts)
    lines = [
        f"Model: `{models}`. {len(verdicts)} emails, {right} labelled as by hand ({_share(right, len(verdicts))}); "
        f"{formless} answers named none of the labels.",
        "",
        "| language | emails | right | share |",
        "|---|---:|---:|---:|",
    ]
    for language in sorted({str(verdict.case.language) for verdict in verdicts}):
        chosen = [verdict for verdict in verdicts if str(verdict.case.language) == language]
        good = sum(verdict.right for verdict in chosen)
        lines.append(f"| {language} | {len(chosen)} | {good} | {_share(good, len(chosen))} |")
    lines += ["", "| label | emails | given | right | precision | recall |", "|---|---:|---:|---:|---:|---:|"]
    for label in labels:
        wanted = sum(str(verdict.case.label) == label for verdict in verdicts)
        given = sum(str(verdict.label) == label for verdict in verdicts)
        good = sum(verdict.right for verdict in verdicts if str(verdict.label) == label)
        lines.append(f"| {label} | {wanted} | {given} | {good} | {_share(good, given)} | {_share(good, wanted)} |")
    lines += ["", f"| by hand \\ given | {' | '.join(labels)} |", "|---|" + "---:|" * len(labels)]
    pairs = Counter((str(verdict.case.label), str(verdict.label)) for verdict in verdicts)
    lines += [f"| {label} | {' | '.join(str(pairs[label, other]) for other in labels)} |" for label in labels]
    return "\n".join(lines) + "\n"


def as_json(verdicts: Sequence[LabelVerdict]) -> str:
    """The results as JSON lines, for other tools."""
    return "\n".join(
        json.dumps(
            {
                "id": verdict.case.id,
                "language": verdict.case.language,
                "label": verdict.case.label,
                "given": verdict.label,
                "model": verdict.model,
            }
        )
        for verdict in verdicts
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"
