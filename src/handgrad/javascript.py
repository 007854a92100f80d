"""Joins JavaScript modules into one classic script, for V8 and for files opened without a server.

A browser does not load modules from `file://`, and V8 alone has no loader for them. Each module
becomes a function, so that equal names in two modules do not conflict; it returns its exports, and
imports become constants. Only the statements in `_STATEMENTS` are supported. All other statements
that begin with `import` or `export` are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from handgrad.errors import ConfigError

_NAME = r"[A-Za-z_$][\w$]*"
_FROM = r"""\s*from\s*(?P<quote>["'])(?P<module>[^"'\n]+)(?P=quote)\s*;"""
_STATEMENTS = {
    "import names": re.compile(rf"import\s*\{{(?P<names>[^{{}}]*)\}}{_FROM}"),
    "import all": re.compile(rf"import\s*\*\s*as\s+(?P<name>{_NAME}){_FROM}"),
    "export all": re.compile(rf"export\s*\*{_FROM}"),
    "export names from": re.compile(rf"export\s*\{{(?P<names>[^{{}}]*)\}}{_FROM}"),
    "export names": re.compile(r"export\s*\{(?P<names>[^{}]*)\}\s*;"),
    "export declaration": re.compile(
        rf"export\s+(?=(?:async\s+)?function\b\s*\*?\s*(?P<function>{_NAME})"
        rf"|class\s+(?P<class>{_NAME})|const\s+(?P<const>{_NAME})\s*=)"
    ),
}
_PAIR = re.compile(rf"({_NAME})(?:\s+as\s+({_NAME}))?")
_SUPPORTED = (
    'import { a, b as c } from "./m.js"; import * as m from "./m.js"; '
    'export { a, b as c }; export { a } from "./m.js"; export * from "./m.js"; '
    "export function, class or const"
)

# Text in which `import` and `export` are not statements. A slash begins a regular expression if
# no value ends before it.
_OPAQUE = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
    | (?:(?<=[(,=:\[!&|?{};+\-*%<>~^\n])|(?<=return)|(?<=^))[ \t]*/(?![*/])
      (?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*
    """,
    re.VERBOSE | re.DOTALL,
)
_KEYWORD = re.compile(r"(?<![\w$.])(?:import|export)\b(?!\s*:)")


@dataclass
class _Module:
    """A module as the body of a function.

    Attributes:
        path: the file.
        variable: the constant with the exports of the module.
        imports: a statement for each import.
        body: the other code, without the word `export`.
        exports: the expression of each exported name.
    """

    path: Path
    variable: str = ""
    imports: list[str] = field(default_factory=list)
    body: str = ""
    exports: dict[str, str] = field(default_factory=dict)

    def function(self) -> str:
        """Return the code that runs the module and keeps its exports."""
        exports = ", ".join(f"{name}: {value}" for name, value in self.exports.items())
        head = f"const {self.variable} = (() => {{ // {self.path.name}"
        end = f"return {{ {exports} }};\n}})();"
        return "\n".join([head, *self.imports, self.body.strip("\n"), end])


def bundle(entry: Path, name: str) -> str:
    """Return one classic script with the same effect as a module and all modules it imports.

    Args:
        entry: the file of the module whose exports the script offers.
        name: the global name of an object with these exports.

    Raises:
        ConfigError: if a file is missing, if imports form a cycle, or if a module contains a
            statement that is not supported.
    """
    if not re.fullmatch(_NAME, name):
        raise ConfigError(f"the global name must be a JavaScript name, not {name!r}")
    modules: dict[Path, _Module] = {}
    main = _load(entry.resolve(), modules, ())
    functions = [module.function() for module in modules.values()]
    head = [f"var {name} = (() => {{", '"use strict";']
    return "\n".join([*head, *functions, f"return {main.variable};", "})();", ""])


def _load(path: Path, modules: dict[Path, _Module], importing: tuple[Path, ...]) -> _Module:
    """Add a module after all modules that it imports, and return it."""
    if path in importing:
        names = " -> ".join(item.name for item in (*importing, path))
        raise ConfigError(f"{path}: its imports form a cycle ({names}); move what they share")
    if path in modules:
        return modules[path]
    try:
        source = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        by = f", which {importing[-1].name} imports" if importing else ""
        raise ConfigError(f"{path}{by}: cannot be read ({error}); check the path") from None
    module, parts, at = _Module(path), [], 0
    for kind, match in _statements(path, source):
        groups = match.groupdict()
        target = None
        if "module" in groups:
            target = _load(_resolved(path, groups["module"]), modules, (*importing, path))
        _note(module, kind, groups, target)
        parts.append(source[at : match.start()])
        at = match.end()
    module.body = "".join([*parts, source[at:]])
    module.variable = f"module_{len(modules)}"
    modules[path] = module
    return module


def _statements(path: Path, source: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield each import and export statement, with the name of its kind in `_STATEMENTS`."""
    if "</script" in source.lower():
        raise ConfigError(f"{path}: contains </script, which would end a script in a page")
    code = _code(path, source)
    for keyword in _KEYWORD.finditer(code):
        start, line = keyword.start(), source.count("\n", 0, keyword.start()) + 1
        for kind, pattern in _STATEMENTS.items():
            match = pattern.match(source, start)
            is_first = code[:start].rstrip()[-1:] in ("", ";", "}")
            if match and is_first and not _declares_two(match, code):
                yield kind, match
                break
        else:
            text = source[start:].split("\n", 1)[0]
            raise ConfigError(
                f"{path}, line {line}: cannot join {text!r}; use one of: {_SUPPORTED}"
            )


def _declares_two(match: re.Match[str], code: str) -> bool:
    """Return whether a matched `export const` declares a second name, as in `a = 1, b = 2;`."""
    if not match.groupdict().get("const"):
        return False
    depth = 0
    for symbol in code[match.end() :]:
        depth += (symbol in "([{") - (symbol in ")]}")
        if depth == 0 and symbol in ",;":
            return symbol == ","
    return False


def without_comments(path: Path, source: str) -> str:
    """Return JavaScript without comments and indentation, which takes less space in a page.

    Args:
        path: the file, for messages.
        source: the code.

    Raises:
        ConfigError: if a template string has no end.
    """
    parts = []
    for is_literal, pieces in groupby(_pieces(path, source), lambda piece: piece[0] == "literal"):
        text = "".join(
            ("\n" if "\n" in text else " ") if kind == "comment" else text for kind, text in pieces
        )
        parts.append(text if is_literal else re.sub(r"[ \t]*\n\s*", "\n", text))
    return "".join(parts)


def _code(path: Path, source: str) -> str:
    """Return the source with comments, strings and regular expressions replaced by spaces."""
    return "".join(
        text if kind == "code" else re.sub(r"[^\n]", " ", text)
        for kind, text in _pieces(path, source)
    )


def _pieces(path: Path, source: str) -> Iterator[tuple[str, str]]:
    """Yield the source in pieces, each with its kind: "code", "comment" or "literal".

    Literals are strings, regular expressions and the texts of template strings. Spaces before a
    regular expression belong to its piece.
    """
    at, length = 0, len(source)
    templates: list[int] = []  # the depth of braces in each ${...} that is open
    while at < length:
        if (opaque := _OPAQUE.match(source, at)) and opaque.end() > at:
            yield "comment" if opaque[0].startswith(("//", "/*")) else "literal", opaque[0]
            at = opaque.end()
            continue
        symbol = source[at]
        if symbol == "{" and templates:
            templates[-1] += 1
        ends_expression = symbol == "}" and bool(templates)
        if ends_expression:
            templates[-1] -= 1
        if symbol == "`" or (ends_expression and templates[-1] < 0):
            if symbol == "}":
                templates.pop()
            end, is_open = _template_end(path, source, at + 1)
            if is_open:
                templates.append(0)
            yield "literal", source[at:end]
            at = end
            continue
        yield "code", symbol
        at += 1


def _template_end(path: Path, source: str, at: int) -> tuple[int, bool]:
    """Return the end of a template's text, and whether an expression ${...} begins there."""
    match = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(`|\$\{)", re.DOTALL).match(source, at)
    if match is None:
        line = source.count("\n", 0, at) + 1
        raise ConfigError(f"{path}, line {line}: a template string has no end; close it with `")
    return match.end(), match[1] != "`"


def _note(module: _Module, kind: str, groups: Mapping[str, str], target: _Module | None) -> None:
    """Note what an import or export statement adds to a module."""
    if kind == "export declaration":
        name = groups["function"] or groups["class"] or groups["const"]
        _export(module, name, name)
        return
    if target and kind == "import all":
        module.imports.append(f"const {groups['name']} = {target.variable};")
        return
    if target and kind == "export all":
        pairs = [(name, name) for name in target.exports]
    else:
        pairs = list(_pairs(module.path, groups["names"]))
    for name, _ in pairs if target else ():
        if target and name not in target.exports:
            raise ConfigError(f"{module.path}: {target.path.name} does not export {name}")
    if target and kind == "import names":
        names = ", ".join(f"{name}: {local}" for name, local in pairs)
        module.imports.append(f"const {{ {names} }} = {target.variable};")
        return
    for name, exported in pairs:
        _export(module, exported, f"{target.variable}.{name}" if target else name)


def _pairs(path: Path, names: str) -> Iterator[tuple[str, str]]:
    """Yield (name, other name) of each entry in a list such as "a, b as c"."""
    for entry in filter(None, (part.strip() for part in names.split(","))):
        match = _PAIR.fullmatch(entry)
        if match is None or "default" in match.groups():
            raise ConfigError(f"{path}: cannot join the name {entry!r}; use: a, or b as c")
        yield match[1], match[2] or match[1]


def _export(module: _Module, name: str, value: str) -> None:
    if name in module.exports:
        raise ConfigError(f"{module.path}: exports {name} twice; rename one of the two")
    module.exports[name] = value


def _resolved(path: Path, target: str) -> Path:
    """Return the file of an imported module."""
    if not target.startswith(("./", "../")):
        raise ConfigError(
            f"{path}: imports {target!r}; only paths that start with ./ can be joined"
        )
    return (path.parent / target).resolve()
