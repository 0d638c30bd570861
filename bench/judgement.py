"""How well the risk rules notice bad drafts: recall by kind and language, and false alarms on good ones.

    python -m bench.judgement [--drafts FOLDER] [--good FOLDER|MBOX] [--missed] [--alarms]
                              [--second-reader stand-in|key]

Each draft takes the program's own way: the gateway's JSON is read into a store, and the queue assesses what waits
there. A case is a JSON file: `thread` (oldest first), `draft` as submitted, `wrong` (the very words that are wrong),
`twin` (the same draft, corrected), `own` (the company's addresses), `known` (people written with before), `kind` and
`lang`. Cases in the sub-folder `aside` were written last, without a look at the rules; they are counted apart. A good
draft is such a file without `wrong` and `twin`, or a mail of an mbox that answers what it quotes.
"""

from __future__ import annotations

import argparse
import json
import mailbox
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, NamedTuple

from mm_tui.gateway import account_wire, wire
from mm_tui.review.findings import Finding, Level
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.sync.details import completed
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore

ROOT = Path(__file__).parent
DRAFTS = ROOT / "drafts"
ASIDE = "aside"
GOOD = ROOT / "good"
BOX = "box"
THREAD = "thread"
DRAFT = "draft"

Case = dict[str, Any]
Mail = dict[str, Any]


class Verdict(NamedTuple):
    """What the rules said of one draft."""

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def loud(self) -> tuple[Finding, ...]:
        """The findings at medium or high."""
        return tuple(finding for finding in self.findings if finding.level >= Level.MEDIUM)

    @property
    def high(self) -> bool:
        """Whether the draft asks again."""
        return any(finding.level is Level.HIGH for finding in self.findings)


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds


def gateway_json(mail: Mail, email_id: str, *, thread_id: str, status: str, direction: str) -> Mail:
    """A mail of a case as the gateway's detail has it."""
    return {
        "id": email_id,
        "mailbox_id": BOX,
        "direction": direction,
        "status": status,
        "from": mail["sender"],
        "to": mail.get("to", []),
        "cc": mail.get("cc", []),
        "subject": mail.get("subject", ""),
        "markdown": mail["body"],
        "body_markdown": mail["body"],
        "attachments": [
            {"name": name, "size": 1000, "content_type": "application/octet-stream"}
            for name in map(_file_name, mail.get("attachments", []))
        ],
        "received_at": mail["at"],
        "thread_id": thread_id,
    }


def _file_name(attachment: str | Mail) -> str:
    if isinstance(attachment, str):
        return attachment
    return str(attachment.get("filename") or attachment.get("name", "file"))


def judged(case: Case, draft: Mail) -> Verdict:
    """What the rules say of `draft` in the place of the case's draft."""
    entry, seconds = queued(case, draft)
    return Verdict(entry.assessment.findings, seconds)


def queued(case: Case, draft: Mail) -> tuple[QueueEntry, float]:
    """`draft` as it waits in the queue in the place of the case's draft, and the seconds that its assessment took."""
    submitted = datetime.fromisoformat(draft["at"])
    database = Database.open(None)
    try:
        mails, pending = MailStore(database), PendingStore(database)
        own = [str(address) for address in case["own"]]
        mails.save_mailboxes(
            [
                account_wire.mailbox(
                    {"id": f"{BOX}{at}" if at else BOX, "address": address, "oversight_mode": "gated_send"}
                )
                for at, address in enumerate(sorted(own, key=lambda address: address != draft["sender"]))
            ]
        )
        for at, address in enumerate(case.get("known", [])):
            # Written with before: one mail each way, in a thread of its own, a month earlier.
            before = {"subject": "Earlier", "body": "", "at": (submitted - timedelta(days=30)).isoformat()}
            for way, sender, to in (("inbound", address, own[:1]), ("outbound", own[0], [address])):
                told = gateway_json(
                    {**before, "sender": sender, "to": to},
                    f"known-{at}-{way}",
                    thread_id=f"known-{at}",
                    status="read" if way == "inbound" else "sent",
                    direction=way,
                )
                mails.upsert([wire.email_summary(told, BOX)])
        for at, mail in enumerate(case["thread"]):
            outbound = mail["direction"] == "outbound"
            told = gateway_json(
                mail,
                f"mail-{at:03}",
                thread_id=THREAD,
                status="sent" if outbound else "read",
                direction=mail["direction"],
            )
            mails.upsert([wire.email_summary(told, BOX)])
            mails.save_detail(wire.email_detail(told, BOX), at=submitted)
        told = gateway_json(draft, DRAFT, thread_id=THREAD, status="pending_send_approval", direction="outbound")
        item = wire.pending_item(told)
        pending.replace([item], submitted)
        pending.save_detail(completed(item, wire.email_detail(told, BOX)))
        queue = ReviewQueue(database, FixedClock(submitted + timedelta(minutes=5)), Risk())
        # Processor time: what else the machine does is not counted.
        began = time.thread_time()
        entry = queue.entry(DRAFT)
        seconds = time.thread_time() - began
        assert entry is not None, "it waits"
        return entry, seconds
    finally:
        database.close()


