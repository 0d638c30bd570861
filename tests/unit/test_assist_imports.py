"""What the assistant's modules load, asked of a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"ai21", "httpx", "fastapi", "uvicorn", "textual", "tenacity"}


@pytest.mark.parametrize(
    "module",
    [
        "mm_tui.assist.errors",
        "mm_tui.assist.tasks",
        "mm_tui.services.assistant.service",
        "mm_tui.services.assistant.triage",
        "mm_tui.services.assistant.drafts",
        "mm_tui.commands.agent",
        "mm_tui.agent.worker",
        "mm_tui.agent.evaluate",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(module: str) -> None:
    program = f"import sys, {module}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert HEAVY & set(loaded.stdout.split()) == set()


def test_the_sdk_is_loaded_by_one_file_alone() -> None:
    program = (
        "import logging, sys, mm_tui.assist.jamba\n"
        "from ai21.ai21_env_config import AI21EnvConfig\n"
        "assert 'an-environment-key' not in repr(AI21EnvConfig)\n"
        "logging.getLogger('ai21').error('x')\n"
        "logging.getLogger('httpx').error('x')\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"AI21_API_KEY": "an-environment-key", "AI21_LOG_LEVEL": "debug"},
    )
    assert (loaded.returncode, loaded.stdout, loaded.stderr) == (0, "", "")
