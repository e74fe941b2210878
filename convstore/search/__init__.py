"""Full-text search over one person's titles and messages: `find` is for whoever asks, `indexing` keeps it right."""

from convstore.search.finding import Hit, Results, find

__all__ = ["Hit", "Results", "find"]
