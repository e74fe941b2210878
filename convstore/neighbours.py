"""Whether this process shares its SQLite file with another one on this machine.

Every process holds a shared lock on a small file beside the database for as long as it lives. Whoever can have that
lock alone is alone. The kernel lets go of it when a process dies, however it dies.
"""

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nobody is told, nothing breaks
    fcntl = None  # type: ignore[assignment]

_held: list[int] = []  # open for as long as the process lives


def move_in(database: Path) -> bool:
    """Say that this process uses that file from now on. Returns whether another one already does."""
    if fcntl is None:
        return False
    try:
        handle = os.open(f"{database}.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    _held.append(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        others = False
    except OSError:
        others = True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        pass  # two that start in the same moment: both say so
    return others
