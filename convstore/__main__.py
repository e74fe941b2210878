"""`python -m convstore`: see `commands`."""

from convstore.commands import app

app(prog_name="python -m convstore")
