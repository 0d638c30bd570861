"""`mm-tui profiles`: lists the profiles of the settings file, each with LIVE or TEST."""

from __future__ import annotations

import argparse

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit


def add(commands: Commands) -> None:
    commands.action(
        "profiles",
        help="list the profiles, each with LIVE or TEST",
        description="Lists the profiles of the settings file: name, LIVE or TEST, gateway, mailbox, and any problem. "
        "No key command is run and no keyring is read; a question mark means that only the keys can tell whether the "
        "profile is live. In the app, P switches to another profile.",
        run=run,
    )


def run(arguments: argparse.Namespace) -> int:
    from mm_tui.settings.profiles import ProfileKind, Profiles, overriding

    listed = Profiles(arguments.config).listed()
    if arguments.json:
        rows = [
            {
                "name": one.name,
                "default": one.is_default,
                "live": None if one.kind is ProfileKind.UNKNOWN else one.kind is ProfileKind.LIVE,
                "url": one.url,
                "mailbox": one.mailbox or None,
                "trouble": one.trouble or None,
            }
            for one in listed
        ]
        emit.data({"profiles": rows, "overriding": list(overriding())})
        return Exit.OK
    emit.table(
        [["profile", "kind", "gateway", "mailbox", ""] for _ in listed[:1]]
        + [
            [one.name, one.kind, one.url or "-", one.mailbox or "-", "default" if one.is_default else ""]
            for one in listed
        ]
    )
    for one in listed:
        if one.trouble:
            emit.warning(f"{one.name}: {one.trouble}")
    if names := overriding():
        emit.warning(f"environment variables override every profile's own settings: {', '.join(names)}")
    return Exit.OK
