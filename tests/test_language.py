"""The language test: docstrings, comments, messages and pages use plain terms of the field.

Each pattern comes with a suggestion. A space in a pattern matches any white space, line breaks
included. A line that needs a forbidden word all the same ends in `# language: ok` (Python) or
`<!-- language: ok -->` (Markdown). CHANGELOG.md is exempt: it quotes old names.
"""

from __future__ import annotations

import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
CODE = ("src", "conformance", "benchmarks", "examples")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "src", "conformance", "benchmarks")
MARK = "language: ok"

# Words of no standard meaning, or with another meaning than the field gives them.
WORDS = {
    r"pictures?": "image",
    r"preparations?|unprepared": "preprocessing",
    r"recipes?": "configuration, hyperparameters, preset",
    r"witness(es|ed)?": "oracle, independent method",
    r"testimon(y|ies)|suspects?": "expected gradient; hypothesis",
    r"twins?": "PyTorch counterpart",
    r"duels?|dueling": "engine comparison, compare-engines",
    r"fighters?": "engine",
    r"partings?": "divergence",
    r"crews?|errands?": "thread pool; background task",
    r"rooms?|doors?|inlets?|shel(f|ves)": "package, module, interface, space",
    r"the house|rules of the house|house rules": "the package; conventions",
    r"courses? of|a course": "training run",
    r"keepers?": "checkpoint manager",
    r"seals?|sealed": "hash, digest",
    r"hush(ed)?|whispers?": "silence, reset_logging",
    r"nobody('s)?|somebody('s)?( else('s)?)?": "no one; another user, another process, unknown",
    r"whoever|whosoever": "a user who; a process that",
    r"lest": "so that ... not",
    r"anew": "again",
    r"spoil(s|t|ed|ing)?|spoilage": "corrupt, damage, modify; non-finite; mutation",
    r"calm(er|est)?": "well-conditioned",
    r"hands? of": "author of, source of",
    r"thereof|therein|thereby|hitherto|wherein|whereof|aforesaid": "plain English",
    r"upon": "on",
    r"cannot but|nought|naught": "plain English",
}

# Values that a user types. Other strings of one word are keys, for example of a file format.
VALUES = {
    r"messy-hands|clothes": "drawings; fashion (presets)",
    r"duel": "compare-engines",
}

# Phrases: private idioms, inverted word order, sentences without a subject.
PHRASES = {
    r"otherwise in each": "different in every",
    r"wh?at came of|what becomes? of|what came out": "the result of",
    r"as it came|as they came|as it comes": "unchanged",
    r"who (wants|likes|needs|has|gives|asks|writes|takes|knows)\b(?=[^.?]{0,60}?"
    r"\b(takes|gets|gives|writes|sets|is|can)\b)": "To do X, do Y",
    r"it is said|is said(?! to)|are said|was said|it says so|and says? so": "is printed; reports",
    r"(not|no|nothing|nobody|never|cannot)\b[^.]{0,40}?\s+any\s*more": "no longer",
    r"for nobody|nobody's": "for no user; of no user",
    r"to be had|be had again": "available; repeated",
    r"at hand(?!-)": "available",
    r"for want of|in want of": "without",
    r"as good as(?! (the|it|a[nt]?) )": "equivalent to",
    r"laid? (open|down)|lays? down|laying down|in the open": "explained; emitted; visible",
    r"sets? out(?! of)|setting out": "start, begin",
    r"goes on as if|go on as if|goes on from there": "continues, resumes",
    r"(go|goes|going|went|gone) on\b(?! (to|the|a|stdout|stderr|paper)\b)": "continue, resume",
    r"stands? for nothing|counts? for nothing": "has no effect",
    r"that there (is|are)\b(?! (no|a|an|more|at|only|some|one)\b)": "that exists",
    r"it be (?!an?\b)": "indicative mood",
    r"the way (back|there|on)\b|way back\b|on the way back": "backward pass",
    r"held against|holds? (it|each|them|every|one|this)?( \w+)? ?against": "compare with",
    r"before (its|their|the) (witnesses|oracles)": "checked by",
    r"mean what they say": "calibrated probabilities",
    r"none of these": "out-of-distribution",
    r"of one's own|one's own|on one's own": "custom, your, user-defined",
    r"learn(s|ed)? from the (pictures|images)": "gradient with respect to the input",
    r"nothing to (set|prove|see)": "no settings; no evidence",
    r"by (itself|himself|themselves) alone|all by itself": "automatically",
    r"in company|company of": "with",
    r"has (it|them) from|have (it|them) from|comes? to rest": "plain English",
    r"for (the )?better or|such (as|that) (is|are)|such with|such without": "plain English",
    r"(all|what) else(?! fails)": "everything else",
    r"in hand\b": "control",
    r"give[sn]?(ing)? way|give[sn]? (it|them|that) (away|back)": "yield; release; return",
    r"has its place in|have their place": "replaces; belongs to",
    r"let(s)? go of|keep(s)? to itself": "release; private",
    r"so to (say|speak)|as it were|if you will": "(delete)",
    r"looks? (at|for) it as|is known to|knows of|knows? (what|how|which)": "has; stores",
    r"wants? to (be|have|hear|know|see)": "needs; requires",
    r"may (well )?be (had|seen|told|said)": "is available",
    r"(what|which) (it|they) (is|are) (told|given|asked|handed|about)": "its arguments",
    r"tells? (nobody|apart|of|what|whether|how)|being told": "reports; distinguishes",
    r"(return|yield|give|tell|read|keep|find)s? what\b": "name the object",
    r"(for|of|by|with|in|to) (what|which|whom) (nobody|somebody)\b": "plain English",
    r"(?<!there\s)is (no|none) (picture|image|run|model|layer|folder|file|one)\b": "is not a ...",
    r"(be|is|are|was|were) judged|judges?\b|judging|judged by": "evaluate, check, validate",
    r"at (the )?(last|length),|at long last": "finally",
    r"where (it|they) (stood|stands?|stand|lies|lie|came from)": "its position; its path",
    r"(only|just) (then|so) (is|are|does|do|can)": "inverted word order",
    r"(never|nor|neither) (is|are|does|do|was|were) (it|they|the|a)\b": "inverted word order",
    r"(?:\A|(?<=[.;:]\s))what (does|do|is|are|was|has|have|cannot|can|stands?|lies|comes|goes"
    r"|belongs|follows|fails|remains|waits|learns|reads|takes|needs)\b[^?.;:]{0,60}?"
    r"\b(is|are|stays|gets|has|does|goes|comes|counts)\b": "a noun as the subject",
    r"handgrad (fit|duel)\b|data verify": "handgrad auto, compare-engines, data check-files",
    r"--(average|folder|show-preparation|at-most|unlike)\b(?!-)": "see docs/upgrading.md",
    r"hg\.(load|Step|Normal|Zeros|Constant|Recipe|Chain)\b(?!_)": "see docs/upgrading.md",
}

