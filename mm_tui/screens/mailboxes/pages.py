"""The page about one mailbox: its step on the trust ladder, track record, settings and account. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from mm_tui.account import Webhook
from mm_tui.models import Mailbox, OversightMode
from mm_tui.screens.audit.pages import RowWriter
from mm_tui.screens.mailboxes.mailbox_list import percent
from mm_tui.services.audit.agents import AgentFigures, numbered, spark
from mm_tui.services.audit.key_names import NO_NAMES, key_words
from mm_tui.services.audit.track_record import FEW, LADDER, Learning, Tally, TrackRecord
from mm_tui.services.events import span
from mm_tui.services.mailboxes import AccountFacts
from mm_tui.text import OneLine
from mm_tui.widgets.cells import fit_cells
from mm_tui.widgets.pager import Page
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
    """Everything about one mailbox. `facts`: account, usage and webhooks; None while they are being read. `agents`: the
    results of each agent's drafts in 30 days. `now`: the last day of the plots."""
    writer = RowWriter(room, LABEL)
    box = found.mailbox
    writer.write(box.address, "strong")
    writer.write(f"  {box.display_name}" if box.display_name else "", "dim")
    writer.line("" if box.is_active else "  switched off", "risk")
    writer.line()
    _ladder(writer, found)
    writer.line()
    _track_record(writer, found, names)
    writer.line()
    if agents:
        _agents(writer, agents, now, names)
        writer.line()
    _settings(writer, found)
    writer.line()
    _account(writer, found, facts, keys)
    return writer.page()


def _ladder(writer: RowWriter, found: TrackRecord) -> None:
    mode = str(found.mailbox.oversight_mode)
    if writer.room < WHOLE_LADDER and mode in LADDER:
        place = f"step {list(LADDER).index(mode) + 1} of {len(LADDER)}"
        writer.row("trust ladder", f"{mode_words(mode)}, {place}: {LADDER[mode]}")
        return
    writer.write(f"{'trust ladder':<{LABEL}} ", "dim")
    for at, step in enumerate(LADDER):
        writer.write(" › " if at else "", "dim")
        writer.write(f"[{mode_words(step)}]" if step == mode else mode_words(step), "strong" if step == mode else "dim")
    writer.line(f"   {OneLine(mode)}" if mode not in LADDER else "")
    writer.row("", LADDER.get(mode, "a mode this program does not know"))


def _track_record(writer: RowWriter, found: TrackRecord, names: Mapping[str, str]) -> None:
    month = found.tallies[max(found.tallies)]
    decided = bool(month.drafts or month.inbound_let_in or month.inbound_rejected)
    writer.row("track record", COVERS if decided else NOTHING_DECIDED)
    for days, tally in found.tallies.items() if decided else ():
        writer.row(f"{days} days", tally_words(tally))
    if month.drafts:
        _gauge(writer, month)
        most = max(max(pair) for pair in found.days)
        _plots(writer, found.days, most)
    if found.learning.with_examples:
        writer.row("examples", learning_words(found.learning))
    if found.elsewhere:
        words = count(found.elsewhere, "decision", "decisions")
        writer.row("elsewhere", f"{words} in the gateway's log, 30 days, made in other programs or on other machines")
        for one in found.others[:MOST_KEYS]:
            who = key_words(one.key_id, names) if one.key_id else "no key given"
            writer.row("", f"{who}: {count(one.approved, 'draft', 'drafts')} approved, {one.rejected} rejected")
    if decided and month.drafts < FEW:
        writer.row("", f"Fewer than {FEW} drafts decided in 30 days: too few to judge by.")


def _agents(writer: RowWriter, agents: Sequence[AgentFigures], now: datetime, names: Mapping[str, str]) -> None:
    """The results of each agent's drafts. With only one agent, the mailbox's plots above are also its own."""
    writer.row("agents", "By the key that composed the draft, 30 days.")
    shown = agents[:MOST_KEYS]
    plots = {agent.key_id: agent.days(now) for agent in shown}
    most = max(max(pair) for days in plots.values() for pair in days)
    for agent in shown:
        known = key_words(agent.key_id, names) if agent.key_id else UNKNOWN_KEY
        said = f"{known}: {count(len(agent.decided), 'draft', 'drafts')}, {agent.number('approved')} as written, "
        said += f"{agent.edited} edited, {agent.number('rejected')} rejected"
        said += f"; half waited less than {waited(agent.seconds)}" if agent.seconds is not None else ""
        writer.row("", said)
        if agent.reasons:
            writer.row("", f"  rejected: {numbered(agent.reasons)}")
        if agent.flags:
            writer.row("", f"  flagged: {numbered(agent.flags[:MOST_FLAGS])}")
        if len(shown) > 1 and most:
            _plots(writer, plots[agent.key_id], most)
    if len(agents) > len(shown):
        writer.row("", f"and {count(len(agents) - len(shown), 'more key', 'more keys')}: mm-tui stats")


def _plots(writer: RowWriter, days: Sequence[tuple[int, int]], most: int) -> None:
    """Two plots, of the drafts that were approved as written and of the others."""
    for at, name in enumerate(("as written", "not as written")):
        _plot(writer, name, [pair[at] for pair in days], most)


