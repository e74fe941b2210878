"""The shape of the house: who may import whom, how large a file may grow, what a listener may be.

A rule that fails here is about the next change, not the last one: see DESIGN's rooms before moving a wall.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = sorted([ROOT / "app.py", *(ROOT / "convstore").rglob("*.py"), *(ROOT / "pages").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SCRIPTS = sorted(
    path for kind in ("*.js", "*.css") for path in (ROOT / "pages" / "static").rglob(kind) if "vendor" not in path.parts
)
MOST_LINES = 300
FACES = {"convstore.api", "pages"}

# What runs answers, what follows them, and what starts and stops the two: not the store.
ENGINE = {"convstore.runner", "convstore.follow", "convstore.serving"}
# Around the store; these may not lean on it.
PROCESS = {"convstore.settings", "convstore.secret_key", "convstore.logs", "convstore.neighbours"}
AGENTS = {"convstore.agents"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module this file imports, at the top or inside a function; `from x import y` counts as x and as x.y."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], base]).strip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


def room_of(module: str) -> str:
    """Which of the rooms this module is in."""
    if module in ("app", "convstore", "convstore.__main__", "convstore.commands"):  # the two ways in, and the names
        return "door"
    for name, rooms in {"faces": FACES, "engine": ENGINE, "process": PROCESS, "agents": AGENTS}.items():
        if within(module, rooms):
            return name
    return "store"


def offences(room: str, forbidden: set[str]) -> list[str]:
    return [
        f"{module_of(path)} imports {name}"
        for path in CODE
        if room_of(module_of(path)) == room
        for name in imports_of(path)
        if within(name, forbidden)
    ]


def test_the_front_door_is_imported_by_nobody() -> None:
    assert [path.name for path in CODE for name in imports_of(path) if within(name, {"app"})] == []


def test_the_store_knows_nothing_above_it() -> None:
    assert offences("store", {"app", *FACES, *ENGINE, *PROCESS, *AGENTS, "starlette", "uvicorn"}) == []


def test_agents_know_nothing_of_the_store() -> None:
    allowed = {*AGENTS, "convstore.errors"}
    found = [
        f"{module_of(path)} imports {name}"
        for path in CODE
        if room_of(module_of(path)) == "agents"
        for name in imports_of(path)
        if within(name, {"convstore", "pages", "app"}) and name != "convstore" and not within(name, allowed)
    ]
    assert found == []


def test_what_runs_and_follows_answers_knows_no_face() -> None:
    assert offences("engine", {"app", *FACES, *PROCESS}) == []


def test_the_two_faces_do_not_know_each_other_nor_the_settings() -> None:
    for path in CODE:
        module = module_of(path)
        if within(module, FACES):
            other = FACES - {face for face in FACES if within(module, {face})}
            forbidden = {*other, "app", *PROCESS, "convstore.serving", *AGENTS}
            assert [name for name in imports_of(path) if within(name, forbidden)] == [], module


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("gradio", {"pages"}),
        ("gradio_client", {"pages"}),
        ("fastapi", {"convstore.api", "app"}),
        ("sse_starlette", {"convstore.api"}),
        ("starlette", {"convstore.api", "pages", "app"}),
        ("uvicorn", {"convstore.serving"}),
        ("openai", {"convstore.agents.openai_chat"}),
        ("alembic", {"convstore.schema", "convstore.migrations"}),
        ("psycopg", {"convstore.engines"}),
        ("prometheus_client", {"convstore.api"}),
        ("typer", {"convstore.commands"}),
        ("sqlite3", {"convstore.engines", "app"}),
        ("pydantic_settings", {"convstore.settings"}),
    ],
)
def test_a_library_is_used_in_its_room_only(library: str, rooms: set[str]) -> None:
    users = {module_of(path) for path in CODE for name in imports_of(path) if within(name, {library})}
    assert {user for user in users if not within(user, rooms)} == set()


def test_settings_are_read_at_the_door_only() -> None:
    readers = {module_of(path) for path in CODE for name in imports_of(path) if within(name, {"convstore.settings"})}
    assert readers <= {"app", "convstore.commands"}
    for path in CODE:
        if module_of(path) != "convstore.settings":
            text = path.read_text(encoding="utf-8")
            assert "os.getenv" not in text, path
            assert "os.environ.get" not in text, path


@pytest.mark.parametrize("path", [*CODE, *TESTS, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_fits_in_a_head(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{lines} lines: split it by noun"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_with_its_idea_and_has_a_name_that_says_something(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "say in a line or two what this module is for"
    assert not {"utils", "util", "helpers", "helper", "common", "manager", "misc"} & set(module_of(path).split("."))


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_import_is_a_pinned_requirement(path: Path) -> None:
    ours = {"app", "convstore", "pages", "tests"}
    given = {"gradio_client", "pydantic_core"}  # exactly pinned by gradio and pydantic themselves
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    pins = {line.split("==")[0].split("[")[0].lower().replace("-", "_") for line in lines if "==" in line}
    names = {"dotenv": "python_dotenv", "jwt": "pyjwt"}
    for name in imports_of(path):
        top = name.partition(".")[0]
        if top and top not in sys.stdlib_module_names and top not in ours | given:
            assert names.get(top, top).lower() in pins, f"{top} is imported but not pinned in requirements.txt"


def test_every_listener_of_the_pages_can_be_answered_by_any_instance(tmp_path: Path) -> None:
    from app import create_app
    from pages.mount import check_listeners
    from tests.hardening.conftest import settings
    from tests.hardening.test_routes import gate_of

    gradio = gate_of(create_app(settings(tmp_path))).app
    demo = gradio.get_blocks()  # type: ignore[attr-defined]
    check_listeners(demo)
    called = [fn.api_name for fn in demo.fns.values() if fn.fn is not None]
    assert called
    assert len(set(called)) == len(called), "two listeners with one api_name"
