"""ChatGPT's conversations.json becomes our trees."""

import json
from typing import Any

import pytest

from convstore import conversations
from convstore.database import Database
from convstore.errors import Invalid
from convstore.messages import Window
from convstore.transfer import chatgpt as reading
from tests.store.luggage import chatgpt, counts, exported, imported, node
from tests.store.scenes import OWNER, show, texts


def file(*talks: dict[str, Any]) -> bytes:
    return json.dumps(list(talks)).encode()


def first(database: Database) -> Window:
    """The one conversation that was imported, on the branch shown."""
    with database.read() as session:
        (only,) = conversations.recent(session, OWNER).items
    return show(database, only.id)


HIDDEN = {"is_visually_hidden_from_conversation": True}


def test_a_plain_talk_is_imported_with_its_title_and_times(database: Database) -> None:
    talk = chatgpt(
        node("s", "root", "system", "", metadata=HIDDEN),
        node("u", "s", "user", "Hello", create_time=1700000001.5),
        node("a", "u", "assistant", "Hi", create_time=1700000002, metadata={"model_slug": "gpt-4o"}),
    )
    assert counts(imported(database, file(talk))) == (1, 0, 0)
    shown = first(database)
    assert texts(shown) == ["Hello", "Hi"]
    assert shown.conversation.title == "A talk"
    assert shown.conversation.created_at.timestamp() == 1700000000.123456
    assert shown.messages[0].created_at.timestamp() == 1700000001.5
    assert shown.messages[1].model == "gpt-4o"
    assert shown.conversation.model is None, "no model of theirs is asked for here"


def test_branches_stay_branches_and_the_one_that_was_shown_is_shown(database: Database) -> None:
    talk = chatgpt(
        node("u", "root", "user", "Hello", create_time=1),
        node("a", "u", "assistant", "Hi", create_time=2),
        node("b", "u", "assistant", "Hey", create_time=3),
        node("u2", "a", "user", "How are you?", create_time=4),
        node("a2", "u2", "assistant", "Fine", create_time=5),
        node("u3", "b", "user", "Bye", create_time=6),
        current_node="u2",
    )
    imported(database, file(talk))
    shown = first(database)
    assert texts(shown) == ["Hello", "Hi", "How are you?", "Fine"]
    assert [len(m.siblings) for m in shown.messages] == [1, 2, 1, 1]
    other = show(database, shown.conversation.id, leaf=shown.messages[1].siblings[1])
    assert texts(other) == ["Hello", "Hey", "Bye"]


def test_what_its_user_never_saw_is_left_out_and_nothing_below_it_is_lost(database: Database) -> None:
    talk = chatgpt(
        node("s", "root", "system", "secret", metadata=HIDDEN),
        node("c", "s", "user", content={"content_type": "user_editable_context", "user_profile": "secret"}),
        node("u", "c", "user", "Hello"),
        node("t", "u", "tool", "secret", metadata=HIDDEN),
        node("a", "t", "assistant", "Hi"),
    )
    talk["mapping"]["nothing"] = None
    imported(database, file(talk))
    assert texts(first(database)) == ["Hello", "Hi"]


def test_code_its_output_and_the_words_after_it_are_one_answer(database: Database) -> None:
    code = {"content_type": "code", "language": "python", "text": "print(6 * 7)"}
    output = {"content_type": "execution_output", "text": "42\x00"}
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Plan", "content": "multiply"}]}
    talk = chatgpt(
        node("u", "root", "user", "6 * 7?"),
        node("h", "u", "assistant", content=thoughts),
        node("w", "h", "assistant", "Let me see."),
        node("c", "w", "assistant", content=code, recipient="python"),
        node("o", "c", "tool", content=output, author={"role": "tool", "name": "python"}),
        node("a", "o", "assistant", "It is 42."),
    )
    imported(database, file(talk))
    _, answer = first(database).messages
    assert answer.content == "Let me see.\n\nIt is 42."
    assert answer.reasoning == "Plan\nmultiply"
    (call,) = answer.tool_calls
    assert (call.name, json.loads(call.arguments), call.status) == ("python", {"input": "print(6 * 7)"}, "complete")
    assert call.result == "42\ufffd"
    assert call.text_offset == len("Let me see.")