def _plot(writer: RowWriter, name: str, days: list[int], most: int) -> None:
    writer.write(f"{name:<{LABEL}} ", "dim")
    cells = _plot_cells(writer.room)
    writer.write(spark(days, cells, most=most * PLOT // cells))
    writer.line(f"  30 days, busiest day {max(days):,}" if any(days) else "  none in 30 days", "dim")


def _plot_cells(room: int) -> int:
    """The width of plots in cells, so that their words fit beside them: a bar stands for one day, two or three."""
    return next((cells for cells in (PLOT, PLOT // 2) if LABEL + 1 + cells + PLOT_WORDS <= room), PLOT // 3)


def _gauge(writer: RowWriter, tally: Tally) -> None:
    """A bar for the share of drafts approved as written: dark up to its lower bound, light up to the share so far."""
    share, surely = tally.as_written / tally.drafts, tally.surely_as_written
    cells = _plot_cells(writer.room)
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


def _settings(writer: RowWriter, found: TrackRecord) -> None:
    box = found.mailbox
    writer.row("auto cc", box.auto_cc or "none")
    writer.row("auto bcc", box.auto_bcc or "none")
    lines = [OneLine(line) for line in box.signature_block.split("\n") if line.strip()]
    writer.row("signature", " / ".join(lines) or "none")
    disclosed = {True: "on: each email says that an AI wrote it", False: "off", None: "the gateway does not say"}
    _allow_list(writer, box)
    writer.row("AI disclosure", disclosed[box.ai_disclosure])
    writer.row("inbound", "forwarded to the operator" if box.forward_inbound else "not forwarded")
    writer.row("webhook", box.webhook_url)
    writer.row("for oversight", box.oversight_webhook_url)


def _allow_list(writer: RowWriter, box: Mailbox) -> None:
    """Lists the recipients that need no approval."""
    if str(box.oversight_mode) != OversightMode.GATED_SEND:
        return
    if box.allowed is None:
        words = "▲ not disclosed by the gateway: mail to some recipients may be sent without approval"
        writer.row("allowlist", words)
        return
    for at, entry in enumerate(box.allowed):
        note = f" · {entry.note}" if entry.note else ""
        writer.row("" if at else "allowlist", f"▲ {entry.pattern}: sent without approval{note}", style="risk")
    if not box.allowed:
        writer.row("allowlist", "empty: every draft needs approval")


def _account(writer: RowWriter, found: TrackRecord, facts: AccountFacts | None, keys: Mapping[str, str]) -> None:
    if facts is None:
        writer.row("webhooks", "loading …")
        return
    if facts.webhooks is None:
        writer.row("webhooks", f"▲ {facts.webhooks_words}")
    else:
        mine = [hook for hook in facts.webhooks if hook.mailbox_id in (None, found.mailbox.id)]
        adds = with_keys("none: press {mailboxes.webhooks} to add one", keys)
        writer.row("webhooks", adds if not mine else "")
        for at, hook in enumerate(mine):
            writer.row("" if at else "webhooks", hook_words(hook))
    account = facts.account
    if account is None:
        writer.row("account", f"▲ {facts.account_words}")
    else:
        words = [OneLine(account.name), f"plan {OneLine(account.plan)}" if account.plan else ""]
        words += [_of(account.emails_sent_this_month, account.monthly_email_quota, "emails this month")]
        words += [f"up to {account.max_mailboxes:,} mailboxes" if account.max_mailboxes is not None else ""]
        if account.storage_used_bytes is not None:
            most = f" of {size(account.max_storage_bytes)}" if account.max_storage_bytes is not None else ""
            words.append(f"{size(account.storage_used_bytes)}{most} stored")
        writer.row("account", " · ".join(word for word in words if word))
        if account.sending_disabled:
            writer.row("", f"▲ sending is switched off: {account.sending_disabled_reason or 'no reason given'}")
        writer.row("operator", account.oversight_email)
    usage = facts.usage
    if usage is None:
        writer.row("usage", f"▲ {facts.usage_words}")
    else:
        since = f"since {usage.since.astimezone().strftime('%d %b')}: " if usage.since is not None else ""
        words_used = f"{usage.emails_sent:,} sent, {usage.emails_received:,} received, "
        words_used += f"{usage.api_calls:,} calls, {count(usage.oversight_actions, 'decision', 'decisions')}"
        writer.row("usage", since + words_used)
    for what, counts in facts.by_day[:MOST_PLOTS]:
        name = USAGE_WORDS.get(what) or what.replace("_", " ") or "(no name)"
        _plot(writer, fit_cells(OneLine(name), LABEL), list(counts), max(counts))


def hook_words(hook: Webhook) -> str:
    """A webhook in one line: its URL, its events, and whether it is switched off."""
    which = "this mailbox" if hook.mailbox_id is not None else "all mailboxes"
    off = "" if hook.is_active else " · switched off"
    return OneLine(f"{hook.url} · {', '.join(hook.events) or 'no events'} · {which}{off}")


def _of(used: int | None, most: int | None, words: str) -> str:
    if used is None:
        return ""
    return f"{used:,} of {most:,} {words}" if most is not None else f"{used:,} {words}"
