"""A file may be anything. What cannot be imported is told with a reason, and the rest is imported."""

import json
from typing import Any

import pytest

from convstore import conversations
from convstore.database import Database
from convstore.errors import Invalid
from convstore.transfer import receiving, schema, splitting
from convstore.transfer.splitting import Splitter
from tests.store.luggage import MOMENT, chatgpt, conversation, counts, document, exported, imported, node
from tests.store.scenes import OWNER, show


def only(database: Database) -> conversations.Summary:
    with database.read() as session:
        (found,) = conversations.recent(session, OWNER).items
    return found


def message(**values: Any) -> dict[str, Any]:
    return {"parent": None, "role": "user", "content": "x", "created_at": MOMENT} | values


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"surprise": 1}, "surprise: Extra inputs"),
    ({"owner": "ada"}, "owner: Extra inputs"),
    ({"id": "x"}, "id: Extra inputs"),
    ({"messages": [message(lane=3)]}, "messages.0.lane"),
    ({"messages": [message(status="streaming")]}, "messages.0.status"),
    ({"messages": [message(status="queued")]}, "messages.0.status"),
    ({"messages": [message(role="tool")]}, "messages.0.role"),
    ({"messages": [message(parent=0)]}, "before its parent"),
    ({"messages": [message(), message(parent=5)]}, "before its parent"),
    ({"messages": [message(parent=-1)]}, "greater than or equal to 0"),
    ({"messages": [message(parent=True)]}, "valid integer"),
    ({"messages": [message(input_tokens=2**40)]}, "less than or equal"),
    ({"messages": [message(created_at="2024-05-06T07:08:09")]}, "timezone"),
    ({"messages": [message(created_at="0001-01-01T00:00:00+14:00")]}, "out of range"),
    ({"messages": [message(), message(parent=0)], "leaf": 0}, "leaf is not the last"),
    ({"leaf": 9}, "leaf is not the last"),
    ({"temperature": 9}, "between 0 and 2"),
    ({"system_prompt": "x" * 20_001}, "20,000 is the most"),
    ({"model": "x" * 201}, "200 characters"),
    ({"model": ""}, "200 characters"),
    ({"titled_by": "god"}, "titled_by"),
    ({"updated_at": None}, "updated_at"),
]


def test_what_does_not_fit_is_rejected_with_a_reason_and_the_rest_is_imported(database: Database) -> None:
    bad = [conversation("a") | {"title": f"Bad {number}"} | wrong for number, (wrong, _) in enumerate(WRONG, 1)]
    report = imported(database, document(*bad, conversation("b", "c")))
    assert counts(report) == (1, 0, len(WRONG))
    for number, (rejected, (wrong, reason)) in enumerate(zip(report.rejected, WRONG, strict=True), 1):
        assert (rejected.number, rejected.title) == (number, f"Bad {number}"), wrong
        assert reason in rejected.reason, wrong
    assert len(json.loads(exported(database))["conversations"]) == 1


def test_a_conversation_is_imported_whole_or_not_at_all(database: Database) -> None:
    broken = conversation(*("x" for _ in range(1_200)))
    broken["messages"][1_100]["tool_calls"] = [
        {"call_id": "c", "name": "n", "arguments": "{}", "started_at": MOMENT},
        {"call_id": "c", "name": "n", "arguments": "{}", "started_at": MOMENT, "text_offset": -1},
    ]
    assert counts(imported(database, document(broken))) == (0, 0, 1)
    assert json.loads(exported(database))["conversations"] == []


HOSTILE = "${7*7} {{7*7}} <img src=x onerror=alert(1)> ![x](http://evil.example/?q) \u202egnp.exe \x00 \x1b[31m"


def test_hostile_titles_and_texts_are_cleaned_the_way_all_are(database: Database) -> None:
    imported(database, document(conversation(HOSTILE, title=HOSTILE + "x" * 1_000_000, system_prompt="a\x00b")))
    kept = only(database)
    assert len(kept.title) <= 200
    assert not set(kept.title) & set("\u202e\x00\x1b")
    assert kept.title.startswith("${7*7} {{7*7}} <img src=x onerror=alert(1)>"), "faces escape it, nobody evaluates it"
    assert kept.system_prompt == "a\ufffdb"
    assert show(database, kept.id).messages[0].content == HOSTILE.replace("\x00", "\ufffd")


