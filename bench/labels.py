"""Tries the labels on the labelled set with the stand-in model, and writes docs/labels.md.

`python -m bench.labels` measures the plumbing. For Jamba itself: `mm-tui agent evaluate tests/data/labelled.jsonl`
with an AI21 key.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from mm_tui.agent.evaluate import evaluate, markdown, read_cases
from mm_tui.clock import SystemClock
from mm_tui.sandbox.run.child import Ready, SandboxChild
from mm_tui.services.assistant.service import Assistant
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Assist, Profile, Settings
from mm_tui.store.database import Database

ROOT = Path(__file__).parents[1]
SET = ROOT / "tests" / "data" / "labelled.jsonl"
PAGE = ROOT / "docs" / "labels.md"

INTRODUCTION = """# Labels: what was measured, and what it means

**This measures plumbing, not Jamba.** The figures below come from the sandbox's local stand-in, a set of keyword rules
that answers in place of AI21 when there is no key. They show that an email is sent in a prompt, that the answer comes
back as one of the configured labels, that any other answer becomes the last label, and that texts in many languages and
scripts come through unchanged. They do not show how well a Jamba model labels mail. And because the same people wrote
the word lists and the set, they do not even show how good keyword rules are.

The set is `tests/data/labelled.jsonl`: short emails that we wrote ourselves and labelled by hand; none is anybody's
real mail. Each line is `{"id", "language", "label", "subject", "body"}`.

To try a real model, with your own key and your own set if you have one (this sends the set's texts to AI21 and costs
about 250 tokens an email):

```
AI21_API_KEY=… mm-tui agent evaluate tests/data/labelled.jsonl
```

The tables below are written by `python -m bench.labels`.

"""


async def measured(ready: Ready) -> str:
    """The tables for the running stand-in."""
    assist = Assist()
    profile = Profile(ai21_key=Secret(ready.ai21_key), ai21_host=ready.ai21_url)
    database = Database.open(None)
    assistant = Assistant(database, Settings(profile=profile, assist=assist), SystemClock())
    try:
        return markdown(await evaluate(read_cases(SET, assist.labels), assistant), assist.labels)
    finally:
        await assistant.aclose()
        database.close()


def page(tables: str) -> str:
    """The whole page."""
    return INTRODUCTION + tables


def main() -> None:
    """Writes the page and prints the tables."""
    with tempfile.TemporaryDirectory() as folder, SandboxChild("--no-samples", "--data", folder) as sandbox:
        tables = asyncio.run(measured(sandbox.ready))
    PAGE.write_text(page(tables), encoding="utf-8")
    print(tables)


if __name__ == "__main__":
    main()
