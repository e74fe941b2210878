"""Take along: all that is a person's leaves, comes back, or goes for good.

`schema` is the document, `exports` and `markdown` write it out, `splitting`, `chatgpt` and `imports` take it in, and
`erasure` leaves nothing behind. Whatever is large goes in pieces: no step holds more than one conversation's worth.
"""
