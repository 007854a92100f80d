"""Joining JavaScript modules into one script."""

from __future__ import annotations

from pathlib import Path

import pytest

from handgrad.errors import ConfigError
from handgrad.javascript import bundle, without_comments
from tests.extras import needs


def write(folder: Path, **modules: str) -> Path:
    """Write modules, and return the path of the one named main."""
    for name, source in modules.items():
        (folder / f"{name}.js").write_text(source, "utf-8")
    return folder / "main.js"


def run(entry: Path, code: str) -> object:
    """Join modules under the name `it`, and return the value of some code."""
    with needs("py_mini_racer").MiniRacer() as v8:
        v8.eval(bundle(entry, "it"))
        return v8.eval(code)


OTHER = """
export const a = 1;
export function twice(x) { return 2 * x; }
export class Box { constructor(x) { this.x = x; } }
export function* count() { yield 1; yield 2; }
const hidden = 5;
export { hidden as shown };
"""


@pytest.mark.parametrize(
    ("main", "code", "value"),
    [
        ('import { a, twice as t } from "./other.js"; export const b = t(a);', "it.b", 2),
        ("import {\n  a,\n  twice,\n} from './other.js';\nexport const b = twice(a);", "it.b", 2),
        ('import * as o from "./other.js"; export const b = o.shown;', "it.b", 5),
        ('export * from "./other.js";', "Object.keys(it).join()", "a,twice,Box,count,shown"),
        ('export { shown as s, Box } from "./other.js";', "new it.Box(it.s).x", 5),
        ('export * from "./other.js"; export const hidden = 7;', "it.hidden + it.shown", 12),
        ('export const n = [...f()].length;\nimport { count as f } from "./other.js";', "it.n", 2),
        ("export const s = \"import { x } from './no.js'\";", "it.s.length", 27),
        (
            "export const s = `a ${`export ${1 + 1}` + {x: 3}.x} import`;",
            "it.s",
            "a export 23 import",
        ),
        ("export const r = /\"[/]import/.test('\"/import');", "it.r", True),
        ("// import x\n/* export default 3 */\nexport const c = 6 / 3 / 2;", "it.c", 1),
        ("export const o = { import: 1 }; ", "it.o.import", 1),
        ("export const f = (x, y) => x + y;", "it.f(1, 2)", 3),
        ("export const o = { a: 1, b: [1, 2] };", "it.o.b[1]", 2),
    ],
)
def test_a_joined_script_has_the_exports_of_the_entry(
    tmp_path: Path, main: str, code: str, value: object
) -> None:
    assert run(write(tmp_path, main=main, other=OTHER), code) == value


@pytest.mark.parametrize(
    "main",
    [
        "export default 3;",
        "export let a = 1;",
        "export var a = 1;",
        "export const a = 1, b = 2;",
        "export const { a } = { a: 1 };",
        'import x from "./other.js";',
        'import "./other.js";',
        'import { a } from "./other.js"',
        'const m = import("./other.js");',
        "const u = import.meta.url;",
        'import x, { a } from "./other.js";',
        'export * as o from "./other.js";',
        'import { default as d } from "./other.js";',
        'import data from "./x.json" with { type: "json" };',
        "if (true) { export const a = 1; }",
    ],
)
def test_other_statements_are_refused(tmp_path: Path, main: str) -> None:
    with pytest.raises(ConfigError, match=r"main\.js.*cannot join"):
        bundle(write(tmp_path, main=f"\n{main}", other=OTHER), "it")


@pytest.mark.parametrize(
    ("modules", "sentence"),
    [
        ({"main": 'import { x } from "./no.js";'}, "no.js, which main.js imports: cannot be read"),
        ({"main": 'import { x } from "lodash";'}, "only paths that start with ./"),
        ({"main": 'import { x } from "./other.js";'}, "other.js does not export x"),
        ({"main": 'export { x } from "./other.js";'}, "other.js does not export x"),
        ({"main": 'export * from "./other.js"; export const a = 1;'.replace("; ", ";\n")},
         "exports a twice"),
        ({"main": 'import { b } from "./b.js";', "b": 'import { a } from "./main.js";'},
         r"cycle \(main.js -> b.js -> main.js\)"),
        ({"main": "export const s = '</script>';"}, "contains </script"),
        ({"main": "export const s = `a;"}, "line 1: a template string has no end"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_named(
    tmp_path: Path, modules: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        bundle(write(tmp_path, other=OTHER, **modules), "it")


def test_a_refused_statement_is_shown_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"main\.js, line 3: cannot join 'export default 3;'"):
        bundle(write(tmp_path, main="// a\n\nexport default 3;\n"), "it")


def test_a_global_name_that_is_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a JavaScript name, not 'a b'"):
        bundle(write(tmp_path, main=""), "a b")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("let a = 1; // one\n  let b;\n", "let a = 1;\nlet b;\n"),
        ("a /* one */ + b", "a   + b"),
        ("a /* one\n two */ b", "a\nb"),
        ('let a = "// no /* comment */";', 'let a = "// no /* comment */";'),
        ("let a = /\\/\\/ [/*]/g; // one", "let a = /\\/\\/ [/*]/g;  "),
        ("let a = `//\n  ${b /* one */} //\n`;", "let a = `//\n  ${b  } //\n`;"),
        ("return a\n    / b / c; // one\n", "return a\n    / b / c;\n"),
    ],
)
def test_only_comments_and_indentation_are_removed(source, expected):
    assert without_comments(Path("a.js"), source) == expected
