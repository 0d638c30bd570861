"""`mm-tui pending`: the review queue without a screen, with the same decision procedure and journal."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from mm_tui.commands import common, team
from mm_tui.commands.common import Commands
from mm_tui.commands.values import add_email_id, not_empty, positive, selection

DEFAULT_WAIT = 120
"""Seconds to wait for a decision before the command exits with its outcome unknown."""


def add(commands: Commands) -> None:
    actions = commands.group(
        "pending",
        help="mail waiting for a decision: list, show, approve, reject",
        description="Mail waiting for a decision. A decision names the digest that `show` prints: if the email has "
        "changed since, the decision is refused with exit status 6. A high risk asks again on a terminal; without one "
        "the email is approved only if `show` has printed the risk for this content on this machine, or if "
        "--accept-risk names it; otherwise the exit status is 8. For an edited text nothing but --accept-risk counts.",
    )
    for add_one in (_add_list, _add_show, _add_approve, _add_reject, team.add, _add_edit, _add_answer):
        add_one(actions)


def _add_list(actions: Commands) -> None:
    listing = actions.action("list", help="list the queue", task="queue_output.listing")
    listing.add_argument("--order", choices=("oldest", "riskiest"), default="oldest", help="default: oldest")
    listing.add_argument("--mailbox", metavar="ADDRESS", help="only this mailbox (address or id)")
    listing.add_argument(
        "--filter",
        metavar="NAME|QUERY",
        help="only what a saved filter or a query selects, such as 'risk:high -is:claimed' "
        "(`mm-tui docs configuration`)",
    )


def _add_show(actions: Commands) -> None:
    words = "show one with its risks, its digest and its thread"
    show = actions.action("show", help=words, task="queue_output.show")
    add_email_id(show)
    show.add_argument(
        "--thread", action="store_true", help="also open the earlier emails of the thread; marks them read"
    )
    show.add_argument(
        "--second-reader",
        action="store_true",
        help="have a model compare it with its thread; its findings quote both and change no risk",
    )


def _add_approve(actions: Commands) -> None:
    words = "approve one; an outbound email is sent at once"
    approve = actions.action("approve", help=words, task="decide.approve")
    _decision(approve)
    _risk(approve, ", unless `show` has printed other words under that code")


def _add_reject(actions: Commands) -> None:
    reject = actions.action(
        "reject",
        help="reject one, or everything that a filter selects",
        description="Rejects the email that ID and --digest name. With --filter instead, everything it selects is "
        "rejected, each by the same procedure, if --yes-reject gives their exact number; otherwise their summary is "
        "printed and nothing is rejected. After a summary only the emails in it are rejected. Snoozed emails are left "
        "out unless the query says is:snoozed. Whatever could not be rejected is listed, and the exit status is 6.",
        run=run_reject,
    )
    _decision(reject, may_be_filter=True)
    reject.add_argument(
        "--filter", metavar="NAME|QUERY", type=selection, help="everything that a saved filter or a query selects"
    )
    reject.add_argument(
        "--yes-reject",
        type=int,
        metavar="N",
        help="reject them, if the filter selects exactly this many, and the same as in the summary if one was printed",
    )
    reject.add_argument("--reason", required=True, help="the reason; the agent receives it")
    reject.add_argument(
        "--redraft",
        action="store_true",
        help="ask for another draft that follows the reason, by tags, as the reasons in [review] redraft_reasons do; "
        "if that is refused, the exit status is 4 or 5, although the email is rejected",
    )


def _add_edit(actions: Commands) -> None:
    edit = actions.action(
        "edit",
        help="release an edited text in place of a draft",
        description="Submits the edited text with the send key, rejects the original, and approves the edit. To and "
        "subject stay as they are unless given; a different To or subject starts a new thread.",
        run=run_edit,
    )
    _decision(edit)
    _risk(edit)
    edit.add_argument(
        "--body", required=True, metavar="FILE", type=not_empty, help="the new text; - reads standard input"
    )
    edit.add_argument("--to", action="append", metavar="ADDRESS", help="the new recipient; may be given several times")
    edit.add_argument("--subject", metavar="TEXT", help="the new subject")


def _add_answer(actions: Commands) -> None:
    answer = actions.action(
        "answer",
        help="answer the question of a decision that cannot continue on its own",
        description="If a decision's outcome is unknown, or something changed meanwhile, it asks a question that "
        "only a human may answer; the choices are printed with it. A question that was not "
        "printed here before is printed and not answered (exit status 6). `accept` needs the digest that was printed "
        "with the difference.",
        task="decide.answer",
    )
    add_email_id(answer)
    answer.add_argument(
        "choice", nargs="?", metavar="CHOICE", help="one of the choices; without it, the choices are printed"
    )
    answer.add_argument("--digest", default="", help="for accept: the digest of what is there now, as printed")
    _wait(answer)


def _decision(parser: argparse.ArgumentParser, *, may_be_filter: bool = False) -> None:
    add_email_id(parser, nargs="?" if may_be_filter else None)
    parser.add_argument(
        "--digest",
        required=not may_be_filter,
        help="the digest that `show` printed: at least 8 hex digits, or all 64 if it was printed on another machine",
    )
    _wait(parser)


def _risk(parser: argparse.ArgumentParser, unless: str = "") -> None:
    parser.add_argument(
        "--accept-risk",
        metavar="CODE",
        action="append",
        default=[],
        help="approve despite this high-risk finding (its code, as in `mm-tui docs risk`) without being asked"
        f"{unless}; may be given several times",
    )


def _wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=positive,
        default=DEFAULT_WAIT,
        metavar="S",
        help=f"the most seconds to wait for the outcome, which is then unknown; default: {DEFAULT_WAIT}",
    )


def run_reject(arguments: argparse.Namespace) -> int:
    """Rejects one item, or everything that a filter selects."""
    from mm_tui.commands.output.exits import CommandError, Exit

    by_filter = arguments.filter is not None
    if by_filter == (arguments.id is not None) or by_filter == (arguments.digest is not None):
        raise CommandError(Exit.USAGE, "name one email by ID and --digest, or many by --filter")
    if arguments.yes_reject is not None and not by_filter:
        raise CommandError(Exit.USAGE, "--yes-reject belongs to --filter")
    if arguments.redraft and by_filter:
        raise CommandError(Exit.USAGE, "--redraft belongs to one email, named by ID")
    if not arguments.reason.strip():
        raise CommandError(Exit.USAGE, "rejecting needs a reason", "Say why, so that the agent can do better.")
    if by_filter:
        from mm_tui.commands import reject_filter

        return common.run_async(reject_filter.reject_filter, arguments)
    from mm_tui.commands import decide

    return common.run_async(decide.reject, arguments)


def run_edit(arguments: argparse.Namespace) -> int:
    from mm_tui.commands import decide

    text = read_text(arguments.body)
    try:
        return common.run_async(partial(decide.edit, body=text), arguments)
    except BaseException:
        _keep_typed(arguments.body, text)
        raise


def _keep_typed(name: str, text: str) -> None:
    """Writes a text that was typed for a command that failed to a file: it may be nowhere else."""
    import sys

    from mm_tui.commands.output import printing as emit
    from mm_tui.settings.paths import store_path
    from mm_tui.store.loose_texts import keep_text
    from mm_tui.text import OneLine

    if name == "-" and sys.stdin.isatty():
        emit.note(OneLine(f"mm-tui: your text is in {keep_text(text, store_path('default'))}"))


def read_text(name: str) -> str:
    """A text from a file, or from standard input for "-". Raises CommandError if it cannot be read, or is empty."""
    import sys

    from mm_tui.commands.output.exits import CommandError, Exit
    from mm_tui.text import system_words

    try:
        # As bytes: where the locale is C, the interpreter would let anything pass.
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = raw.decode("utf-8-sig")  # Windows editors begin a file with a mark
    except OSError as error:
        raise CommandError(Exit.NOT_FOUND, f"{name}: {system_words(error)}") from None
    except UnicodeDecodeError:
        raise CommandError(Exit.USAGE, f"{name} is not UTF-8 text") from None
    if not text.strip():
        # What should have written it may have failed.
        raise CommandError(Exit.USAGE, f"{name}: the text is empty", "Nothing was decided.")
    return text.replace("\r\n", "\n")
