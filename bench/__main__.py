"""`make bench`: the real program beside an empty Textual app, on this machine, in one run.

    python -m bench [--mails 100000] [--quick] [--only launch,moves,...] [--write docs/performance.md]

With more mails than 100,000 only what depends on their number is measured, unless `--only` says otherwise.
Each figure that has a bound is a ratio of two things measured in this same run, or an absolute bound that holds on
any machine that people work on. `--quick` takes fewer mails and repetitions, to see that everything runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from pathlib import Path

from bench.figures import Others
from bench.growing import Growing
from bench.report import print_tables, write_page
from bench.stage import USUAL, Figure, Stage

PARTS = (*Growing.PARTS, *Others.PARTS)


def main() -> int:
    """Measures, prints and, if asked, writes the page. Returns 1 when a bound was not held or a part failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mails", type=int, default=USUAL, help=f"mails in the large store (default {USUAL})")
    parser.add_argument("--quick", action="store_true", help="fewer mails and repetitions")
    parser.add_argument("--only", default="", help=f"of: {', '.join(PARTS)}; or growing, others")
    parser.add_argument("--write", type=Path, help="also write the tables into this page")
    arguments = parser.parse_args()
    mails = 3000 if arguments.quick else arguments.mails
    groups = {"": PARTS if mails <= USUAL else Growing.PARTS, "growing": Growing.PARTS, "others": Others.PARTS}
    only = [part for name in arguments.only.split(",") for part in groups.get(name, (name,))]
    if unknown := set(only) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    growing: list[Figure] = []
    others: list[Figure] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mm-tui-bench-") as folder:
        stage = Stage(Path(folder), mails, quick=arguments.quick)
        try:
            for measuring, figures in ((Growing(stage), growing), (Others(stage), others)):
                for name in [name for name in measuring.PARTS if name in only]:
                    print(f"{name} ...", file=sys.stderr, flush=True)
                    try:
                        figures += getattr(measuring, name)()
                    except Exception:
                        # What else takes half an hour to measure is not lost for it.
                        traceback.print_exc()
                        failed.append(name)
        finally:
            stage.close()
    print_tables(growing, others, mails)
    if arguments.write:
        write_page(arguments.write, growing, others, mails)
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed) or any(figure.ok is False for figure in growing + others))


if __name__ == "__main__":
    sys.exit(main())
