"""What the house promises about its source: one door for each thing that must not spread."""

import ast
import tomllib
from pathlib import Path

import pytest

from tests.house.source import PACKAGES, ROOT, calls, files, imported, nodes, tree

FURNITURE = {"routes", "pages", "jobs", "handlers", "commands", "actions", "queries", "models", "states", "events"}
DOORS = {
    "redis": {"marketplace/kernel/queue.py"},
    "rq": {"marketplace/kernel/queue.py"},
    "stripe": {"settlements/gateway/stripe_gateway.py"},
    "pycurl": {"search/wire.py"},
    "elasticsearch": set(),  # 17 MB in every web process
    "elastic_transport": set(),
    "argon2": {"marketplace/companies/credentials.py"},
    "smtplib": {"marketplace/notifications/mailer.py"},
}


def named(paths):
    return sorted(str(path) for path in paths)


def test_the_word_commit_is_code_in_one_file():
    users = {str(path) for path in files() for name, _ in calls(path) if name == "commit"}
    assert users == {"marketplace/kernel/db.py"}


def test_transactions_are_opened_at_the_edges_only():
    edges = {"routes", "pages", "jobs", "handlers", "commands", "sessions"}
    inside = [
        path
        for path in files()
        if not edges & {*path.with_suffix("").parts}
        and {"actions", "queries", "models", "states", "events"} & {*path.with_suffix("").parts}
        and any(name == "transaction" for name, _ in calls(path))
    ]
    assert named(inside) == []


def test_every_select_lives_in_queries():
    allowed = {"settlements/ledger/books.py", "search/postgres.py"}
    elsewhere = {
        path
        for path in files()
        if str(path) not in allowed
        and not str(path).startswith("marketplace/kernel/")
        and "queries" not in path.with_suffix("").parts
        and any(name == "select" for name, _ in calls(path))
    }
    assert named(elsewhere) == []


def test_only_history_assigns_a_state():
    def assigns(path: Path) -> bool:
        for node in nodes(path):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Attribute) and target.attr == "state" for target in targets):
                return True
        return False

    assert named(path for path in files() if assigns(path)) == ["marketplace/kernel/history.py"]


@pytest.mark.parametrize("library", sorted(DOORS))
def test_each_outside_system_has_one_door(library):
    users = {str(path) for path in files() if library in {name.split(".")[0] for name in imported(path)}}
    assert users <= DOORS[library]


def test_sql_is_never_put_together_from_values():
    def from_sqlalchemy(path: Path) -> bool:
        imports = [n for n in nodes(path) if isinstance(n, ast.ImportFrom) and n.module == "sqlalchemy"]
        return any(alias.name == "text" for node in imports for alias in node.names)

    def glued(path: Path) -> bool:
        literal = ast.Constant | ast.Name | ast.Attribute
        return from_sqlalchemy(path) and any(
            name == "text" and not all(isinstance(argument, literal) for argument in call.args)
            for name, call in calls(path)
        )

    assert named(path for path in files() if glued(path)) == []


def test_nothing_is_imported_inside_a_function_or_behind_a_guard():
    hidden = []
    for path in files():
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = (n for statement in node.body for n in ast.walk(statement))
                if any(isinstance(n, ast.Import | ast.ImportFrom) for n in inner):
                    hidden.append(path)
            if getattr(node, "id", getattr(node, "attr", "")) == "TYPE_CHECKING":
                hidden.append(path)
    assert named(hidden) == []


def test_nobody_imports_the_roof():
    assert named(path for path in files() if "wsgi" in imported(path)) == []


def test_files_and_functions_keep_their_size():
    long_files = [path for path in files() if len((ROOT / path).read_text().splitlines()) > 400]
    long_functions = [
        f"{path}:{node.name}"
        for path in files()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert (named(long_files), long_functions) == ([], [])


def test_every_module_says_what_it_keeps_true():
    silent = [path for path in files() if tree(path).body and not ast.get_docstring(tree(path))]
    assert named(silent) == []


def test_every_room_with_furniture_is_held_to_its_order():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = next(set(contract["containers"]) for contract in contracts if contract["id"] == "furniture")
    rooms = {
        ".".join(path.parts[:2])
        for path in files()
        if len(path.parts) >= 3 and path.parts[0] in PACKAGES and path.with_suffix("").parts[2] in FURNITURE
    }
    exempt = {"marketplace.kernel", "settlements.gateway", "settlements.demo"}
    assert rooms - exempt <= held