# Identifiers (whole words between underscores) and names of modules.
NAMES = {
    word: suggestion
    for words, suggestion in {
        "crew crews": "thread pool",
        "witness witnesses testimony suspects": "oracle",
        "duel duels fighter fighters parting": "compare_engines",
        "twin twins": "PyTorch counterpart",
        "picture pictures": "image",
        "preparation preparations": "preprocessing",
        "spoilt spoils spoiled": "nonfinite, corrupt",
        "hush hear overheard nobody somebody": "log, reset_logging",
        "errand hurried": "BackgroundTask",
        "recipe recipes": "config",
        "keeper course": "checkpoint manager, training run",
        "inlet room rooms shelf": "RunArgument, slot, module",
        "seal seals": "digest",
        "give_way give_up begin_anew set_out go_on": "yield_thread, cancel, start, resume",
    }.items()
    for word in words.split()
}


class Hit(NamedTuple):
    """A forbidden pattern in a file."""

    path: str
    line: int
    text: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: “{self.text}” -> {self.suggestion}"


def _compiled(patterns: dict[str, str]) -> list[tuple[re.Pattern[str], str]]:
    compiled = []
    for pattern, suggestion in patterns.items():
        flexible = pattern.replace(" ", r"\s+")
        compiled.append((re.compile(rf"(?<![\w-])(?:{flexible})(?!\w)", re.IGNORECASE), suggestion))
    return compiled


PATTERNS = _compiled(WORDS) + _compiled(PHRASES) + _compiled(VALUES)[:1]
VALUE_PATTERNS = _compiled(VALUES)


class Text(NamedTuple):
    """A piece of prose, with the source line of each of its lines."""

    content: str
    lines: list[int]

    def line_at(self, position: int) -> int:
        """Return the line of the source that a position comes from."""
        return self.lines[self.content.count("\n", 0, position)]


def prose(source: str) -> Iterator[Text]:
    """Yield the strings and comments of a Python source; adjacent ones are joined."""
    content: list[str] = []
    lines: list[int] = []
    kind = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            continue
        if content and token.type != kind:
            yield Text("\n".join(content), lines)
            content, lines = [], []
        kind = token.type
        if kind == tokenize.COMMENT:
            content.append(token.string.lstrip("#"))
            lines.append(token.start[0])
        elif kind == tokenize.STRING:
            text = re.sub(r"^[a-zA-Z]*('''|\"\"\"|'|\")|('''|\"\"\"|'|\")$", "", token.string)
            for number, line in enumerate(text.split("\n")):
                content.append(line)
                lines.append(token.start[0] + number)
    if content:
        yield Text("\n".join(content), lines)


