"""`make bench`: the real program beside an empty Textual app, on this machine, in one run.

    python -m bench [--mails 100000] [--quick] [--only launch,moves,...] [--write docs/performance.md]

Each figure that has a bound is a ratio of two things measured in this same run, or an absolute bound that holds on
any machine that people work on. `--quick` takes fewer mails and repetitions, to see that everything runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.figures import Bench, Figure
from bench.report import print_table, write_page


def main() -> int:
    """Measures, prints and, if asked, writes the page. Returns 1 when a bound was not held."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mails", type=int, default=100_000, help="mails in the large store (default 100000)")
    parser.add_argument("--quick", action="store_true", help="fewer mails and repetitions")
    parser.add_argument("--only", default="", help=f"of: {', '.join(Bench.PARTS)}")
    parser.add_argument("--write", type=Path, help="also write the table into this page")
    arguments = parser.parse_args()
    only = [name for name in arguments.only.split(",") if name] or list(Bench.PARTS)
    if unknown := set(only) - set(Bench.PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    mails = 3000 if arguments.quick else arguments.mails
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="mm-tui-bench-") as folder:
        bench = Bench(Path(folder), mails, quick=arguments.quick)
        try:
            for name in only:
                print(f"{name} ...", file=sys.stderr, flush=True)
                figures += getattr(bench, name)()
        finally:
            bench.close()
    print_table(figures)
    if arguments.write:
        write_page(arguments.write, figures, mails)
    return int(any(figure.ok is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
