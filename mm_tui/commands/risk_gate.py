"""A high risk needs a second confirmation, on the command line as on the screen.

On a terminal the command asks. Without one, a digest is enough only if `pending show` showed exactly these risks of
this content on this machine: a digest identifies the content, but not risks found since, or a text that was never
shown. A risk that was not shown must be accepted by its code (`--accept-risk`). A code that was shown stands for the
words shown with it: if the rule has found something else since, the risks must be read again.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
import termios
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.review.digest import short
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.model import Assessment
from mm_tui.text import OneLine


def to_accept(assessment: Assessment) -> list[str]:
    """The codes of high-risk findings, each once, in the order shown."""
    return list(dict.fromkeys(one.code for one in assessment.findings if one.level is Level.HIGH))


def shown(assessment: Assessment) -> list[str]:
    """What is remembered once the high risks were shown: code and words of each."""
    return list(dict.fromkeys(_named(one) for one in assessment.findings if one.level is Level.HIGH))


def _named(finding: Finding) -> str:
    return f"{finding.code} {finding.words}"


def finding_words(finding: Finding) -> str:
    """A finding with its level and code, such as `high risk, link_other_host: …`."""
    return f"{finding.level.word} risk, {finding.code}: {finding.words}"


def how_to_approve(email_id: str, digest: str, assessment: Assessment, profile: str | None) -> Iterator[str]:
    """How to approve an email of high risk from the command line; nothing for others."""
    codes = to_accept(assessment)
    if not codes:
        return
    of = f" --profile {shlex.quote(profile)}" if profile else ""
    options = " ".join(f"--accept-risk {code}" for code in codes)
    yield f"approve  mm-tui pending approve{of} {email_id} --digest {short(digest)}"
    yield (
        f"note     high risk: {', '.join(codes)}. On a terminal the command asks for yes. Without one it approves, "
        f"because the risk was shown here; on another machine it also needs {options}"
    )


async def pass_through(
    email_id: str,
    assessment: Assessment,
    accepted: Collection[str],
    shown_before: Collection[str] | None = (),
    *,
    may_ask: bool,
    also: Sequence[OneLine] = (),
) -> list[Finding]:
    """Returns the high-risk findings if all of them are accepted, or were shown and need no answer.

    Args:
        assessment: the assessment of exactly what would be sent.
        accepted: codes given as accepted; superfluous ones are ignored.
        shown_before: the risks shown with the content (`shown`); None if no command shows it. On a terminal the command
            still asks.
        may_ask: whether to ask on the terminal, if there is one.
        also: what else a terminal asks about, and is only said without one.

    Raises:
        CommandError: a code does not exist (2), or a risk is not accepted (8). Nothing has been decided.
    """
    known = _known_codes()
    for code in accepted:
        if code not in known:
            near = get_close_matches(code, known, 1)
            cure = f"Did you mean {near[0]}?" if near else "`mm-tui docs risk` lists the codes."
            raise CommandError(Exit.USAGE, f"--accept-risk: there is no risk rule {code!r}", cure)
    asks = may_ask and sys.stdin.isatty() and sys.stderr.isatty()
    before = frozenset(shown_before or ())
    codes_before = {one.partition(" ")[0] for one in before}
    high = [finding for finding in assessment.findings if finding.level is Level.HIGH]
    unseen = [finding for finding in high if _named(finding) not in before]
    outdated = [finding for finding in unseen if finding.code in codes_before]
    waived = [finding for finding in high if finding.code in accepted and finding not in outdated]
    missing = [finding for finding in (high if asks else unseen) if finding not in waived]
    for words in also:
        emit.note(OneLine(f"! {words}"))
    if not missing and not (asks and also):
        return high
    for finding in missing:
        emit.note(OneLine(f"{finding.level.sign} {finding_words(finding)}"))
    if asks:
        # What was typed or pasted before is no answer.
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
        sys.stderr.write(f"Approve {'despite high risk' if missing else 'anyway'}? Type yes: ")
        sys.stderr.flush()
        if (await _typed()).strip() == "yes":
            return high
        raise CommandError(Exit.RISK, f"{email_id} is unchanged", "Nothing was decided.")
    cure = f"Read it with `mm-tui pending show {email_id}`" if shown_before is not None else "Read it"
    if not outdated:
        options = " ".join(f"--accept-risk {code}" for code in dict.fromkeys(one.code for one in missing))
        cure += f"{', or' if shown_before is not None else ', and'} add {options}"
    raise CommandError(Exit.RISK, f"{email_id} has a high risk that nobody has seen; it was not approved", f"{cure}.")


def _known_codes() -> frozenset[str]:
    from mm_tui.review.risk.engine import RULES
    from mm_tui.services.queue.filter import OTHER_CODES

    return frozenset(code for rule in RULES for code in rule.codes) | OTHER_CODES


async def _typed() -> str:
    """Reads a line from the terminal on the event loop, so that ctrl-c ends the program."""
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()
