"""The message catalogue: Chinese in the code, English in locale/en/LC_MESSAGES/django.po.

    python .ci/catalogues.py extract   bring the catalogue up to date: new texts in, dropped texts out
    python .ci/catalogues.py check     fail when a text has no English, or a page says Chinese untranslated

A Chinese text that is not to be translated says so on its line: `# not translated: why`, in a
template `{# not translated: why #}`; on a template's first line it stands for the whole file.
"""

import ast
import io
import itertools
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeGuard

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ground", "experts", "contracts", "incidents", "coordination")
ENGLISH = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"

# For each function, where its arguments stand: the context, the text, its plural.
Shape = tuple[int | None, int, int | None]
KEYWORDS: dict[str, Shape] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
}
FACES = ("views", "forms", "admin", "api", "serializers", "templatetags", "tables", "middleware")
CHINESE = re.compile(r"[\u3400-\u9fff]")
EXEMPT = re.compile(r"not translated: \S")
TRANSLATED_IN_TEMPLATE = re.compile(
    r"{#.*?#}"
    r"|{%\s*comment\b.*?{%\s*endcomment\s*%}"
    r"|{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}"
    r"|{%\s*trans(?:late)?\b.*?%}"
    r"""|_\((?:"[^"]*"|'[^']*')\)""",
    re.DOTALL,
)


def sources(*suffixes: str) -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in suffixes and "migrations" not in path.parts and "vendor" not in path.parts:
                yield path


def an_empty_one() -> Catalog:
    # A fixed moment: otherwise every run would change the file.
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Catalog(
        locale="en",
        project="Muster",
        version="1",
        header_comment="# The English of Muster's interface; the texts in the code are the Chinese ones.",
        msgid_bugs_address="the project's issue tracker",
        last_translator="Muster",
        language_team="English",
        creation_date=moment,
        revision_date=moment,
        fuzzy=False,
    )


def extracted() -> Catalog:
    catalogue = an_empty_one()
    for path in sources(".py", ".html", ".txt"):
        text = path.read_text()
        if path.suffix == ".py":
            functions = gettext_names(ast.parse(text))
        else:
            functions = KEYWORDS
            if "templates" not in path.parts:
                continue
            # What is left of the page keeps its indentation, which Python's tokenizer would trip over.
            text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).splitlines())
        found = extract_python(
            io.BytesIO(text.encode()), dict.fromkeys(functions), ["Translators:"], {"encoding": "utf-8"}
        )
        for _line, function, arguments, _comments in found:
            at_context, at_text, at_plural = functions[function]
            arguments = arguments if isinstance(arguments, tuple) else (arguments,)
            if not (singular := arguments[at_text]):
                continue  # a variable: its text is found where it is written
            catalogue.add(
                singular if at_plural is None else (singular, arguments[at_plural]),
                context=None if at_context is None else arguments[at_context],
                locations=[(str(path.relative_to(ROOT)), None)],
            )
    return catalogue


def english() -> Catalog:
    if not ENGLISH.exists():
        return an_empty_one()
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en")


def extract() -> int:
    catalogue = english()
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    with ENGLISH.open("wb") as file:
        # No line numbers: the file changes only when a text does.
        write_po(file, catalogue, width=100, sort_output=True, include_lineno=False, ignore_obsolete=True)
    untranslated = sum(1 for message in catalogue if message.id and not _is_translated(message))
    print(f"{ENGLISH.relative_to(ROOT)}: {len(catalogue)} texts, {untranslated} without English")
    return 0


def check() -> int:
    known, wanted = english(), extracted()
    complaints = []
    for message in wanted:
        if not message.id:
            continue
        translation = known.get(message.id, message.context)
        where = ", ".join(sorted({path for path, _ in message.locations}))
        if translation is None or not _is_translated(translation):
            complaints.append(f"{where}: no English for {message.id!r}")
        else:
            complaints += [f"{message.id!r}: {error}" for error in translation.check(known)]
            if CHINESE.search(str(translation.string)):
                complaints.append(f"{message.id!r}: the English has Chinese in it")
    for message in known:
        if message.id and wanted.get(message.id, message.context) is None:
            complaints.append(f"{ENGLISH.relative_to(ROOT)}: {message.id!r} is in no source any more")
    complaints += [*_untranslated_in_templates(), *_untranslated_in_faces()]
    print("\n".join(complaints) or f"catalogue: {len(wanted)} texts, all in English too")
    return 1 if complaints else 0


def _is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return bool(strings) and all(strings) and not message.fuzzy


def _untranslated_in_templates() -> Iterator[str]:
    for path in sources(".html", ".txt"):
        if "templates" not in path.parts:
            continue
        source = path.read_text()
        lines = source.splitlines()
        if lines and EXEMPT.search(lines[0]):
            continue
        # Blanked in place, so that the line numbers stay.
        bare = TRANSLATED_IN_TEMPLATE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)
        for number, line in enumerate(bare.splitlines(), 1):
            if CHINESE.search(line) and not EXEMPT.search(lines[number - 1]):
                yield f"{path.relative_to(ROOT)}:{number}: not in a translate tag: {line.strip()[:60]}"


def _untranslated_in_faces() -> Iterator[str]:
    """Find Chinese literals that reach people untranslated: outside gettext, and without their English beside."""
    for path in sources(".py"):
        relative = path.relative_to(ROOT)
        if not any(part.removesuffix(".py") in FACES for part in relative.parts[1:]):
            continue
        source = path.read_text()
        lines, tree = source.splitlines(), ast.parse(source)
        spoken_for = _spoken_for(tree, gettext_names(tree))
        for node in ast.walk(tree):
            if _is_chinese(node) and id(node) not in spoken_for and not EXEMPT.search(lines[node.lineno - 1]):
                yield f"{relative}:{node.lineno}: not in gettext: {node.value[:40]!r}"


def _spoken_for(tree: ast.Module, gettext_functions: dict[str, Shape]) -> set[int]:
    """Return the ids of the nodes whose Chinese is all right where it stands."""
    good: list[ast.AST] = []
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):  # a docstring
                good.append(node)
            case ast.Call(func=function) if _name(function) in {*gettext_functions, "compile"}:
                good.append(node)
            case ast.Compare():  # looked for in what somebody typed
                good.append(node)
            case ast.Assign(targets=[ast.Name(id=name)]) if name.endswith("_zh"):  # its _en stands beside
                good.append(node)
        beside = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        for chinese, other in itertools.pairwise(beside):
            if _is_english(other) or (isinstance(other, ast.Call) and _name(other.func) in gettext_functions):
                good.append(chinese)
    return {id(part) for node in good for part in ast.walk(node)}


def _is_chinese(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(CHINESE.search(node.value))


def _is_english(node: ast.AST) -> bool:
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    said = "".join(text for text in texts if isinstance(text, str))
    return isinstance(node, ast.Constant | ast.JoinedStr) and bool(re.search("[A-Za-z]{2}", said))


def gettext_names(tree: ast.Module) -> dict[str, Shape]:
    """Return what this module calls the gettext functions, each with its shape."""
    return {
        alias.asname or alias.name: KEYWORDS[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in KEYWORDS
    }


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


if __name__ == "__main__":
    sys.exit({"extract": extract, "check": check}[sys.argv[1]]())
