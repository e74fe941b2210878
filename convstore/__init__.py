"""Conversations in a database: any number of processes, none of which remembers anything."""

from convstore import answers, conversations, messages, turns
from convstore.database import Database
from convstore.errors import Conflict, ConvstoreError, Invalid, LimitReached, NotFound, SchemaError, Unavailable
from convstore.follow import Hub
from convstore.runner import Limits, Runner
from convstore.tree import LEAF

__all__ = [
    "LEAF",
    "Conflict",
    "ConvstoreError",
    "Database",
    "Hub",
    "Invalid",
    "LimitReached",
    "Limits",
    "NotFound",
    "Runner",
    "SchemaError",
    "Unavailable",
    "answers",
    "conversations",
    "messages",
    "turns",
]
