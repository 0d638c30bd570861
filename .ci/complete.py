"""Fails unless the wheel and the sdist hold every tracked file of the package, and the sdist also tests and docs."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile


def tracked(*paths: str) -> set[str]:
    """Files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z", *paths], capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name}


def main() -> int:
    """Compares and tells what is missing."""
    wheel, sdist = sys.argv[1:3]
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("mm_tui", "tests", "docs", "bench", "README.md", "LICENSE", "Makefile", "constraints.txt")
    pages = {f"mm_tui/{name}" for name in tracked("docs") if name.endswith(".md")}
    missing = sorted((tracked("mm_tui") | pages) - in_wheel) + sorted(tracked(*wanted) - in_sdist)
    for name in missing:
        print(f"not packaged: {name}")
    print(f"{len(in_wheel)} files in the wheel, {len(in_sdist)} in the sdist")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
