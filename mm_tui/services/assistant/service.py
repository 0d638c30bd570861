"""Access to the models: built on first use, cached by question, with one account of the cost. `jamba` (and with it the
SDK and httpx) is imported by the first call that needs a model, off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from msgspec.structs import replace

from mm_tui import typed_json
from mm_tui.assist.errors import Empty, Garbled, HalfStream, NoKey, OverBudget, TimedOut
from mm_tui.clock import Clock
from mm_tui.services.assistant.cards import STAND_IN_MODEL, DraftText, Spend
from mm_tui.settings.checks import LOOPBACK_HOSTS
from mm_tui.settings.sections import Settings
from mm_tui.store.assist import AssistStore, ResultKey
from mm_tui.store.damaged import UNREADABLE
from mm_tui.store.database import Database
from mm_tui.text import ManyLine, OneLine, is_blank

if TYPE_CHECKING:
    from mm_tui.assist.limiter import Limits
    from mm_tui.assist.model import ChatModel, Completion, TokenUsage
    from mm_tui.assist.prompts import Background, PromptEmail
    from mm_tui.assist.second_reader import DraftReading, SecondReading
    from mm_tui.assist.tasks import Answered, Extraction, Request
    from mm_tui.services.knowledge.facts import Facts
    from mm_tui.store.examples import SavedExample


T = TypeVar("T")
P = TypeVar("P", bound="Answered[Any] | Completion")

UNATTENDED_WAIT = 90.0
"""The longest Retry-After in seconds that a call of the agent waits for: limits a minute are waited for in place."""


class _Question(NamedTuple, Generic[T]):
    """A question to a model, and how its answer is stored."""

    request: Request
    subject_id: str
    """The email that the answer is stored for."""
    ask: Callable[[ChatModel], Awaitable[Answered[T]]]
    pack: Callable[[T], Any]
    unpack: Callable[[Any], T]


class Assistant:
    """Create one per profile and event loop; call `aclose()` at the end."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        *,
        model: ChatModel | None = None,
        limits: Limits | None = None,
        unattended: int | None = None,
    ) -> None:
        """Args:
        database: stores answers and spend.
        model: replaces AI21's client in tests.
        limits: rate limits per model; None means AI21's documented limits, or
        almost none for a stand-in on this machine.
        unattended: for the agent, whose calls nobody waits for: how many calls to one model may run at the same
        time. Refused calls are repeated patiently.
        """
        self.settings = settings
        self._store = AssistStore(database)
        self._clock = clock
        self._model = model
        self._limits = limits
        self._unattended = unattended
        self._building = asyncio.Lock()
        self._last_model = OneLine("")
        self._running: list[float] = []
        """The most that each call in progress may cost, in dollars: they are booked only when they are answered."""
        self._ended = asyncio.Condition()

    @property
    def has_key(self) -> bool:
        """Whether models can be asked at all."""
        return self._model is not None or self.settings.profile.ai21_key is not None

    def spend(self) -> Spend:
        """Today's cost (UTC days)."""
        day = self._store.spend(self._clock.now().astimezone(UTC).date())
        return Spend(
            usd=day.usd,
            prompt_tokens=day.tokens_in,
            completion_tokens=day.tokens_out,
            budget_usd=self.settings.assist.daily_budget_usd,
            model=self._last_model or self._presumed(""),
        )

    @property
    def _asks_this_machine(self) -> bool:
        """Whether the model's address is on this machine, where only the sandbox answers."""
        return urlsplit(self.settings.profile.ai21_host).hostname in LOOPBACK_HOSTS

    def _presumed(self, asked: str) -> OneLine:
        """The model that answers if `asked` is asked, as far as can be known without its answer."""
        return OneLine(STAND_IN_MODEL if self._asks_this_machine else asked)

    def known(self, task: str, email_id: str) -> dict[str, Any] | None:
        """The newest cached answer of a task about an email, maybe older than the thread: `value`, `model`, `cut`."""
        found = self._store.latest(task, email_id)
        return found.result if found else None

    async def keep(self, task: str, email_id: str, result: Mapping[str, Any]) -> None:
        """Stores a result that came from no model: a human's label, or tags from the gateway."""
        key = ResultKey(task, email_id, "", "", "")
        await asyncio.to_thread(self._store.put, key, result, self._clock.now())

    async def summarise(
        self,
        email_id: str,
        emails: Sequence[PromptEmail],
        *,
        shortened: bool = False,
        automatic: bool = False,
        again: bool = False,
    ) -> Answered[ManyLine]:
        """Summarizes a thread, oldest email first, in two sentences. The answer is stored for `email_id`. `shortened`:
        older emails of the thread were already left out. `automatic`: nobody asked for it: refuse over the budget.
        `again`: ask even if the answer is known. Raises the AssistError that fits; NoKey and OverBudget without
        asking."""
        from mm_tui.assist import tasks

        request = tasks.prepare("summarise", emails, self.settings.assist)
        request = replace(request, cut=request.cut or shortened)
        question = _Question(request, email_id, lambda model: tasks.summarise(model, request), str, ManyLine)
        return await self._answer(question, automatic=automatic, again=again)

    async def classify(
        self, email_id: str, emails: Sequence[PromptEmail], *, automatic: bool = False, again: bool = False
    ) -> Answered[OneLine]:
        """Labels the newest email. See `summarise`."""
        from mm_tui.assist import tasks

        labels = self.settings.assist.labels
        request = tasks.prepare("classify", emails, self.settings.assist)
        question = _Question(request, email_id, lambda model: tasks.classify(model, request, labels), str, OneLine)
        return await self._answer(question, automatic=automatic, again=again)

    async def extract(
        self, email_id: str, emails: Sequence[PromptEmail], *, automatic: bool = False, again: bool = False
    ) -> Answered[Extraction]:
        """Extracts what the newest email asks for. See `summarise`."""
        from mm_tui.assist import tasks

        request = tasks.prepare("extract", emails, self.settings.assist)
        question = _Question(
            request,
            email_id,
            lambda model: tasks.extract(model, request),
            typed_json.values_of,
            lambda found: typed_json.from_values(tasks.Extraction, found),
        )
        return await self._answer(question, automatic=automatic, again=again)

    async def second_reading(
        self, draft_id: str, reading: DraftReading, facts: Facts, *, automatic: bool = False
    ) -> Answered[SecondReading]:
        """Has a model check a draft. See `summarise`; `known_second_reading` returns a cached answer. Raises
        AssistError of the kind that fits; NoKey and OverBudget without asking."""
        return await self._answer(self._second_reading(draft_id, reading, facts), automatic=automatic, again=True)

    async def known_second_reading(
        self, draft_id: str, reading: DraftReading, facts: Facts
    ) -> Answered[SecondReading] | None:
        """The cached answer to exactly this question; None if it was not asked."""
        return await asyncio.to_thread(self._cached, self._second_reading(draft_id, reading, facts))

    def _second_reading(self, draft_id: str, reading: DraftReading, facts: Facts) -> _Question[SecondReading]:
        from mm_tui.assist import second_reader, tasks

        request = tasks.prepare_second_reader(reading, self.settings.assist, background(facts))
        return _Question(
            request,
            draft_id,
            lambda model: tasks.second_reader(model, request, reading),
            second_reader.as_values,
            lambda values: second_reader.again(values, reading.draft, reading.sources),
        )

    async def write(self, request: Request) -> AsyncGenerator[DraftText, None]:
        """Streams a draft or redraft; the last item has `done`. It is not cached: two drafts of one email may differ.
        Raises AssistError of the kind that fits."""
        from mm_tui.assist import tasks
        from mm_tui.assist.model import TokenUsage
        from mm_tui.assist.prompts import tokens

        model = await self._ready(automatic=False)
        answered, usage, text = self._presumed(request.model), None, ManyLine("")
        try:
            async with aclosing(tasks.write(model, request)) as parts:
                async for part in parts:
                    text = part.text
                    if part.whole is None:
                        yield DraftText(text, done=False, cut=request.cut)
                        continue
                    answered, usage = part.whole.model, part.whole.usage
                    yield DraftText(text, done=True, model=answered, cut=request.cut or part.whole.truncated)
        finally:
            # A stream that was stopped or broke off reports no usage, but still costs money.
            if text:
                counted = usage if usage and usage.completion_tokens else TokenUsage(request.estimate, tokens(text))
                self._book(answered, counted)

    async def write_whole(self, request: Request, *, automatic: bool = False) -> DraftText:
        """Writes a draft in one piece. See `write`. Raises Empty if the answer has no text, Garbled if it is no reply,
        HalfStream if it broke off, or another AssistError that fits."""
        from mm_tui.assist import tasks

        answer = await self._paid(request, automatic, lambda model: tasks.write_whole(model, request))
        if is_blank(answer.text):
            raise Empty
        if not tasks.is_reply(answer.text):
            raise Garbled
        if answer.truncated:
            raise HalfStream
        return DraftText(answer.text, done=True, model=answer.model, cut=request.cut)

    async def try_models(self) -> None:
        """Asks each configured model for one word, to learn whether the key and the models' names can be used at all.
        Raises AssistError for the first failure."""
        from mm_tui.assist.model import PromptTurn

        chosen = self.settings.assist
        model = await self._ready(automatic=True)
        for name in dict.fromkeys(filter(None, (chosen.small_model, chosen.large_model, *chosen.task_models.values()))):
            answer = await model.complete([PromptTurn("user", "Answer with one word: yes")], name, max_tokens=4)
            await asyncio.to_thread(self._book, answer.model, answer.usage)

    async def aclose(self) -> None:
        """Closes all connections to the model."""
        if self._model is not None:
            await self._model.aclose()

    async def _answer(self, question: _Question[T], *, automatic: bool, again: bool) -> Answered[T]:
        key = self._key(question)
        if not again and (cached := self._cached(question)) is not None:
            return cached
        answer = await self._paid(question.request, automatic, question.ask)
        # A malformed answer is shown but not reused for the same question.
        cached_under = key if answer.certain else key._replace(content_hash="uncertain")
        result = {"value": question.pack(answer.value), "model": str(answer.model), "cut": answer.cut}
        await asyncio.to_thread(self._store.put, cached_under, result, self._clock.now())
        return answer

    async def _paid(self, request: Request, automatic: bool, ask: Callable[[ChatModel], Awaitable[P]]) -> P:
        """The model's answer, booked. One that is unusable or too late reports no tokens, but still costs money."""
        from mm_tui.assist.model import TokenUsage

        async with self._within_budget(request, automatic):
            model = await self._ready(automatic)
            try:
                answer = await ask(model)
            except (Garbled, TimedOut):
                await asyncio.to_thread(self._book, self._presumed(request.model), TokenUsage(request.estimate, 0))
                raise
            await asyncio.to_thread(self._book, answer.model, answer.usage)
        return answer

    @asynccontextmanager
    async def _within_budget(self, request: Request, automatic: bool) -> AsyncIterator[None]:
        """Lets an automatic call wait while those in progress may use up the budget together with it."""
        from mm_tui.assist.model import TokenUsage, cost
        from mm_tui.assist.tasks import MAX_TOKENS

        most = cost(request.model, TokenUsage(request.estimate, MAX_TOKENS[request.task]))
        async with self._ended:
            while (
                automatic and self._running and self.spend().usd + sum(self._running) + most > self.spend().budget_usd
            ):
                await self._ended.wait()
        self._running.append(most)
        try:
            yield
        finally:
            self._running.remove(most)
            async with self._ended:
                self._ended.notify_all()

    def _key(self, question: _Question[Any]) -> ResultKey:
        request = question.request
        version = f"{request.version}@{hashlib.sha256(self.settings.profile.ai21_host.encode()).hexdigest()[:8]}"
        return ResultKey(request.task, question.subject_id, request.model, version, request.content_hash)

    def _cached(self, question: _Question[T]) -> Answered[T] | None:
        from mm_tui.assist.model import TokenUsage
        from mm_tui.assist.tasks import Answered

        cached = self._store.get(self._key(question))
        if cached is None:
            return None
        try:
            value, model, cut = (cached.result[name] for name in ("value", "model", "cut"))
            return Answered(question.unpack(value), OneLine(model), TokenUsage(), cut)
        except UNREADABLE:
            # Damaged: it is asked again.
            return None

    async def _ready(self, automatic: bool) -> ChatModel:
        if not self.has_key:
            raise NoKey
        if automatic and self.spend().over:
            raise OverBudget
        async with self._building:
            if self._model is None:
                from mm_tui.assist.limiter import Limits

                profile = self.settings.profile
                stand_in = Limits(per_second=1000, per_minute=60_000)
                limits = self._limits or (stand_in if self._asks_this_machine else Limits())
                if self._unattended is not None:
                    limits = replace(limits, concurrent=self._unattended, longest_wait=UNATTENDED_WAIT, is_patient=True)
                jamba = await asyncio.to_thread(importlib.import_module, "mm_tui.assist.jamba")
                self._model = cast(
                    "ChatModel",
                    jamba.Jamba(
                        profile.ai21_key,
                        profile.ai21_host,
                        limits=limits,
                        clock=self._clock,
                        hidden=tuple(profile.gateway_keys().values()),
                    ),
                )
        return self._model

    def _book(self, answered: OneLine, usage: TokenUsage) -> None:
        from mm_tui.assist.model import cost

        self._last_model = answered
        self._store.add_spend(
            self._clock.now().astimezone(UTC).date(),
            str(answered),
            usd=cost(answered, usage),
            tokens_in=usage.prompt_tokens,
            tokens_out=usage.completion_tokens,
        )


def background(facts: Facts, examples: Sequence[SavedExample] = ()) -> Background:
    """House facts and examples of wording for a prompt."""
    from mm_tui.assist.prompts import Background, Example, Fact

    return Background(
        tuple(Fact(file.name, file.text) for file in facts.files),
        tuple(Example(one.written, one.released) for one in examples),
    )
