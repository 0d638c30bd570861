"""Settings of the interpreter and of libraries that make the program start and answer sooner, with their gain."""

from __future__ import annotations

import gc
import os
import sys

TURN_SECONDS = 0.001
"""After so long a thread that computes lets another one run. The interpreter's own 5 ms are felt when a thread searches
or stores beside the event loop, and keep each of the two from working while the other waits for the disk."""
FRAMES_A_SECOND = "500"
"""A second picture soon after the first, such as what a search found after the letter's echo, waits for one to two of
these intervals. No picture is made unless something changed."""


def prepare_process() -> None:
    """For every command, before anything is imported that these change."""
    # Pydantic would look for plugins in every installed package at start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.setswitchinterval(TURN_SECONDS)
    _open_closed_streams()


def _open_closed_streams() -> None:
    """Gives a program that was started without input, output or errors (`>&-`) streams that lead nowhere.

    Else the next file that is opened, such as the store, would get the number of the missing one, and be written to by
    whatever prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            place = os.open(os.devnull, os.O_RDWR)
            if place != number:
                os.dup2(place, number)
                os.close(place)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays


def before_drawing() -> None:
    """Sets what the program draws by. To be called before anything of the screen is imported."""
    # While the program loads nothing becomes garbage, and looking for it takes a tenth of the time.
    gc.disable()
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_A_SECOND)


def all_is_loaded() -> None:
    """Turns the garbage collection on again, once screens and services are loaded."""
    if not gc.isenabled():
        # What is loaded now stays: no collection needs to look at it again.
        gc.freeze()
        gc.enable()


def forget_last_app() -> None:
    """Frees what an app that has ended leaves behind; its open files go with it."""
    gc.unfreeze()
    gc.collect()
