"""Webhooks: lists, creates and removes them. A new one's signing secret is shown once and stored nowhere."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mm_tui.messages import Said
from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ChoiceList, Dialog, DialogKeys, ask, keys_line, keys_words
from mm_tui.screens.dialogs.form import Field, FormScreen
from mm_tui.text import OneLine
from mm_tui.widgets.background import awaited

if TYPE_CHECKING:
    from mm_tui.account import Webhook, WebhookDelivery
    from mm_tui.models import Mailbox
    from mm_tui.services.mailboxes import AccountFacts, ActionResult, MailboxActions


class WebhooksScreen(Dialog[None]):
    """The account's webhooks. `mailbox`: the mailbox that `n` creates one for; None if there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "close", "close"),
        Binding("n", "new(False)", "new"),
        Binding("N", "new(True)", "add for all"),
        Binding("x", "remove", "remove"),
    ]

    def __init__(self, actions: MailboxActions, mailbox: Mailbox | None) -> None:
        super().__init__()
        self._actions, self._mailbox = actions, mailbox
        self._hooks: tuple[Webhook, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog--wide"):
            yield Static(Content("Webhooks"), classes="dialog--title")
            yield ChoiceList()
            yield Static(Content.styled("loading …", "$mm-dim"), id="trouble")
            yield keys_line(*self._keys())

    def _keys(self) -> list[tuple[str, str]]:
        keys = [("N", "add for all"), ("esc", "close")]
        if self._hooks:
            keys.insert(1, ("x", "remove"))
        if self._mailbox is not None:
            keys.insert(0, ("n", f"add for {OneLine(self._mailbox.address.partition('@')[0])}@"))
        return keys

    def on_mount(self) -> None:
        self._reload()

    def _reload(self) -> None:
        awaited(self, self._read(), self._show, "hooks")

    async def _read(self) -> tuple[AccountFacts, tuple[WebhookDelivery, ...] | None, OneLine]:
        return await self._actions.facts(), *await self._actions.deliveries()

    def _show(self, found: tuple[AccountFacts, tuple[WebhookDelivery, ...] | None, OneLine]) -> None:
        facts, deliveries, why_not = found
        self._hooks = facts.webhooks or ()
        self.query_one(DialogKeys).update(keys_words(*self._keys()))
        options = self.query_one(OptionList)
        here = options.highlighted or 0
        options.clear_options()
        options.add_options([Option(_hook_lines(hook, self._mailbox, deliveries)) for hook in self._hooks])
        options.highlighted = min(here, len(self._hooks) - 1) if self._hooks else None
        if facts.webhooks is None:
            self._say(facts.webhooks_words, "warning")
        elif self._hooks and deliveries is None:
            self._say(f"the deliveries cannot be read: {why_not}", "warning")
        else:
            self._say("" if self._hooks else "No webhooks yet.", "")

    def _say(self, words: str, severity: str) -> None:
        sign = ("▲ ", "$warning") if severity else ("", "")
        self.query_one("#trouble", Static).update(Content.assemble(sign, OneLine(words)))

    def _do(self, action: Coroutine[Any, Any, ActionResult], again: Callable[[ActionResult], None] | None) -> None:
        """Creates or removes a webhook; `again` asks once more, if that needs a code or is not accepted."""
        self._say("contacting the gateway", "")
        # Of the app: the secret of a new webhook is shown once, also to a reader who has closed this page meanwhile.
        awaited(self.app, action, partial(self._acted, self.app, again), "hook-action", exclusive=False)

    def _acted(self, app: App[Any], again: Callable[[ActionResult], None] | None, said: ActionResult) -> None:
        if said.secret is not None:
            secret = said.secret.get_secret_value()
            ask(app, secret_screen(secret), lambda _: self._copy(app, secret))
        if not self.is_attached:
            app.post_message(Said(said.words, "information" if said.ok else "warning"))
            return
        if again is not None and (said.code_sent or not said.ok):
            again(said)
        self._reload()

    def _copy(self, app: App[Any], secret: str) -> None:
        app.copy_to_clipboard(secret)
        if self.is_attached:
            self._say("secret copied to the terminal's clipboard", "")
        else:
            app.post_message(Said("secret copied to the terminal's clipboard"))

    def action_new(self, for_all: bool) -> None:
        box = None if for_all else self._mailbox
        self._ask_new(box.id if box is not None else None, box.address if box is not None else "all mailboxes")

    def _ask_new(
        self, mailbox_id: str | None, which: str, values: tuple[str, ...] = (), said: ActionResult | None = None
    ) -> None:
        from mm_tui.services.mailboxes import WEBHOOK_EVENTS

        def filled(filled_in: tuple[str, ...]) -> None:
            if filled_in[0].strip():
                events = filled_in[1].replace(",", " ").split()
                again = lambda outcome: self._ask_new(mailbox_id, which, filled_in, outcome)  # noqa: E731 - reads as what it is
                self._do(self._actions.create_webhook(filled_in[0], events, mailbox_id, filled_in[2]), again)

        url, events, code = values or ("", ", ".join(WEBHOOK_EVENTS), "")
        coded = said is not None and said.code_sent
        ask(
            self.app,
            FormScreen(
                f"New webhook for {which}",
                [
                    Field("Address (https)", "https://agent.example/hook", url),
                    Field("Events, separated by commas", "oversight.pending", events),
                    Field("Approval code, if the operator received one", "", code),
                ],
                words="Its signing secret is shown once, right afterwards.",
                yes="create it",
                start=2 if coded else 0,
                trouble=said.words if said is not None else "",
            ),
            filled,
        )

    def action_remove(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is None or at >= len(self._hooks):
            return
        hook = self._hooks[at]
        body = Content(OneLine(f"{hook.url} receives no more events. Its secret cannot be recovered."))
        question = ChoiceScreen("Remove the webhook?", body, [DialogChoice("X", "remove it", True)], stay="keep it")
        ask(self.app, question, lambda _: self._do(self._actions.delete_webhook(hook.id), None))


def secret_screen(secret: str) -> ChoiceScreen[bool]:
    """Shows a new webhook's signing secret, which is shown only once."""
    body = Content.assemble(
        (OneLine(secret), "bold"),
        ("\n\nThe receiver checks each call with it. It is shown only once and not stored on this machine.", "$mm-dim"),
    )
    copy = DialogChoice("c", "copy it to the terminal's clipboard, then close", True)
    return ChoiceScreen("The webhook's signing secret", body, [copy], stay="close; it cannot be shown again")


def _hook_lines(hook: Webhook, mailbox: Mailbox | None, deliveries: Sequence[WebhookDelivery] | None = None) -> Content:
    ours = mailbox is not None and hook.mailbox_id == mailbox.id
    which = "all mailboxes" if hook.mailbox_id is None else (mailbox.address if ours and mailbox else "another mailbox")
    more = OneLine(f"{', '.join(hook.events) or 'no events'} · {which}{'' if hook.is_active else ' · switched off'}")
    mine = [one for one in deliveries or () if one.webhook_id == hook.id]
    lines: list[str | tuple[str, str]] = [OneLine(hook.url), (f"\n  {more}", "$mm-dim")]
    if mine:
        newest = max(mine, key=lambda one: (one.created_at is not None, one.created_at or 0, one.id))
        lines.append((f"\n  {delivery_words(newest)}", "" if went_well(newest) else "$mm-risk"))
    elif deliveries is not None:
        lines.append(("\n  no recent deliveries", "$mm-dim"))
    return Content.assemble(*lines)


def went_well(delivery: WebhookDelivery) -> bool:
    """Whether a delivery was accepted, or has not failed yet."""
    if delivery.response_status is not None and not 200 <= delivery.response_status < 300:
        return False
    return not any(word in delivery.status.lower() for word in ("fail", "error", "exhaust", "dead", "drop"))


def delivery_words(delivery: WebhookDelivery) -> str:
    at = f", {delivery.created_at.astimezone():%d %b %H:%M}" if delivery.created_at is not None else ""
    well = went_well(delivery)
    answered = f", answered {delivery.response_status}" if delivery.response_status and not well else ""
    tries = f" after {delivery.attempts} tries" if (delivery.attempts or 0) > 1 else ""
    sign = "" if well else "▲ "
    event, status = delivery.event or "an event", delivery.status.replace("_", " ") or "status unknown"
    return OneLine(f"{sign}last delivery: {event}{at}: {status}{tries}{answered}")