def for_the_right_reason(case: Case, verdict: Verdict) -> bool:
    """Whether a loud finding marks some of the words that are wrong; where no words are, any loud finding counts."""
    return bool(useful(case, verdict))


def wrong_places(case: Case) -> list[tuple[int, int]]:
    """Where the wrong words stand in the body: from and to."""
    body = str(case["draft"]["body"])
    return [
        (start, start + len(words)) for words in map(str, case.get("wrong", [])) if (start := body.find(words)) >= 0
    ]


def useful(case: Case, verdict: Verdict) -> set[str]:
    """The codes of the loud findings that mark some of the wrong words in the body, or quote them from the subject."""
    places, subject = wrong_places(case), str(case["draft"].get("subject", ""))
    in_subject = [words for words in map(str, case.get("wrong", [])) if words in subject]
    return {
        finding.code
        for finding in verdict.loud
        if not (places or in_subject)
        or any(first < span.end and span.start < end for span in finding.spans for first, end in places)
        or any(words in finding.words for words in in_subject)
    }


def read_cases(folder: Path) -> list[Case]:
    """The cases of a folder, by name. A file holds one, or a list of them."""
    found: list[Case] = []
    for path in sorted(folder.glob("*.json")):
        held = json.loads(path.read_text("utf-8"))
        found += held if isinstance(held, list) else [held]
    return found


_QUOTED = re.compile(r"^[ \t]*>[ >]?(.*)$", re.MULTILINE)
_SAID = re.compile(r"(?m)^.{0,200}(?:wrote|writes|said)\s*:\s*$")


def replies(mbox: Path) -> Iterator[Case]:
    """The mails of an mbox that answer what they quote, each as a draft to its own thread."""
    for raw in mailbox.mbox(str(mbox), factory=None, create=False):
        try:
            mail = message_from_bytes(raw.as_bytes(), _class=EmailMessage, policy=default)
            part = mail.get_body(("plain",))
            body = part.get_content() if part is not None else ""
            subject, sender = str(mail["subject"] or ""), str(mail["from"] or "")
        except (LookupError, ValueError, AttributeError, TypeError):
            continue
        quoted = "\n".join(_QUOTED.findall(body))
        answer = _SAID.sub("", _QUOTED.sub("", body)).strip()
        if not subject.lower().startswith("re:") or len(quoted) < 80 or len(answer) < 40 or "@" not in sender:
            continue
        at = datetime(2025, 11, 20, 10, tzinfo=UTC)
        address = re.search(r"[\w.+-]+@[\w.-]+", sender)
        own = address.group(0).lower() if address else "us@company.example"
        yield {
            "own": [own],
            "known": ["anna@customer.example"],
            "thread": [
                {
                    "sender": "Anna <anna@customer.example>",
                    "to": [own],
                    "body": quoted,
                    "subject": subject[3:].strip(),
                    "at": at.isoformat(),
                    "direction": "inbound",
                }
            ],
            "draft": {
                "sender": own,
                "to": ["Anna <anna@customer.example>"],
                "body": answer,
                "subject": subject,
                "at": (at + timedelta(days=1)).isoformat(),
            },
        }


def good_drafts(path: Path) -> list[Case]:
    """Good drafts: of a folder of cases, or the replies of an mbox."""
    return read_cases(path) if path.is_dir() else list(replies(path))


LONG_THREAD = 150_000
"""Characters of the thread that the slowest assessment is measured with."""
LONG_MAIL = 3000


