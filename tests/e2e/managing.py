"""What a person does to conversations in the list, for the tests of it."""

from playwright.sync_api import Page

from tests.e2e.chatting import answered, conversation_id


def chats(page: Page, *texts: str) -> list[str]:
    """A conversation per text, the last one newest; returns their ids."""
    made = []
    for text in texts:
        page.click("#new-chat")
        answered(page, f"/plain {text}")
        made.append(conversation_id(page))
    return made


def choose(page: Page, conversation: str, entry: str) -> None:
    """Choose an entry of the menu of a conversation in the list."""
    row = page.locator("li.row", has=page.locator(f'[data-conversation-id="{conversation}"]'))
    row.hover()
    row.locator(".row-more").click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def titles(page: Page) -> list[str]:
    """The titles in the list, from the top."""
    return page.locator("#conversation-list [data-conversation-id]").all_inner_texts()


HOSTILE = {
    "templates": "${window.harmed = 1}{{window.harmed = 1}}",
    "markup": "<img src=x onerror='window.harmed = 1'><script>window.harmed = 1</script>",
    "override": "\u202egnp.exe \u202e \u2066right to left",
    "long": "name " * 60_000,
}


def unharmed(page: Page, place: str) -> None:
    """Nothing ran, and nothing in that place is more than text."""
    assert page.evaluate("window.harmed") is None
    assert page.locator(f"{place} :is(img, script, iframe)").count() == 0
