"""The page about one mailbox: its step on the trust ladder, track record, settings and account. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mm_tui.account import Webhook
from mm_tui.models import Mailbox, OversightMode
from mm_tui.screens.audit.pages import row
from mm_tui.screens.mailboxes.mailbox_list import percent
from mm_tui.services.audit.agents import AgentFigures, numbered
from mm_tui.services.audit.key_names import NO_NAMES, key_words
from mm_tui.services.audit.plots import spark
from mm_tui.services.audit.track_record import FEW, LADDER, Learning, Tally, TrackRecord
from mm_tui.services.events import span
from mm_tui.services.mailboxes import AccountFacts
from mm_tui.text import OneLine
from mm_tui.widgets.cells import fit_cells
from mm_tui.widgets.pager import Page, PageWriter
from mm_tui.widgets.words import count, mode_words, size, with_keys

LABEL = 14
PLOT = 30
PLOT_WORDS = 36
"""The most cells of the words beside a plot."""
MOST_PLOTS = 4
"""The most kinds of usage to plot."""
USAGE_WORDS = {"oversight_action": "decision", "oversight_actions": "decisions"}
"""Our words for kinds of usage whose names at the gateway are too long."""
MOST_KEYS = 8
"""The most keys of other reviewers to list."""
WHOLE_LADDER = 76
"""The width in cells from which all steps of the ladder fit on one line."""
MOST_FLAGS = 6
"""The most finding codes to list for an agent."""
UNKNOWN_KEY = "unknown key (only the gateway's log says which)"
NOTHING_DECIDED = "Nothing was decided in this program on this machine in the last 30 days."
COVERS = "Decisions made in this program on this machine. “At least” is the lower end of the 95% interval."


def mailbox_page(
    found: TrackRecord,
    facts: AccountFacts | None,
    room: int,
    agents: Sequence[AgentFigures],
    now: datetime,
    keys: Mapping[str, str],
    names: Mapping[str, str] = NO_NAMES,
) -> Page:
    """Everything about one mailbox.

    Args:
        facts: account, usage and webhooks; None while they are being read.
        room: cells of a line.
        agents: the results of each agent's drafts in 30 days.
        now: the last day of the plots.
    """
    writer = PageWriter()
    box = found.mailbox
    writer.write(box.address, "strong")
    writer.write(f"  {box.display_name}" if box.display_name else "", "dim")
    writer.line("" if box.is_active else "  switched off", "risk")
    writer.line()
    _ladder(writer, found, room)
    writer.line()
    _track_record(writer, found, room, names)
    writer.line()
    if agents:
        _agents(writer, agents, room, now, names)
        writer.line()
    _settings(writer, found, room)
    writer.line()
    _account(writer, found, facts, room, keys)
    return writer.page()


def _row(writer: PageWriter, name: str, value: str, room: int) -> None:
    row(writer, name, value, room, label=LABEL)


def _ladder(writer: PageWriter, found: TrackRecord, room: int) -> None:
    mode = str(found.mailbox.oversight_mode)
    if room < WHOLE_LADDER and mode in LADDER:
        place = f"step {list(LADDER).index(mode) + 1} of {len(LADDER)}"
        _row(writer, "trust ladder", f"{mode_words(mode)}, {place}: {LADDER[mode]}", room)
        return
    writer.write(f"{'trust ladder':<{LABEL}} ", "dim")
    for at, step in enumerate(LADDER):
        writer.write(" › " if at else "", "dim")
        writer.write(f"[{mode_words(step)}]" if step == mode else mode_words(step), "strong" if step == mode else "dim")
    writer.line(f"   {OneLine(mode)}" if mode not in LADDER else "")
    _row(writer, "", LADDER.get(mode, "a mode this program does not know"), room)


def _track_record(writer: PageWriter, found: TrackRecord, room: int, names: Mapping[str, str]) -> None:
    month = found.tallies[max(found.tallies)]
    decided = bool(month.drafts or month.inbound_let_in or month.inbound_rejected)
    _row(writer, "track record", COVERS if decided else NOTHING_DECIDED, room)
    for days, tally in found.tallies.items() if decided else ():
        _row(writer, f"{days} days", tally_words(tally), room)
    if month.drafts:
        _gauge(writer, month, room)
        most = max(max(pair) for pair in found.days)
        _plot(writer, "as written", [written for written, _ in found.days], most, room)
        _plot(writer, "not as written", [other for _, other in found.days], most, room)
    if found.learning.with_examples:
        _row(writer, "examples", learning_words(found.learning), room)
    if found.elsewhere:
        words = count(found.elsewhere, "decision", "decisions")
        _row(
            writer,
            "elsewhere",
            f"{words} in the gateway's log, 30 days, made in other programs or on other machines",
            room,
        )
        for one in found.others[:MOST_KEYS]:
            who = key_words(one.key_id, names) if one.key_id else "no key given"
            _row(writer, "", f"{who}: {count(one.approved, 'draft', 'drafts')} approved, {one.rejected} rejected", room)
    if decided and month.drafts < FEW:
        _row(writer, "", f"Fewer than {FEW} drafts decided in 30 days: too few to judge by.", room)


def _agents(
    writer: PageWriter, agents: Sequence[AgentFigures], room: int, now: datetime, names: Mapping[str, str]
) -> None:
    """The results of each agent's drafts. With only one agent, the mailbox's plots above are also its own."""
    _row(writer, "agents", "By the key that composed the draft, 30 days.", room)
    shown = agents[:MOST_KEYS]
    plots = {agent.key_id: agent.days(now) for agent in shown}
    most = max(max(pair) for days in plots.values() for pair in days)
    for agent in shown:
        known = key_words(agent.key_id, names) if agent.key_id else UNKNOWN_KEY
        said = f"{known}: {count(len(agent.decided), 'draft', 'drafts')}, {agent.number('approved')} as written, "
        said += f"{agent.edited} edited, {agent.number('rejected')} rejected"
        said += f"; half waited less than {waited(agent.seconds)}" if agent.seconds is not None else ""
        _row(writer, "", said, room)
        if agent.reasons:
            _row(writer, "", f"  rejected: {numbered(agent.reasons)}", room)
        if agent.flags:
            _row(writer, "", f"  flagged: {numbered(agent.flags[:MOST_FLAGS])}", room)
        if len(shown) > 1 and most:
            _plot(writer, "as written", [written for written, _ in plots[agent.key_id]], most, room)
            _plot(writer, "not as written", [other for _, other in plots[agent.key_id]], most, room)
    if len(agents) > len(shown):
        _row(writer, "", f"and {count(len(agents) - len(shown), 'more key', 'more keys')}: mm-tui stats", room)


def _plot(writer: PageWriter, name: str, days: list[int], most: int, room: int) -> None:
    writer.write(f"{name:<{LABEL}} ", "dim")
    cells = _plot_cells(room)
    writer.write(spark(days, cells, most=most * PLOT // cells))
    writer.line(f"  30 days, busiest day {max(days):,}" if any(days) else "  none in 30 days", "dim")


def _plot_cells(room: int) -> int:
    """The width of plots in cells, so that their words fit beside them: a bar stands for one day, two or three."""
    return next((cells for cells in (PLOT, PLOT // 2) if LABEL + 1 + cells + PLOT_WORDS <= room), PLOT // 3)


def _gauge(writer: PageWriter, tally: Tally, room: int) -> None:
    """A bar for the share of drafts approved as written: dark up to its lower bound, light up to the share so far."""
    share, surely = tally.as_written / tally.drafts, tally.surely_as_written
    cells = _plot_cells(room)
    seen = round(share * cells)
    proven = min(seen, round(surely * cells))
    writer.write(f"{'share':<{LABEL}} ", "dim")
    writer.write("█" * proven + "▒" * (seen - proven))
    writer.write("·" * (cells - seen), "dim")
    words = f"▒ {percent(share)} as written, █ at least {percent(surely)}" if share else "none as written so far"
    writer.line(f"  {words}", "dim")


def learning_words(learning: Learning) -> str:
    """How much humans changed in drafts written with examples of earlier edits, and in others."""
    used = count(learning.with_examples, "draft", "drafts")
    said = f"{percent(learning.changed_with)} of the words changed in {used} written with examples of your edits"
    if not learning.without:
        return said
    return f"{said}, {percent(learning.changed_without)} in {learning.without} without"


def waited(seconds: float) -> str:
    """How long a draft waited, such as `7 min`."""
    return "1 min" if seconds < 60 else span(timedelta(seconds=seconds))


def tally_words(tally: Tally) -> str:
    """What humans did, as one sentence."""
    if not tally.drafts:
        said = "no draft decided"
    else:
        share, surely = percent(tally.as_written / tally.drafts), percent(tally.surely_as_written)
        said = f"{count(tally.drafts, 'draft', 'drafts')}: {tally.as_written} as written"
        said += f" ({share}; at least {surely} at 95% confidence), " if tally.as_written else ", "
        said += f"{tally.edited} edited, {tally.rejected} rejected"
    if tally.changed is not None:
        said += f"; {percent(tally.changed)} of the words changed"
    if tally.seconds is not None:
        said += f"; half waited less than {waited(tally.seconds)}"
    if tally.inbound_let_in or tally.inbound_rejected:
        said += f"; inbound {tally.inbound_let_in} let in, {tally.inbound_rejected} rejected"
    return said


def _settings(writer: PageWriter, found: TrackRecord, room: int) -> None:
    box = found.mailbox
    _row(writer, "auto cc", box.auto_cc or "none", room)
    _row(writer, "auto bcc", box.auto_bcc or "none", room)
    lines = [OneLine(line) for line in box.signature_block.split("\n") if line.strip()]
    _row(writer, "signature", " / ".join(lines) or "none", room)
    disclosed = {True: "on: each email says that an AI wrote it", False: "off", None: "the gateway does not say"}
    _allow_list(writer, box, room)
    _row(writer, "AI disclosure", disclosed[box.ai_disclosure], room)
    _row(writer, "inbound", "forwarded to the operator" if box.forward_inbound else "not forwarded", room)
    _row(writer, "webhook", box.webhook_url, room)
    _row(writer, "for oversight", box.oversight_webhook_url, room)


def _allow_list(writer: PageWriter, box: Mailbox, room: int) -> None:
    """Lists the recipients that need no approval."""
    if str(box.oversight_mode) != OversightMode.GATED_SEND:
        return
    if box.allowed is None:
        _row(
            writer,
            "allowlist",
            "▲ not disclosed by the gateway: mail to some recipients may be sent without approval",
            room,
        )
        return
    for at, entry in enumerate(box.allowed):
        note = f" · {entry.note}" if entry.note else ""
        row(
            writer,
            "" if at else "allowlist",
            f"▲ {entry.pattern}: sent without approval{note}",
            room,
            label=LABEL,
            style="risk",
        )
    if not box.allowed:
        _row(writer, "allowlist", "empty: every draft needs approval", room)


def _account(
    writer: PageWriter, found: TrackRecord, facts: AccountFacts | None, room: int, keys: Mapping[str, str]
) -> None:
    if facts is None:
        _row(writer, "webhooks", "loading …", room)
        return
    if facts.webhooks is None:
        _row(writer, "webhooks", f"▲ {facts.webhooks_words}", room)
    else:
        mine = [hook for hook in facts.webhooks if hook.mailbox_id in (None, found.mailbox.id)]
        adds = with_keys("none: press {mailboxes.webhooks} to add one", keys)
        _row(writer, "webhooks", adds if not mine else "", room)
        for at, hook in enumerate(mine):
            _row(writer, "" if at else "webhooks", hook_words(hook), room)
    account = facts.account
    if account is None:
        _row(writer, "account", f"▲ {facts.account_words}", room)
    else:
        words = [OneLine(account.name), f"plan {OneLine(account.plan)}" if account.plan else ""]
        words += [_of(account.emails_sent_this_month, account.monthly_email_quota, "emails this month")]
        words += [f"up to {account.max_mailboxes:,} mailboxes" if account.max_mailboxes is not None else ""]
        if account.storage_used_bytes is not None:
            most = f" of {size(account.max_storage_bytes)}" if account.max_storage_bytes is not None else ""
            words.append(f"{size(account.storage_used_bytes)}{most} stored")
        _row(writer, "account", " · ".join(word for word in words if word), room)
        if account.sending_disabled:
            _row(writer, "", f"▲ sending is switched off: {account.sending_disabled_reason or 'no reason given'}", room)
        _row(writer, "operator", account.oversight_email, room)
    usage = facts.usage
    if usage is None:
        _row(writer, "usage", f"▲ {facts.usage_words}", room)
    else:
        since = f"since {usage.since.astimezone().strftime('%d %b')}: " if usage.since is not None else ""
        words_used = f"{usage.emails_sent:,} sent, {usage.emails_received:,} received, "
        words_used += f"{usage.api_calls:,} calls, {count(usage.oversight_actions, 'decision', 'decisions')}"
        _row(writer, "usage", since + words_used, room)
    for what, counts in facts.by_day[:MOST_PLOTS]:
        name = USAGE_WORDS.get(what) or what.replace("_", " ") or "(no name)"
        _plot(writer, fit_cells(OneLine(name), LABEL), list(counts), max(counts), room)


def hook_words(hook: Webhook) -> str:
    """A webhook in one line: its URL, its events, and whether it is switched off."""
    which = "this mailbox" if hook.mailbox_id is not None else "all mailboxes"
    off = "" if hook.is_active else " · switched off"
    return OneLine(f"{hook.url} · {', '.join(hook.events) or 'no events'} · {which}{off}")


def _of(used: int | None, most: int | None, words: str) -> str:
    if used is None:
        return ""
    return f"{used:,} of {most:,} {words}" if most is not None else f"{used:,} {words}"
