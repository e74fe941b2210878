"""What text may be stored: anything a person or a model writes, bounded, without what no database takes."""

from convstore.errors import Invalid


def refuse_empty(text: str, most: int) -> str:
    """The text as it can be stored. Raises `Invalid` when it is empty or longer than `most` characters."""
    text = storable(text)
    if not text.strip():
        raise Invalid("The message is empty.")
    if len(text) > most:
        raise Invalid(f"The message has {len(text):,} characters; {most:,} is the most. Shorten it and send it again.")
    return text


def storable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL and UTF-8 do not take."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
