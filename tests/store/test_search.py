"""Search: what people find, whether it is indexed already or was written this very moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from convstore import conversations, messages, trash
from convstore.database import Database
from convstore.models import Message
from tests.store.looking import all_pages, index, look, page, write
from tests.store.scenes import OWNER, STRANGER, ask, fence_of, finish, say, show, talk

Settle = Callable[[Database], object]


@pytest.fixture(params=["indexed", "waiting"])
def settle(request: pytest.FixtureRequest) -> Settle:
    """Bring the index up to date, or leave everything for later: a reader must not see the difference."""
    return index if request.param == "indexed" else lambda database: None


def test_a_word_is_found_in_messages_and_titles_and_marked(database: Database, settle: Settle) -> None:
    write(database, "Where is the station?", "Beside the harbour.", title="A trip to the harbour")
    settle(database)
    assert look(database, "harbour") == ["A trip to the [harbour]", "Beside the [harbour]."]
    assert look(database, "nowhere") == []


def test_a_hit_says_what_it_is_and_opens_at_its_message(database: Database, settle: Settle) -> None:
    conversation_id = write(database, "one", "a needle here", "three", title="Sewing")
    settle(database)
    (hit,) = page(database, "needle").hits
    assert (hit.conversation_id, hit.title, hit.role, hit.archived) == (conversation_id, "Sewing", "assistant", False)
    window = show(database, conversation_id, leaf=hit.message_id)
    assert [m.created_at for m in window.messages if m.id == hit.message_id] == [hit.created_at]
    (title,) = page(database, "sewing").hits
    assert (title.message_id, title.role, title.snippet) == (None, None, [("Sewing", True)])


def test_all_words_must_be_there_in_any_order(database: Database, settle: Settle) -> None:
    write(database, "red green blue", "green only")
    settle(database)
    assert look(database, "blue red") == ["[red] green [blue]"]
    assert len(look(database, "green")) == 2
    assert look(database, "green yellow") == []


def test_the_last_word_may_be_unfinished_and_only_that(database: Database, settle: Settle) -> None:
    write(database, "the quick brown fox")
    settle(database)
    assert look(database, "quick bro") == ["the [quick] [bro]wn fox"]
    assert look(database, "q") == ["the [q]uick brown fox"]
    assert look(database, "qui brown") == []
    assert look(database, "uick") == []


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Crème brûlée", "creme brulee", "[Crème] [brûlée]"),
        ("creme brulee", "CRÈME BRÛLÉE", "[creme] [brulee]"),
        ("cafe\u0301 noir", "café", "[café] noir"),
        ("Die Straße in Łódź", "strasse lodz", "Die [Straße] in [Łódź]"),
        ("ΣΊΣΥΦΟΣ", "σισυφος", "[ΣΊΣΥΦΟΣ]"),
        ("ещё ёлка", "елка", "ещё [ёлка]"),
        ("İstanbul'da", "istanbul", "[İstanbul]'da"),
        ("the ﬁle №５", "file", "the [ﬁle] №５"),
        ("हिन्दी में खोज", "खोज", "हिन्दी में [खोज]"),
        ("مُحَمَّد", "محمد", "[مُحَمَّد]"),
    ],
)
def test_case_accents_and_forms_do_not_count(
    database: Database, settle: Settle, text: str, query: str, marked: str
) -> None:
    write(database, text)
    settle(database)
    assert look(database, query) == [marked]


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("日本語を勉強する", "勉強", "日本語を[勉強]する"),
        ("日本語を勉強する", "語", "日本[語]を勉強する"),
        ("日本語を勉強する", "本語を勉", "日[本語を勉]強する"),
        ("我喜欢用iPhone15手机", "iphone15手机", "我喜欢用[iPhone15][手机]"),
        ("학교에서 공부한다", "학교", "[학교]에서 공부한다"),
        ("ภาษาไทยไม่เว้นวรรค", "ไทย", "ภาษา[ไทย]ไม่เว้นวรรค"),
        ("ｶﾀｶﾅ", "カタカナ", "[ｶﾀｶﾅ]"),
        ("party 🎉 time", "🎉", "party [🎉] time"),
    ],
)
def test_scripts_without_spaces_are_found_anywhere(
    database: Database, settle: Settle, text: str, query: str, marked: str
) -> None:
    write(database, text)
    settle(database)
    assert look(database, query) == [marked]


def test_pairs_of_characters_that_stand_apart_are_not_the_word(database: Database, settle: Settle) -> None:
    write(database, "東京 と 京都", "東京都")
    settle(database)
    assert look(database, "東京都") == ["[東京都]"]


def test_words_in_code_and_addresses_are_found(database: Database, settle: Settle) -> None:
    write(database, "see https://example.org/path/page.html and `foo_bar(baz)` <b>bold</b>")
    settle(database)
    for word in ("example", "page", "html", "foo", "bar", "baz", "bold"):
        assert f"[{word}]" in look(database, f"{word} ")[0]


def test_what_is_others_is_not_found(database: Database, settle: Settle) -> None:
    write(database, "my secret", owner=STRANGER, title="secret plans")
    settle(database)
    assert look(database, "secret") == []
    assert len(look(database, "secret", owner=STRANGER)) == 2


def test_the_trash_is_not_searched_until_it_is_restored(database: Database, settle: Settle) -> None:
    conversation_id = write(database, "buried treasure", title="treasure")
    settle(database)
    database.run(trash.discard, OWNER, conversation_id)
    assert look(database, "treasure") == []
    database.run(trash.restore, OWNER, conversation_id)
    assert len(look(database, "treasure")) == 2


def test_what_is_archived_is_found_and_says_so(database: Database, settle: Settle) -> None:
    conversation_id = write(database, "old treasure")
    database.run(conversations.change, OWNER, conversation_id, archived=True)
    settle(database)
    assert [hit.archived for hit in page(database, "treasure").hits] == [True]


def test_every_branch_is_searched(database: Database, settle: Settle) -> None:
    (turn,) = talk(database, "first version")
    with database.write() as session:
        messages.append(session, OWNER, turn.conversation_id, "user", "second version", parent_id=None)
    settle(database)
    found = page(database, "version", limit=10).hits
    assert {hit.message_id for hit in found if hit.role == "user"} >= {turn.user_message_id}
    for hit in found:
        if hit.message_id is not None:
            branch = show(database, turn.conversation_id, leaf=hit.message_id)
            assert hit.message_id in [message.id for message in branch.messages]


def test_an_answer_is_found_once_it_is_finished(database: Database, settle: Settle) -> None:
    turn = ask(database, "question")
    say(database, fence_of(turn), "a sparkling ")
    settle(database)
    assert look(database, "sparkling") == []
    finish(database, fence_of(turn), "a sparkling answer")
    settle(database)
    assert look(database, "sparkling") == ["a [sparkling] answer"]


def test_a_title_that_repeats_the_first_message_is_not_shown_beside_it(database: Database, settle: Settle) -> None:
    ask(database, "How do I bake bread?")
    settle(database)
    assert look(database, "bread") == ["How do I bake [bread]?"]


def _dated(database: Database, text: str, days_ago: float) -> None:
    conversation_id = write(database, text)
    at = datetime.now(UTC) - timedelta(days=days_ago)
    with database.write() as session:
        session.execute(update(Message).where(col(Message.conversation_id) == conversation_id).values(created_at=at))


def test_of_two_that_fit_alike_the_recent_one_comes_first(database: Database, settle: Settle) -> None:
    for text, days_ago in (("plan a", 300), ("plan b", 1), ("plan c", 40)):
        _dated(database, text, days_ago)
    settle(database)
    assert look(database, "plan") == ["[plan] b", "[plan] c", "[plan] a"]


def test_of_two_of_the_same_time_the_better_one_comes_first(database: Database, settle: Settle) -> None:
    for text in ("planning the budget", "the budget and a plan", "budget plan", "my plan: a budget"):
        _dated(database, text, 3)
    settle(database)
    found = look(database, "budget plan")
    assert (found[0], found[-1]) == ("[budget] [plan]", "[plan]ning the [budget]")


def test_a_snippet_is_the_stretch_with_the_most_of_it_on_one_line(database: Database, settle: Settle) -> None:
    write(database, "alpha " + "padding\n" * 300 + "here are alpha and\n\nomega together " + "more " * 300)
    settle(database)
    (found,) = look(database, "alpha omega")
    assert "here are [alpha] and [omega] together" in found
    assert found.startswith("…") and found.endswith("…") and "\n" not in found and len(found) < 250


def test_a_word_far_into_a_long_message_is_found_and_shown(database: Database, settle: Settle) -> None:
    write(database, "x " * 100_000 + "lighthouse" + " y" * 100_000)
    settle(database)
    assert "[lighthouse]" in look(database, "lighthouse")[0]


def test_a_very_long_word_is_found_by_its_beginning_or_whole(database: Database, settle: Settle) -> None:
    word = "abcdefghij" * 20
    write(database, f"key {word} end")
    settle(database)
    for query in (word[:30], word, f"{word} end"):
        assert len(look(database, query)) == 1


def test_nothing_that_reorders_or_hides_text_is_in_a_snippet(database: Database, settle: Settle) -> None:
    write(database, "evil \u202egnp.exe\u202c \x07bell \u2066hidden")
    settle(database)
    (found,) = look(database, "hidden")
    assert found == "evil gnp.exe bell [hidden]"


def test_all_hits_come_once_whatever_the_size_of_the_page(database: Database, settle: Settle) -> None:
    for n in range(6):
        write(database, *(f"common word number{n}x{m}" for m in range(60)), title=f"common {n}")
    settle(database)
    whole = all_pages(database, "common", limit=100)
    assert len({(hit.conversation_id, hit.message_id) for hit in whole}) == len(whole) == 6 * 61
    assert all_pages(database, "common", limit=7) == whole
