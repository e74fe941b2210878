"""What a person may be called by those who vouch for them: a token's `sub`, or a gateway's header.

It is the owner of what they write, the same in the page and in the API. Names that mean something here are not for
others to give: anonymous visitors are `anon:…`, and `shared` stands where a user stands in the API's paths.
"""

LONGEST = 255
ANONYMOUS = "anon:"
RESERVED = frozenset({"shared"})


def is_acceptable(subject: str) -> bool:
    """Whether somebody may be known by this name."""
    return (
        0 < len(subject) <= LONGEST
        and subject.isprintable()
        and subject == subject.strip()
        and not subject.lower().startswith(ANONYMOUS)
        and subject.lower() not in RESERVED
    )
