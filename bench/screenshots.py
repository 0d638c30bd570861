"""Brings the pictures of the documents up to date: `make screenshots`.

Each is one of the pictures of `tests/snapshots`, which the tests compare with the program: so a picture in the
documents is one of the program too, and comes out the same on every machine. A picture that is not up to date there is
updated there first (CONTRIBUTING.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
SNAPSHOTS = ROOT / "tests" / "snapshots" / "__snapshots__"
WIDE, NARROW = "120x40-mm-dark", "80x24-mm-dark"

PICTURES: Mapping[str, tuple[str, str]] = {
    "pending": ("test_deciding/test_queue", WIDE),
    "review-1-read": ("test_deciding/test_reading[d-refund]", WIDE),
    "review-2-edit": ("test_deciding/test_editor[text]", WIDE),
    "review-3-compare": ("test_deciding/test_edited_beside", WIDE),
    "inbox": ("test_reading/test_inbox[list]", WIDE),
    "thread": ("test_reading/test_thread[open]", WIDE),
    "audit": ("test_records/test_audit[list]", WIDE),
    "mailboxes": ("test_records/test_mailboxes[list]", WIDE),
    "narrow": ("test_deciding/test_queue", NARROW),
}
"""Each picture of docs/images: the test that takes it, with the size and theme."""


def source(name: str) -> Path:
    """The snapshot that a picture is.

    Raises:
        KeyError: there is no such picture.
    """
    test, form = PICTURES[name]
    return SNAPSHOTS / f"{test}[{form}].svg"


def main() -> None:
    """Writes all pictures, and removes those that are no longer wanted."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for old in IMAGES.glob("*.svg"):
        if old.stem not in PICTURES:
            old.unlink()
    for name in PICTURES:
        (IMAGES / f"{name}.svg").write_bytes(source(name).read_bytes())
        print(f"docs/images/{name}.svg")


if __name__ == "__main__":
    main()
