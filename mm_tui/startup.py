"""Settings of the interpreter and of libraries that make the program start and answer sooner, with their gain."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any

TURN_SECONDS = 0.001
"""Seconds after which a computing thread lets another one run. With the interpreter's default of 5 ms the screen is
noticeably slower while a thread searches or writes."""
FRAMES_A_SECOND = "500"
"""A second paint soon after the first, such as search results after the typed letter, waits for one or two of these
intervals. Nothing is painted unless something changed."""


def prepare_process() -> None:
    """Prepares the process for any command. Call it before importing what these settings affect."""
    # Otherwise pydantic searches every installed package for plugins at start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.setswitchinterval(TURN_SECONDS)
    _open_closed_streams()


def _open_closed_streams() -> None:
    """Opens missing standard streams (`>&-`) to nowhere. Otherwise the next file that is opened, such as the store,
    would get their number, and anything printed would be written into it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            place = os.open(os.devnull, os.O_RDWR)
            if place != number:
                os.dup2(place, number)
                os.close(place)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays


COLLECT_AFTER = (3_000, 3, 1_000_000)
"""When the garbage collector runs on its own: over what is new, never over everything. That takes 180 ms with 5,000
drafts waiting, at any moment; it is done by `collect_everything`. Of only 700 new objects, Python's own number, most
are still in use, and looking at 10,000 takes as long as a frame may."""


def before_drawing() -> None:
    """Prepares drawing. Call it before importing anything of the screens."""
    # There is no garbage while the program loads, and looking for it takes a tenth of the time.
    gc.disable()
    _share_heap()
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_A_SECOND)
    _load_late()
    _load_without_unused_widgets()


_LATE_LOCK = threading.Lock()


class _Late(ModuleType):
    """Stands for a module that is loaded when something in it is first used. `importlib.util.LazyLoader` does the same,
    but in older versions of Python two threads that use a module first may find it half loaded."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # Asked for by the import itself.
            raise AttributeError(name)
        with _LATE_LOCK:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        module = import_module(self.__name__)
        vars(self).update(vars(module))
        return getattr(module, name)


_LATE = ("ssl", "asyncio.sslproto", "bz2", "lzma", "locale", "textwrap", "tokenize", "msgspec.inspect", "idna")
"""What libraries import, and use for connections, compression, foreign numbers and names, and errors alone. Without it
the first frame comes 6 % sooner, half of that by OpenSSL. The last takes 0.2 MB, after it."""


def _load_late() -> None:
    if "asyncio" not in sys.modules:
        for name in _LATE:
            sys.modules.setdefault(name, _Late(name))


def _load_without_unused_widgets() -> None:
    """Textual's palette loads six widgets, because the name of a type that it uses is in one module with theirs: 3 % of
    the time to the first frame. Here it finds that name where it is defined."""
    if "textual.command" not in sys.modules and "textual.types" not in sys.modules:
        sys.modules["textual.types"] = import_module("textual._types")
        try:
            import_module("textual.command")
        finally:
            del sys.modules["textual.types"]


def all_is_loaded() -> None:
    """Turns the garbage collection on again, once screens and services are loaded."""
    if not gc.isenabled():
        # What is loaded now stays, so later collections can skip it. What loading has left is freed once, in 40 ms:
        # 0.8 MB.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()


def collect_everything() -> None:
    """Looks for garbage among everything, where the collector is used: at a moment at which nobody waits for it."""
    if gc.isenabled():
        gc.collect()


_M_ARENA_MAX = -8


def _share_heap() -> None:
    """Makes threads share the heap: a megabyte for the app's, for glibc gives each a heap of its own, with gaps of its
    own. Loading ctypes for it takes 2 ms, but once there are threads, they keep their heaps."""
    # Other C libraries have neither function, and not every Python has ctypes.
    with suppress(ImportError, AttributeError, OSError):
        import ctypes

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Gives the system what was freed, which glibc keeps otherwise: 3.5 MB of a model that is no longer used, or 4 MB
    after the list of a million emails was read again. It takes a millisecond."""
    with suppress(ImportError, AttributeError, OSError):
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)


def forget_last_app() -> None:
    """Frees the objects of an app that has ended, including open files."""
    gc.unfreeze()
    gc.collect()
