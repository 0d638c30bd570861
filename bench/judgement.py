"""How well the risk rules notice bad drafts: recall by kind and language, and false alarms on good ones.

    python -m bench.judgement [--drafts FOLDER] [--good FOLDER|MBOX] [--missed] [--alarms]
                              [--second-reader stand-in|key]

The files of cases are described in `bench/cases.py`. Cases in the sub-folder `aside` were written last, without a look
at the rules; they are counted apart.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import second_reading
from bench.cases import (
    LONG_THREAD,
    Case,
    Verdict,
    for_the_right_reason,
    good_drafts,
    judged,
    long_thread,
    read_cases,
    share,
    useful,
)

ROOT = Path(__file__).parent
DRAFTS = ROOT / "drafts"
ASIDE = "aside"
GOOD = ROOT / "good"


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
        twins = [{**case, "draft": case["twin"]} for case in cases if case.get("twin")]
        second_reading.print_readings(cases, verdicts, twins, good, stand_in=arguments.second_reader == "stand-in")


if __name__ == "__main__":
    main()
