#!/usr/bin/env python3
"""blocks.py reads a document as its rules say."""
import unittest

import blocks


def read(text):
    return list(blocks.blocks("A.md", text))


class BlocksTest(unittest.TestCase):
    def test_only_cpp_blocks_count(self):
        self.assertEqual([], read("```sh\nls\n```\n\n```\nint x;\n```\n"))

    def test_a_block_with_main_stands_as_it_is(self):
        (block,) = read("text\n```cpp\nint main() {}\n```\n")
        self.assertTrue(block.program)
        self.assertEqual("A.md:2", block.name)
        self.assertEqual('#line 3 "A.md"\nint main() {}\n', block.text)

    def test_a_fragment_follows_the_header(self):
        (block,) = read("```cpp\nint x;\n```\n")
        self.assertFalse(block.program)
        self.assertEqual(blocks.PROLOGUE + '#line 2 "A.md"\nint x;\n', block.text)

    def test_statements_go_into_a_function_after_what_is_given(self):
        (block,) = read("<!-- cpp: statements, given int y = 1;\nint z; -->\n```cpp\ny = 2;\n```\n")
        self.assertTrue(block.text.endswith(
            'void statements_1() {\nint y = 1;\nint z;\n#line 4 "A.md"\ny = 2;\n}\n'))

    def test_a_continued_fragment_sees_the_one_before(self):
        first, second, third = read(
            "```cpp\nint x;\n```\n<!-- cpp: continues -->\n```cpp\nint y = x;\n```\n"
            "```cpp\nint z;\n```\n")
        self.assertTrue(second.text.startswith(first.text))
        self.assertNotIn("int x", third.text)

    def test_a_quotation_names_its_file(self):
        (block,) = read("<!-- cpp: from a/b.cpp -->\n```cpp\nint main() {}\n```\n")
        self.assertEqual("a/b.cpp", block.quoted)
        self.assertFalse(block.program)
        self.assertTrue(blocks.quotes(block.text, "// A.\nint main() {\n}\n"))
        self.assertFalse(blocks.quotes(block.text, "int main(int) {}\n"))
        self.assertFalse(blocks.quotes("f(); g();", "f(); h(); g();"))
        self.assertFalse(blocks.quotes("constint x;", "const int x;"))
        self.assertFalse(blocks.quotes("step(x)", "one_step(x)"))

    def test_indented_blocks_in_lists(self):
        (block,) = read("1. do\n   ```cpp\n   int x;\n   ```\n")
        self.assertTrue(block.text.endswith("\nint x;\n"))

    def test_an_unknown_word_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "A.md:2: cannot read .* skip"):
            read("<!-- cpp: skip -->\n```cpp\nint x;\n```\n")


if __name__ == "__main__":
    unittest.main()
