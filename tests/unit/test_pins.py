"""The pinned packages can be installed with the oldest Python that is promised."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.metadata import metadata as metadata_of
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

HERE = Path(__file__).resolve().parents[2]


def test_every_pin_can_be_installed_with_the_oldest_python() -> None:
    promised = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    oldest = promised.removeprefix(">=") + ".0"
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (HERE / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(pins) > 50
    looked_at = 0
    for name, pinned in pins.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            continue  # for another system
        assert found == pinned, f"{name} is installed in another version than constraints.txt names"
        assert oldest in SpecifierSet(metadata_of(name)["Requires-Python"] or ""), (
            f"{name} {pinned} needs a newer Python"
        )
        looked_at += 1
    assert looked_at > 50
    wanted = {Requirement(one).name.lower() for one in requires("mm-tui") or () if "extra" not in one}
    assert wanted <= {name.lower() for name in pins}, "a dependency is not pinned"