def hits(path: str, source: str) -> Iterator[Hit]:
    """Yield each forbidden pattern in a file; path ends in .py, .md or .html."""
    original = source.splitlines()
    texts = prose(source) if path.endswith(".py") else [whole(source)]
    for text in texts:
        is_value = not re.search(r"\s", text.content)
        for pattern, suggestion in VALUE_PATTERNS if is_value else PATTERNS:
            for match in pattern.finditer(text.content):
                lines = {text.line_at(match.start()), text.line_at(match.end() - 1)}
                if not any(MARK in original[line - 1] for line in lines):
                    yield Hit(path, min(lines), " ".join(match[0].split()), suggestion)


def whole(source: str) -> Text:
    """Return a page as one text."""
    return Text(source, list(range(1, source.count("\n") + 2)))


def name_hits(path: str, source: str) -> Iterator[Hit]:
    """Yield each forbidden identifier that a Python source defines, and the file's own name."""
    original = source.splitlines()
    defined = re.compile(r"^\s*(?:def|class)\s+(\w+)|^\s*(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
    starts = [0, *(m.end() for m in re.finditer("\n", source))]
    for match in defined.finditer(source):
        name = match[1] or match[2]
        line = bisect_right(starts, match.start(1 if match[1] else 2))
        if MARK not in original[line - 1]:
            yield from (Hit(path, line, name, advice) for advice in _advice(name))
    stem = Path(path).stem
    yield from (Hit(path, 1, f"{stem}.py", advice) for advice in _advice(stem))


def _advice(name: str) -> Iterator[str]:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().strip("_")
    for word, advice in NAMES.items():
        if re.search(rf"(?:^|_){word}(?:_|$)", snake):
            yield advice


def files(places: tuple[str, ...], *endings: str) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of all files below some places."""
    for place in places:
        paths = sorted((ROOT / place).rglob("*")) if (ROOT / place).is_dir() else [ROOT / place]
        for path in paths:
            if path.suffix in endings and "_build" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def _report(found: list[Hit]) -> str:
    return f"{len(found)} forbidden patterns:\n" + "\n".join(map(str, sorted(set(found))))


def test_docstrings_comments_and_messages_use_plain_language() -> None:
    found = [hit for path, text in files(CODE, ".py") for hit in hits(path, text)]
    assert not found, _report(found)


def test_pages_use_plain_language() -> None:
    found = [hit for path, text in files(PAGES, ".md", ".html") for hit in hits(path, text)]
    assert not found, _report(found)


def test_identifiers_and_modules_have_names_of_the_field() -> None:
    found = [hit for path, text in files(CODE, ".py") for hit in name_hits(path, text)]
    assert not found, _report(found)


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        ('x = 1\nraise E("no picture here")', 2, "picture"),
        ('"""Sum.\n\nIt differs, otherwise in\neach epoch.\n"""', 3, "otherwise in each"),
        ('f("it is "\n  "said twice")', 1, "it is said"),
        ("# the lists are not\n# needed any more", 1, "not needed any more"),
        ('"""Return what was read."""', 1, "Return what"),
        ('"""Who wants the loop takes `hg.epochs`."""', 1, "Who wants"),
        ('f"{a} is said"', 1, "is said"),
    ],
)
def test_a_planted_phrase_is_found_with_its_line(source: str, line: int, text: str) -> None:
    (hit,) = {hit[1:3] for hit in hits("planted.py", source)}
    assert hit == (line, text)


def test_all_hits_are_reported_at_once() -> None:
    page = "The crew\ngoes.\n\nWhat came of it.\n"
    assert [hit.line for hit in hits("page.md", page)] == [1, 4]
    assert _report(list(hits("page.md", page))).splitlines() == [
        "2 forbidden patterns:",
        "page.md:1: “crew” -> thread pool; background task",
        "page.md:4: “What came of” -> the result of",
    ]


def test_a_marked_line_is_an_exception() -> None:
    assert not list(hits("a.py", 'x = "the crew"  # language: ok'))
    assert not list(hits("a.md", "The crew <!-- language: ok -->"))
    assert list(hits("a.py", '# language: ok\nx = "the crew"'))


def test_code_and_keys_are_not_prose() -> None:
    assert not list(hits("a.py", "crew = twin(picture)"))
    assert not list(hits("a.py", 'old = header["preparation"]'))


def test_a_value_that_a_user_types_is_checked() -> None:
    assert [hit.text for hit in hits("a.py", 'augment("clothes,scale=0.1")')] == ["clothes"]


def test_a_planted_name_is_found() -> None:
    source = "class MyWitness:\n    picture_count: int = 3\n\ndef go_on(): ...\nhalf_course = 1\n"
    assert [hit.line for hit in name_hits("kept/crew.py", source)] == [1, 2, 4, 5, 1]
    assert not list(name_hits("a.py", "of_course_not = 1  # language: ok\nearly = 2"))
