"""Labels, summaries and extractions of mail, on demand and automatically.

Results go into the store, and an event names the email. Results that another program set as tags at the gateway are
imported without asking a model and without opening the email.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from mm_tui.assist.errors import AssistError, NoKey, OverBudget
from mm_tui.clock import Clock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError
from mm_tui.models import Status
from mm_tui.services import tags
from mm_tui.services.assistant.cards import QUEUED, CardPhase, CardState, Spend
from mm_tui.services.assistant.conversation import Conversation, Conversations
from mm_tui.services.assistant.rounds import Rounds
from mm_tui.services.assistant.service import Assistant
from mm_tui.services.events import AssistChanged, Notify
from mm_tui.settings.sections import Settings
from mm_tui.store.database import Database
from mm_tui.store.mail.chips import chips_of
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.rows import MailRow
from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.store.sort_keys import from_ms
from mm_tui.text import ManyLine, OneLine

AUTOMATIC_WARNING = "Automatic mode opens new mail, which marks it read at the gateway."
"""The warning to show wherever automatic mode is switched on."""

NO_MODEL = "no model is set up: set AI21_API_KEY, or ai21_key in config.toml"

NOT_ASKED = OneLine("The assistant has not read this thread yet.")
WORKING = OneLine("The assistant is reading the thread…")
STOPPED = OneLine("Stopped.")
UNKNOWN_MAIL = OneLine("This email is not in the local store.")

RECENT_DAYS = 14
"""How old mail that was read may be for automatic mode to examine it; older mail is examined on request."""


class Triage:
    """`examine` works on demand; `run` works in the background until cancelled."""

    def __init__(
        self,
        database: Database,
        gateway: GatewayClient,
        assistant: Assistant,
        settings: Settings,
        clock: Clock,
        notify: Notify,
    ) -> None:
        """`assistant` is shared with `Drafts`."""
        self._mail = MailStore(database)
        self._gateway = gateway
        self._assistant = assistant
        self._settings = settings
        self._clock = clock
        self._notify = notify
        self._conversations = Conversations(database, gateway, clock)
        profile, assist = settings.profile, settings.assist
        wanted = assist.automatic if profile.automatic is None else profile.automatic
        self.automatic = not profile.is_live if wanted is None else wanted
        """Whether new mail is examined automatically; see `set_automatic`."""
        writes = assist.write_tags if profile.write_tags is None else profile.write_tags
        self._writes_tags = writes and gateway.keys.has("send")
        self._phases: dict[str, tuple[CardPhase, OneLine, bool]] = {}
        self._running: dict[str, asyncio.Future[None]] = {}
        self._rounds = Rounds(self, self._mail, clock)

    # What is known

    def set_automatic(self, on: bool) -> None:
        """Switches automatic mode on or off until the program ends. Show AUTOMATIC_WARNING first."""
        self.automatic = on
        self.wake()

    @property
    def has_key(self) -> bool:
        """Whether models can be asked at all."""
        return self._assistant.has_key

    def spend(self) -> Spend:
        """Today's cost (UTC day), and when automatic work goes on after a failure."""
        rests_for = self._rounds.rests_for if self.automatic else 0.0
        return replace(self._assistant.spend(), rests_for=rests_for)

    def card(self, email_id: str) -> CardState:
        """The card for an email and its thread; pass the thread's newest email. Reads only the store."""
        row = self._conversations.subject_row(email_id)
        if row is None:
            return CardState(CardPhase.FAILED, UNKNOWN_MAIL)
        summary = self._assistant.known("summarise", row.email_id) or {}
        label = self._assistant.known("classify", row.email_id) or {}
        facts = self._assistant.known("extract", row.email_id) or {}
        tagged = self._assistant.known("tags", row.email_id) or {}
        found = {**tagged.get("extract", {}), **facts.get("value", {})}
        label_text, label_by = self._label(row.email_id)
        answers = [answer for answer in (label, summary, facts) if answer] or [tagged]
        models = dict.fromkeys(str(answer["model"]) for answer in answers if answer.get("model"))
        phase, words, can_retry = self._phase(row, bool(summary or tagged.get("summary")))
        return CardState(
            phase=phase,
            words=words,
            label=label_text,
            label_by=label_by,
            summary=ManyLine(summary.get("value") or tagged.get("summary", "")),
            intent=OneLine(found.get("intent", "")),
            requested_action=OneLine(found.get("requested_action", "")),
            urgency=OneLine(found.get("urgency", "")),
            deadline=OneLine(found.get("deadline", "")),
            amounts=tuple(OneLine(amount) for amount in found.get("amounts", ())),
            models=tuple(OneLine(model) for model in models),
            cut=any(answer.get("cut", False) for answer in (summary, facts, label)),
            can_retry=can_retry,
        )

    def _label(self, email_id: str) -> tuple[OneLine, OneLine]:
        """The label and who set it: a human's label wins, wherever it was set."""
        tagged = self._assistant.known("tags", email_id) or {}
        if own := self._assistant.known("human_label", email_id):
            return OneLine(own["value"]), OneLine(tags.BY_HUMAN)
        if tagged.get("label_by") == tags.BY_HUMAN:
            return OneLine(tagged["label"]), OneLine(tags.BY_HUMAN)
        answer = self._assistant.known("classify", email_id)
        text = answer["value"] if answer else tagged.get("label", "")
        return OneLine(text), OneLine(tags.BY_MODEL if text else "")

    def _phase(self, row: MailRow, done: bool) -> tuple[CardPhase, OneLine, bool]:
        if row.email_id in self._phases:
            return self._phases[row.email_id]
        if done:
            return CardPhase.DONE, OneLine(""), True
        if not self._assistant.has_key:
            return CardPhase.NO_KEY, NoKey().words, False
        if self.automatic and self._is_due(row):
            if self.spend().over:
                return CardPhase.OVER_BUDGET, OverBudget().words, True
            return CardPhase.WAITING, QUEUED, True
        return CardPhase.WAITING, NOT_ASKED, True

    def _is_due(self, row: MailRow) -> bool:
        """Whether automatic mode should examine an email: it is new, or was read recently."""
        if str(row.status) == Status.UNREAD:
            return True
        since = self._clock.now() - timedelta(days=RECENT_DAYS)
        received = from_ms(row.received_at)
        return str(row.status) == Status.READ and received is not None and received >= since

    # On demand

    async def examine(self, email_id: str, *, again: bool = False, automatic: bool = False) -> CardState:
        """Summarizes the thread of any of its mails, labels its newest inbound email and extracts its requests; returns
        the resulting card. Failures of the model, the gateway or the store are shown on the card, not raised. Cancel
        the task to stop. `again`: ask the models even if their answers are cached. `automatic`: nobody asked for it:
        stop at the daily budget."""
        row = await asyncio.to_thread(self._conversations.subject_row, email_id)
        if row is None:
            return CardState(CardPhase.FAILED, UNKNOWN_MAIL)
        if (running := self._running.get(row.email_id)) is not None:
            await asyncio.shield(running)
            return self.card(email_id)
        if not self._assistant.has_key:
            return self.card(email_id)
        done = asyncio.get_running_loop().create_future()
        self._running[row.email_id] = done
        try:
            await self._examine(row, again, automatic)
        except asyncio.CancelledError:
            self._say(row, CardPhase.WAITING, STOPPED, can_retry=True)
            raise
        except STORE_FAULTS as error:
            self._say(row, CardPhase.FAILED, fault_of_store(error), can_retry=True)
        except Exception:
            self._phases.pop(row.email_id, None)
            raise
        finally:
            del self._running[row.email_id]
            done.set_result(None)
        return self.card(email_id)

    async def _examine(self, row: MailRow, again: bool, automatic: bool) -> None:
        self._say(row, CardPhase.WORKING, WORKING)
        try:
            conversation = await self._conversations.read(row.email_id)
        except GatewayError as error:
            self._say(row, CardPhase.FAILED, OneLine(f"The email cannot be read: {error.message}."), can_retry=True)
            return
        if conversation is None:
            self._say(row, CardPhase.FAILED, UNKNOWN_MAIL)
            return
        await self._take_over(row, conversation.subject.tags)
        outcomes = await asyncio.gather(*self._questions(row, conversation, again, automatic), return_exceptions=True)
        problems = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        foreign = next((problem for problem in problems if not isinstance(problem, AssistError)), None)
        if foreign is not None:
            raise foreign
        if problems:
            problem = problems[0]
            phase = CardPhase.OVER_BUDGET if isinstance(problem, OverBudget) else CardPhase.FAILED
            self._say(row, phase, OneLine(str(problem)), can_retry=True)
            return
        self._phases.pop(row.email_id, None)
        self._report(row)
        if self._writes_tags:
            card = self.card(row.email_id)
            await self._write_tags(row, tags.of_results(card.label, card.label_by, card.summary, card, card.models))

    def _questions(
        self, row: MailRow, conversation: Conversation, again: bool, automatic: bool
    ) -> list[Awaitable[None]]:
        assistant, mail_id = self._assistant, row.email_id

        async def label() -> None:
            await assistant.classify(mail_id, [conversation.about], again=again, automatic=automatic)
            await self._annotate(row, label=str(self._label(mail_id)[0]))

        async def summary() -> None:
            answer = await assistant.summarise(
                mail_id, conversation.for_prompt, shortened=conversation.shortened, again=again, automatic=automatic
            )
            await self._annotate(row, summary=str(answer.value))

        async def facts() -> None:
            answer = await assistant.extract(mail_id, [conversation.about], again=again, automatic=automatic)
            await self._annotate(row, urgency=answer.value.urgency)

        if automatic and self._label(mail_id)[0]:
            # An agent's label is kept: nobody asked for another.
            return [summary(), facts()]
        return [label(), summary(), facts()]

    async def _annotate(self, row: MailRow, **columns: Any) -> None:
        await asyncio.to_thread(lambda: self._mail.annotate(row.email_id, **columns))
        self._report(row)

    def _say(self, row: MailRow, phase: CardPhase, words: OneLine, *, can_retry: bool = False) -> None:
        self._phases[row.email_id] = (phase, words, can_retry)
        self._report(row)

    def _report(self, row: MailRow) -> None:
        self._notify(AssistChanged(row.email_id, row.thread_id))

    # Tags

    async def set_label(self, email_id: str, label: str) -> CardState:
        """Sets a human's label, which overrides any model's. It is written as a tag if `write_tags` is on. Raises
        ValueError if it is not one of the configured labels."""
        if label not in self._settings.assist.labels:
            raise ValueError(f"not a configured label: {label!r}")
        row = await asyncio.to_thread(self._conversations.subject_row, email_id)
        if row is None:
            return CardState(CardPhase.FAILED, UNKNOWN_MAIL)
        await self._assistant.keep("human_label", row.email_id, {"value": label})
        await self._annotate(row, label=label)
        if self._writes_tags:
            await self._write_tags(row, {tags.LABEL: label, tags.LABEL_BY: tags.BY_HUMAN}, by_human=True)
        return self.card(email_id)

    async def _write_tags(self, row: MailRow, wanted: dict[str, str], *, by_human: bool = False) -> None:
        try:
            email_tags = await tags.merge(self._gateway, row.mailbox_id, row.email_id, wanted, by_human=by_human)
        except GatewayError as error:
            self._say(row, CardPhase.DONE, OneLine(f"The tags were not written: {error.message}."), can_retry=True)
        except tags.TagsDiffer:
            self._say(row, CardPhase.DONE, OneLine("The tags were overwritten: somebody else sets them too."))
        else:
            if not by_human:
                await self._take_over(row, email_tags)

    async def _take_over(self, row: MailRow, email_tags: dict[OneLine, OneLine]) -> dict[str, Any]:
        """Stores what tags say about an email, and lists it if the assistant has no result of its own."""
        found = tags.read_results(email_tags, self._settings.assist.labels)
        chips = chips_of(email_tags)
        if found and found != self._assistant.known("tags", row.email_id):
            await self._assistant.keep("tags", row.email_id, found)
        columns: dict[str, Any] = {"chips": chips} if chips != row.chips else {}
        label = str(self._label(row.email_id)[0])
        if label and label != row.label:
            columns["label"] = label
        if not row.summary and found.get("summary"):
            columns["summary"] = found["summary"]
        if not row.urgency and found.get("extract", {}).get("urgency"):
            columns["urgency"] = found["extract"]["urgency"]
        if columns:
            await self._annotate(row, **columns)
        return found

    # By itself

    def wake(self) -> None:
        """Reports that there may be new mail."""
        self._rounds.wake()

    async def run(self) -> None:
        """Imports tags and, in automatic mode, examines new mail, until cancelled."""
        await self._rounds.run()

    async def take_over_tags(self, row: MailRow) -> bool:
        """Reads an email's tags from the gateway, which does not mark it as read. Returns whether they contain a
        summary. Raises GatewayError if they could not be read."""
        found = await self._take_over(row, await self._gateway.tags(row.mailbox_id, row.email_id))
        return bool(found.get("summary"))

    @property
    def examines(self) -> bool:
        """Whether automatic mode may open emails at all."""
        return self.automatic and self._assistant.has_key

    def may_examine(self, row: MailRow) -> bool:
        """Whether automatic mode may open this email now."""
        return self.examines and self._is_due(row) and row.email_id not in self._running and not self.spend().over
