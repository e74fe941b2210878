"""The key that signs the identity cookie, kept in a file beside the SQLite database.

Several processes may start at once on a fresh machine. Each writes its own candidate to a private file and links it to
the shared name; linking fails if the name exists, so exactly one wins, and everyone reads the winner. A reader never
sees half a key, because the name appears only with its content complete.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

MIN_CHARS = 16
FILE_NAME = "secret_key"


def beside(database: Path) -> str:
    """The key kept in the directory of this database file, made on first use (mode 0600). Raises `OSError`."""
    directory = database.absolute().parent
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / FILE_NAME
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    # mkstemp creates with 0600: the key is never readable by others, not even for a moment.
    handle, candidate = tempfile.mkstemp(dir=directory, prefix=f".{FILE_NAME}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(candidate, path)
        except FileExistsError:
            pass  # another process was first; its key is the key
    finally:
        os.unlink(candidate)
    return _read(path)


def derived(key: str, purpose: str) -> str:
    """Another key that follows from this one, for another purpose: who learns it does not learn the first."""
    return hmac.new(key.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _read(path: Path) -> str:
    key = path.read_text(encoding="ascii").strip()
    if len(key) < MIN_CHARS:
        raise OSError(None, f"{path} holds no usable key; delete it to get a new one")
    return key