def test_lone_surrogates_do_no_harm(database: Database) -> None:
    theirs = json.dumps([chatgpt(node("u", "root", "user", "a\ud800b"), title="t\udfff")])
    assert counts(imported(database, theirs.encode())) == (1, 0, 0)
    assert show(database, only(database).id).messages[0].content == "a\ufffdb"
    ours = document(conversation("x")).replace(b'"x"', b'"\\ud800"')
    assert counts(imported(database, ours)) == (0, 0, 1)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"   ",
        b"{}",
        b'"text"',
        b"null",
        b"{" * 5_000,
        b'{"format":"convstore","version":1}',
        b'{"format":"other","version":1,"conversations":[]}',
        b'{"format":"convstore","version":1,"owner":"ada","conversations":[]}',
        b'{"format":"convstore","version":1,"other":[1],"conversations":[]}',
        b"x" * 100_000,
        b"\xff\xfe[\x00]\x00",
    ],
)
def test_what_is_no_export_at_all_is_refused(file: bytes) -> None:
    def read() -> None:
        splitter = Splitter()
        splitter.feed(file)
        splitter.close()

    with pytest.raises(Invalid, match="neither"):
        read()


def test_a_newer_version_and_a_compressed_file_are_told_apart() -> None:
    with pytest.raises(Invalid, match="Update convstore"):
        Splitter().feed(b'{"format":"convstore","version":2,"conversations":[]}')
    for magic in (b"PK\x03\x04" + bytes(2_000), b"\x1f\x8b" + bytes(2_000)):
        with pytest.raises(Invalid, match="Unpack"):
            Splitter().feed(magic)


def test_a_file_whose_fields_were_sorted_is_read_and_one_that_never_says_what_it_is_is_told_apart(
    database: Database,
) -> None:
    talk = json.dumps(conversation("a"), sort_keys=True)
    for end, problems in (
        ('"format":"convstore","version":1}', 0),
        ('"format":"convstore","version":2}', 1),
        ('"format":"convstore"}', 1),
        ('"version":1,"owner":"x","format":"convstore"}', 1),
    ):
        report = imported(database, f'{{"conversations":[{talk}],{end}'.encode(), owner=end)
        assert counts(report) == (1, 0, problems), end
    assert counts(imported(database, f'{{"conversations":[{talk}]}}'.encode())) == (1, 0, 1)


def test_it_does_not_matter_where_the_chunks_are_cut() -> None:
    talk = conversation('quote " and \\ and } and ]', "\\", '\\"', "ünï🎈", "")
    file = b"\xef\xbb\xbf \n" + document(talk, conversation("b")) + b" \n"
    for size in (1, 2, 3, 5, 64, 1_000_000):
        splitter = Splitter()
        cuts = [cut for at in range(0, len(file), size) for cut in splitter.feed(file[at : at + size])]
        splitter.close()
        assert splitter.problem is None
        assert [json.loads(cut.text) for cut in cuts] == [talk, conversation("b")]


def test_a_file_that_ends_too_early_gives_what_was_complete(database: Database) -> None:
    whole = document(conversation("a"), conversation("b", "c"))
    for cut in (1, 2, 3, 30, 60):
        report = imported(database, whole[:-cut], owner=f"cut {cut}")
        assert report.imported == (2 if cut < 3 else 1)
        assert "ends in the middle" in report.rejected[-1].reason


def test_what_follows_and_is_no_conversation_ends_the_import(database: Database) -> None:
    for end in (b"7]}", b"[]]}", b"]},{}", b"]}]", b"]} x", b'],"owner":"ada"}'):
        file = document(conversation("a"))[:-2] + b"," + end
        assert counts(imported(database, file, owner=end.decode())) == (1, 0, 1)


def test_sizes_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    talks = [conversation(letter * 50) for letter in "abcdef"]
    monkeypatch.setattr(splitting, "CONVERSATION_BYTES", 1_000)
    report = imported(database, document(conversation("x" * 2_000), talks[0]))
    assert counts(report) == (1, 0, 1) and "is the most for one conversation" in report.rejected[0].reason
    monkeypatch.setattr(receiving, "CONVERSATIONS", 2)
    report = imported(database, document(*talks))
    assert counts(report) == (1, 1, 1) and "more than 2 conversations" in report.rejected[-1].reason
    monkeypatch.setattr(receiving, "BYTES", 700)
    report = imported(database, document(*talks), chunk=100)
    assert "more than 700 bytes" in report.rejected[-1].reason


def test_many_messages_many_values_and_deep_nesting_are_refused(database: Database) -> None:
    many = {"messages": [message()] * (schema.MESSAGES + 1)}
    nested = conversation("x").copy() | {"title": "deep"}
    deep = document(nested).replace(b'"deep"', b"[" * 200 + b"]" * 200)
    assert "too deep" in imported(database, deep).rejected[0].reason
    assert "at most 100000 items" in imported(database, document(conversation() | many)).rejected[0].reason
    values = document(nested).replace(b'"deep"', b"[" + b"0," * splitting.VALUES + b"0]")
    assert "too many values" in imported(database, values).rejected[0].reason


def test_what_is_held_follows_the_conversation_not_the_file() -> None:
    splitter = Splitter()
    cuts = 0
    piece = document(conversation("x" * 10_000))[len(document()) - 2 : -2]
    splitter.feed(document()[:-2])
    for _ in range(200):
        cuts += len(splitter.feed(piece + b","))
        assert len(splitter._buffer) <= len(piece)
    assert cuts == 200
