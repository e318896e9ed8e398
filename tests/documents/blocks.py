"""Turns the ```cpp blocks of a Markdown document into C++ files.

A block with `int main` is a program and stands as it is. Any other block is a fragment: it is put
behind `#include <rewind/rewind.h>` and `using namespace rw;`, at namespace scope. A comment on the
line above the block, which the reader of the page does not see, may say more:

    <!-- cpp: statements -->      the fragment stands inside a function
    <!-- cpp: continues -->       the fragment follows those before it since the last that did not
    <!-- cpp: given CODE -->      CODE stands before the fragment: names that the text assumes
    <!-- cpp: from FILE -->       the block is a part of FILE, which another test compiles: the same
                                  words in the same order, while blanks and line breaks may differ

Several words go into one comment, `given` last; CODE may take several lines. `from` stands alone.
There is no word to skip a block: what is no C++ is not marked `cpp`.
"""
import dataclasses
import re

BLOCK = re.compile(
    r"(?:<!--\s*cpp:(?P<note>(?:(?!-->).)*)-->[ \t]*\n)?"
    r"^(?P<indent>[ \t]*)```cpp[^\n]*\n(?P<code>.*?)^[ \t]*```[ \t]*$",
    re.DOTALL | re.MULTILINE)
NOTE = re.compile(r"(?P<words>(?:\s|,|statements\b|continues\b)*)(?:given\b(?P<given>.*))?",
                  re.DOTALL)
WORD = re.compile(r"\w+|[^\w\s]")
FROM = re.compile(r"\s*from\s+(?P<file>\S+)\s*")
PROLOGUE = "#include <rewind/rewind.h>\n\nusing namespace rw;\n"


@dataclasses.dataclass
class Block:
    name: str  # the document and the line of the fence
    text: str  # a whole C++ file; of a quotation, what is quoted
    program: bool  # links and runs
    quoted: str = ""  # the file that it is a part of


def located(code, document, line):
    return f'#line {line} "{document}"\n{code}'


def words(text):
    return f" {' '.join(WORD.findall(text))} "


def quotes(part, whole):
    """Whether the one text stands in the other, whatever the blanks and line breaks."""
    return words(part) in words(whole)


def blocks(document, text):
    """Yields the blocks of a document in order. Raises ValueError for a comment it cannot read."""
    chain = ""
    functions = 0
    for match in BLOCK.finditer(text):
        fence = text.count("\n", 0, match.start("indent")) + 1
        name = f"{document}:{fence}"
        if quotation := FROM.fullmatch(match["note"] or ""):
            yield Block(name, match["code"], False, quotation["file"])
            continue
        note = NOTE.fullmatch(match["note"] or "")
        if note is None:
            raise ValueError(f"{name}: cannot read the comment above it: {match['note'].strip()}")
        indent = match["indent"]
        lines = match["code"].splitlines(keepends=True)
        code = located("".join(row.removeprefix(indent) for row in lines), document, fence + 1)
        if re.search(r"\bint main\b", code):
            yield Block(name, code, True)
            continue
        words = note["words"].replace(",", " ").split()
        given = (note["given"] or "").strip()
        code = f"{given}\n{code}" if given else code
        if "statements" in words:
            functions += 1
            code = f"void statements_{functions}() {{\n{code}}}\n"
        chain = (chain if "continues" in words else PROLOGUE) + code
        yield Block(name, chain, False)
