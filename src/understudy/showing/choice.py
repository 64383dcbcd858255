"""Which display training gets: it depends on who asked, and on where the output goes."""

import sys
from typing import TYPE_CHECKING, Any

from understudy.showing.terminal import Outlet

if TYPE_CHECKING:
    from understudy.showing.plain import Plain


def display(*, quiet: bool, to_stderr: bool) -> "Plain":
    """The command line's display; `to_stderr` keeps standard output free for a result."""
    from understudy.showing.plain import Plain, Quiet

    outlet = Outlet(sys.stderr if to_stderr else sys.stdout)
    if quiet:
        return Quiet(outlet)
    return _live(outlet) if outlet.isatty() else Plain(outlet)


def display_in_program(*, quiet: bool) -> "Plain":
    """The display of a program that trains: in a notebook, or on a terminal; nothing where the output is neither."""
    from understudy.showing.plain import Quiet

    outlets = [Outlet(sys.stderr), Outlet(sys.stdout)]
    if quiet:
        return Quiet(outlets[0])
    if (shell := _kernel()) is not None:
        from understudy.showing.notebook import Notebook

        return Notebook(outlets[0], shell)
    terminal = next((outlet for outlet in outlets if outlet.isatty()), None)
    return Quiet(outlets[0]) if terminal is None else _live(terminal)


def _live(outlet: Outlet) -> "Plain":
    from understudy.showing.live import LiveDisplay

    return LiveDisplay(outlet)


def _kernel() -> Any:
    """The shell of the Jupyter kernel that this program runs in; None elsewhere. Nothing is imported to find out."""
    found: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return found if getattr(found, "kernel", None) is not None else None
