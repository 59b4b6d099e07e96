"""What docstrings say of parameters and errors, against what the functions have and raise."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parent.parent / "thesis_lib"
MODULES = sorted(str(path.relative_to(LIBRARY)) for path in LIBRARY.rglob("*.py"))

# Keras says what these are: the arguments of every loss, and the methods of its classes.
OF_KERAS = {"name", "kwargs"}
METHODS_OF_KERAS = {"call", "get_config"}


def parsed(module: str) -> ast.Module:
    return ast.parse((LIBRARY / module).read_text("utf-8"))


def functions(module: str) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Public functions and methods with their docstring; a class's is that of its __init__.

    A method "as `Feed` says" has the docstring of that protocol's method: one text for them all.
    """
    texts: dict[str, str] = {}
    for node in parsed(module).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for found in inside:
            if not isinstance(found, ast.FunctionDef) or node.name.startswith("_"):
                continue
            owner = node if found.name == "__init__" else found
            derived = bool(getattr(node, "bases", []))
            if owner.name.startswith("_") or (derived and owner.name in METHODS_OF_KERAS):
                continue
            name = owner.name if owner is node else f"{node.name}.{owner.name}"
            text = inspect.cleandoc(ast.get_docstring(owner) or "")
            if protocol := re.match(r"As `(\w+)` says", text):
                text = texts[f"{protocol[1]}.{owner.name}"]
            texts[name] = text
            yield name, found, text


def section(docstring: str, title: str) -> str:
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w+\n---|\Z)", docstring, re.M | re.S)
    return found[1] if found else ""


def documented(docstring: str) -> set[str]:
    heads = re.findall(r"^(\S.*?)(?: : .*)?$", section(docstring, "Parameters"), re.M)
    return {name.strip("* ") for head in heads for name in head.split(",")}


def parameters(function: ast.FunctionDef) -> set[str]:
    a = function.args
    every = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    names = {one.arg for one in every if one} - {"self", "cls"}
    return names - OF_KERAS if "kwargs" in names else names


def called(node: ast.expr) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def raised(function: ast.FunctionDef) -> set[str]:
    """Errors of the function itself, and of the checks of arguments that it calls."""
    nodes = list(ast.walk(function))
    found = {called(n.exc) for n in nodes if isinstance(n, ast.Raise) and n.exc}
    calls = {called(n).removeprefix("arguments.") for n in nodes if isinstance(n, ast.Call)}
    if calls & {"number", "whole"}:
        found |= {"ValueError", "TypeError"}
    if "one_of" in calls:
        found |= {"ValueError"}
    return {name for name in found if name[:1].isupper() and name.isidentifier()}


@pytest.mark.parametrize("module", MODULES)
def test_a_docstring_begins_with_one_sentence_on_a_line(module: str) -> None:
    texts = {name: text for name, _, text in functions(module)}
    texts["the module"] = ast.get_docstring(parsed(module)) or ""
    heads = {name: text.partition("\n\n")[0] for name, text in texts.items()}
    assert {n: head for n, head in heads.items() if not re.fullmatch(r".+\.", head)} == {}


@pytest.mark.parametrize("module", MODULES)
def test_parameters_are_described_and_no_others(module: str) -> None:
    wrong = {
        name: sorted(documented(text) ^ parameters(function))
        for name, function, text in functions(module)
        if documented(text) != parameters(function)
    }
    assert wrong == {}


@pytest.mark.parametrize("module", MODULES)
def test_errors_are_described(module: str) -> None:
    missing = {
        name: sorted(lacking)
        for name, function, text in functions(module)
        if (lacking := {e for e in raised(function) if e not in section(text, "Raises")})
    }
    assert missing == {}