def test_images_recordings_and_files_leave_a_word_in_their_place(database: Database) -> None:
    parts = [
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"},
        {"content_type": "audio_transcription", "text": "spoken"},
        {"content_type": "audio_asset_pointer"},
        {"content_type": "something new"},
        "typed",
        7,
    ]
    talk = chatgpt(
        node(
            "u",
            "root",
            "user",
            content={"content_type": "multimodal_text", "parts": parts},
            metadata={"attachments": [{"name": "plan\u202e.pdf"}, None]},
        ),
        node("a", "u", "assistant", content={"content_type": "hologram", "data": 1}),
    )
    imported(database, file(talk))
    assert texts(first(database)) == [
        "[file: plan.pdf]\n[image]\n\nspoken\n\n[recording]\n\n[something new]\n\ntyped",
        "[hologram]",
    ]


def test_missing_times_are_those_of_what_is_above_and_always_the_same(database: Database) -> None:
    talk = chatgpt(
        node("u", "root", "user", "a", create_time=None),
        node("a", "u", "assistant", "b", create_time="soon"),
        node("u2", "a", "user", "c", create_time=float("nan")),
        create_time=None,
        update_time=None,
        title=None,
        current_node=None,
    )
    assert counts(imported(database, file(talk))) == (1, 0, 0)
    assert counts(imported(database, file(talk))) == (0, 1, 0)
    shown = first(database)
    assert texts(shown) == ["a", "b", "c"]
    assert shown.conversation.title == "a"


def test_a_later_export_continues_what_was_imported(database: Database) -> None:
    nodes = [
        node("u", "root", "user", "Hello", create_time=1),
        node("a", "u", "assistant", "Hi", create_time=2),
        node("u2", "a", "user", "And?", create_time=3),
        node("a2", "u2", "assistant", "So.", create_time=4),
    ]
    imported(database, file(chatgpt(*nodes)))
    nodes += [node("b", "u", "assistant", "Hey", create_time=5)]
    later = file(chatgpt(*nodes, update_time=1700000200))
    assert counts(imported(database, later)) == (1, 0, 0)
    assert counts(imported(database, later)) == (0, 1, 0)
    assert texts(first(database)) == ["Hello", "Hey"]
    assert exported(database).count(b'"messages"') == 1


def test_the_order_of_times_never_puts_an_answer_before_its_question(database: Database) -> None:
    talk = chatgpt(
        node("a", "u", "assistant", "answer", create_time=1),
        node("u", "root", "user", "question", create_time=9),
        current_node="a",
    )
    imported(database, file(talk))
    assert texts(first(database)) == ["question", "answer"]


def test_a_tree_of_fifty_thousand_levels_is_read_without_running_out_of_stack() -> None:
    nodes = [node("n0", "root", "user", "0")]
    nodes += [node(f"n{n}", f"n{n - 1}", ("user", "assistant")[n % 2], str(n)) for n in range(1, 50_000)]
    found = reading.conversation(chatgpt(*nodes))
    assert len(found.messages) == 50_000
    assert found.messages[-1].parent == 49_998


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        ({}, "no mapping"),
        ({"mapping": {}}, "no message"),
        (7, "no mapping"),
        (chatgpt(node("a", "b", "user", "x"), node("b", "a", "user", "y")), "own ancestors"),
        (chatgpt(node("a", "root", "user")), "no message"),
    ],
)
def test_what_is_no_conversation_is_rejected_with_a_reason(talk: Any, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        reading.conversation(talk)


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [None], {"a": None}, True, -1e308])
def test_any_part_may_be_anything(junk: Any) -> None:
    whole = chatgpt(node("u", "root", "user", "kept"))
    for name in ("author", "content", "metadata", "create_time", "recipient", "status"):
        broken = node("a", "u", "assistant", "said")
        broken[1]["message"][name] = junk
        reading.conversation(chatgpt(node("u", "root", "user", "kept"), broken))
    for name in ("title", "create_time", "update_time", "current_node", "is_archived"):
        assert reading.conversation(whole | {name: junk}).messages[0].content == "kept"
    for name in ("message", "parent", "children"):
        talk = chatgpt(node("u", "root", "user", "kept"), node("a", "u", "assistant", "said"))
        talk["mapping"]["a"][name] = junk
        reading.conversation(talk)
    for name in ("content_type", "parts", "text", "thoughts", "language"):
        content = {"content_type": "text", "parts": ["said"]} | {name: junk}
        reading.conversation(chatgpt(node("u", "root", "user", "kept"), node("a", "u", "assistant", content=content)))
