"""The activity in the demo: arriving mail, and the agent that answers it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from mm_tui.sandbox.gateway import inbound, mailboxes
from mm_tui.sandbox.gateway.server import Server
from mm_tui.sandbox.gateway.state import DOMAIN, State
from mm_tui.sandbox.run.child import end, start_supervised

SECRET_PREFIXES = ("MULTIMAIL_", "AI21_", "MM_TUI_")
"""The user's variables that the agent must not see, because they may contain live keys."""


class DemoActivity:
    """Runs the agent and delivers sample mail if `works`; otherwise does nothing."""

    def __init__(self, state: State, server: Server, *, works: bool, mail_arrives: bool = True) -> None:
        self._state = state
        self._server = server
        self._works = works
        self._mail_arrives = mail_arrives
        self._agent: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Starts the program's own agent as a process with its own send key."""
        if not self._works:
            return
        folder = self._state.folder / "agent"
        folder.mkdir(exist_ok=True, mode=0o700)
        with (folder / "agent.log").open("ab") as log:
            self._agent = start_supervised(
                "mm_tui",
                ("agent", "run", "--interval", "3"),
                stdout=log,
                stderr=log,
                environment=self.agent_environment(os.environ),
            )

    def agent_environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """The agent's variables: the sandbox's address and send key, and nothing of the user's own accounts."""
        folder = self._state.folder / "agent"
        kept = {name: value for name, value in own.items() if not name.startswith(SECRET_PREFIXES)}
        return {
            **kept,
            "MULTIMAIL_API_URL": self._server.url,
            "MULTIMAIL_SEND_API_KEY": self._state.keys()["send"],
            "AI21_API_HOST": f"{self._server.url}/studio/v1",
            "AI21_API_KEY": self._state.fact("ai21_key") or "",
            "MM_TUI_CONFIG": str(folder / "config.toml"),
            "MM_TUI_DATA": str(folder),
        }

    def close(self) -> None:
        """Ends the agent."""
        if self._agent is not None:
            end(self._agent)
            self._agent = None

    async def let_mail_arrive(self) -> None:
        """Delivers sample arrivals, one after the other, and reports if the agent has ended."""
        if not self._works or not self._mail_arrives:
            return
        from mm_tui.sandbox.run.arrivals import arrivals

        # A different seed for each run on the same folder, or the same mail would arrive again.
        run = int(self._state.fact("runs_with_arrivals") or 0) + 1
        self._state.set_fact("runs_with_arrivals", str(run))
        for arrival in arrivals(datetime.now(UTC), seed=run):
            await asyncio.sleep(arrival.after_seconds)
            if self._agent is not None and self._agent.poll() is not None:
                log = self._state.folder / "agent" / "agent.log"
                sys.stderr.write(f"The agent has ended with status {self._agent.returncode}; see {log}\n")
                self._agent = None
            mailbox = mailboxes.by_address(self._state, f"{arrival.mailbox}@{DOMAIN}")
            inbound.deliver(self._state, mailbox["id"], arrival.mail)
