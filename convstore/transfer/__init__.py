"""Take along: all that is a person's leaves, comes back, or goes for good.

`schema` is the document. Out: `exports`, and `markdown` for reading. In: `receiving` has a file cut by `splitting`,
understood by `schema` or `chatgpt`, and taken in by `imports` as `trees`. And `erasure` leaves nothing behind. Whatever
is large goes in pieces: no step holds more than one conversation's worth.
"""