def long_thread(good: Sequence[Case], cases: Sequence[Case]) -> Case:
    """A case with a thread of `LONG_THREAD` characters: what was written in all other cases, mail after mail."""
    base = good[0] if good else cases[0]
    said = "\n\n".join(str(mail["body"]) for case in (*cases, *good) for mail in (*case["thread"], case["draft"]))
    said = (said * (LONG_THREAD // len(said) + 1))[:LONG_THREAD]
    parts = [said[at : at + LONG_MAIL] for at in range(0, LONG_THREAD, LONG_MAIL)]
    return {**base, "thread": [{**base["thread"][-1], "body": part} for part in parts]}


def share(part: int, whole: int) -> str:
    """Such as ` 12 %  (3 of 25)`."""
    return f"{100 * part / whole:5.1f} %  ({part} of {whole})" if whole else "    -"


def print_recall(cases: Sequence[Case], verdicts: Sequence[Verdict], *, missed: bool) -> None:
    """How many bad drafts are flagged, by kind and by language."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for case, verdict in zip(cases, verdicts, strict=True):
        for name in (f"kind {case['kind']}", f"lang {case['lang']}", "all"):
            rows[name]["n"] += 1
            rows[name]["flagged"] += bool(verdict.loud)
            rows[name]["high"] += verdict.high
            rows[name]["right"] += for_the_right_reason(case, verdict)
        if missed and not for_the_right_reason(case, verdict):
            said = "; ".join(f"{finding.code}: {finding.words}" for finding in verdict.loud) or "nothing"
            print(f"  {case['id']} {case['kind']} {case['lang']}: {case.get('say', '')} -> {said}")
    print(f"\n{'bad drafts':<26}{'n':>4}{'flagged':>9}{'high':>6}{'right reason':>14}")
    for name, row in sorted(rows.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{name:<26}{row['n']:>4}{row['flagged']:>9}{row['high']:>6}{row['right']:>14}")
    total = rows["all"]
    print(f"flagged {share(total['flagged'], total['n'])} · for the right reason {share(total['right'], total['n'])}")


def print_alarms(title: str, names: Iterable[str], verdicts: Sequence[Verdict], *, alarms: bool) -> None:
    """How many good drafts are flagged, and by which rules."""
    by_rule = Counter(code for verdict in verdicts for code in {finding.code for finding in verdict.loud})
    print(f"\n{title}: flagged {share(sum(bool(verdict.loud) for verdict in verdicts), len(verdicts))}")
    for code, times in by_rule.most_common():
        print(f"  {code:<28}{times:>5}")
    if alarms:
        for name, verdict in zip(names, verdicts, strict=True):
            for finding in verdict.loud:
                print(f"  {name}: {finding.code}: {finding.words}")


LEAST_USEFUL = 1 / 3
"""A rule that is loud and right less often than this should be low, or go."""


def print_precision(cases: Sequence[Case], verdicts: Sequence[Verdict], good: Sequence[Verdict]) -> None:
    """How many loud flags of each rule mark what is wrong in a bad draft, and how many stand on a good one."""
    right = Counter(code for case, verdict in zip(cases, verdicts, strict=True) for code in useful(case, verdict))
    wrong = Counter(code for verdict in good for code in {finding.code for finding in verdict.loud})
    print(f"\n{'loud flags by rule':<28}{'useful':>8}{'false':>7}{'share':>9}")
    for code in sorted({*right, *wrong}, key=lambda code: (right[code] / (right[code] + wrong[code]), code)):
        part = right[code] / (right[code] + wrong[code])
        mark = "  below one in three" if part < LEAST_USEFUL else ""
        print(f"{code:<28}{right[code]:>8}{wrong[code]:>7}{100 * part:>7.0f} %{mark}")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.judgement", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--drafts", type=Path, default=DRAFTS, help="a folder of bad drafts with their twins")
    parser.add_argument("--good", type=Path, default=GOOD, help="a folder of good drafts, or an mbox")
    parser.add_argument("--missed", action="store_true", help="name each bad draft that was missed")
    parser.add_argument("--alarms", action="store_true", help="name each false alarm")
    parser.add_argument(
        "--second-reader",
        choices=("stand-in", "key"),
        help="also run the second reader: on the sandbox's plain rules, or with the key in AI21_API_KEY",
    )
    arguments = parser.parse_args()
    cases: list[Case] = []
    verdicts: list[Verdict] = []
    sound: list[Verdict] = []
    for folder in (arguments.drafts, arguments.drafts / ASIDE):
        held = read_cases(folder)
        if not held:
            continue
        said = [judged(case, case["draft"]) for case in held]
        print(f"\n{folder}: {len(held)} bad drafts")
        print_recall(held, said, missed=arguments.missed)
        twins = [case for case in held if case.get("twin")]
        twin_verdicts = [judged(case, case["twin"]) for case in twins]
        print_alarms("corrected twins", [case["id"] for case in twins], twin_verdicts, alarms=arguments.alarms)
        cases += held
        verdicts += said
        sound += twin_verdicts
    good = good_drafts(arguments.good) if arguments.good.exists() else []
    good_verdicts = [judged(case, case["draft"]) for case in good]
    if good:
        names = [str(case.get("id", at)) for at, case in enumerate(good)]
        print_alarms("good drafts", names, good_verdicts, alarms=arguments.alarms)
    if cases:
        print_precision(cases, verdicts, [*sound, *good_verdicts])
    times = [verdict.seconds * 1000 for verdict in (*verdicts, *good_verdicts)]
    if times:
        long = long_thread(good, cases)
        slow = judged(long, long["draft"]).seconds * 1000
        print(f"\ntime a draft: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms", end="")
        print(f"; with a thread of {LONG_THREAD:,} characters {slow:.1f} ms")
    if arguments.second_reader:
        from bench import second_reading

        twins = [{**case, "draft": case["twin"]} for case in cases if case.get("twin")]
        second_reading.print_readings(cases, verdicts, twins, good, stand_in=arguments.second_reader == "stand-in")


if __name__ == "__main__":
    main()
