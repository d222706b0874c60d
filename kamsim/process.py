"""How a command lives among others: signals that end it, streams that are closed, memory that is limited."""

import _thread
import os
import signal
import sys
import threading
from types import FrameType

INTERRUPTED = 130  # what shells report for a command ended by Ctrl-C
LEAST_ADDRESS_SPACE = 2_500_000_000  # bytes; a comparison that compiles was seen to map 2.2e9 on two cores

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_told: list[int] = []


def listen() -> None:
    """Tidy up when told to end, by whichever signal, as when interrupted; what was ignored from outside stays so."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, _interrupt):
            signal.signal(number, _interrupt)


def told_to_end() -> bool:
    """Whether a signal to end has come; what fails after it failed because of it."""
    return bool(_told)


def end() -> None:
    """Let signals end the process at once: all is written, and an interpreter that shuts down has nobody to tell."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_DFL)


def insist() -> None:
    """Interrupt anew where a library has swallowed an interruption, instead of printing a traceback and going on."""
    usual = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # A moment later, for here it would be swallowed again.
            again = threading.Timer(0.02, _thread.interrupt_main, [_told[-1] if _told else signal.SIGINT])
            again.daemon = True
            again.start()
        else:
            usual(unraisable)

    sys.unraisablehook = hook


def open_closed_streams() -> None:
    """Give a command that was started without one of its streams an empty one, as under cron."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given out; else a result file would get it, and what libraries say.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def limited_address_space() -> int | None:
    """Bytes that this process may map, where somebody has set a limit (``ulimit -v``)."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def spare_address_space() -> None:
    """Where memory is limited, keep libraries of linear algebra from mapping some for every core, or waiting for it."""
    if limited_address_space() is not None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _interrupt(number: int, frame: FrameType | None) -> None:
    _told.append(number)
    raise KeyboardInterrupt
