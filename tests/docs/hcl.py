# SPDX-License-Identifier: MIT
"""HCL's native syntax, as far as the example uses it.

HashiCorp's own parser is in none of Debian's programs. The grammar follows
the HCL 2 specification: bodies of attributes and blocks, expressions with
operators, conditions, calls, for, indexes and templates.
"""

import re

from lark import Lark, Transformer, v_args

GRAMMAR = r"""
start: body
body: (NEWLINE | attribute NEWLINE | block NEWLINE)*
attribute: NAME "=" expression
block: NAME (NAME | STRING)* "{" (NEWLINE body)? "}"

?expression: or_term | or_term "?" expression ":" expression -> condition
?or_term: and_term | or_term "||" and_term
?and_term: equal_term | and_term "&&" equal_term
?equal_term: order_term | equal_term ("==" | "!=") order_term
?order_term: sum_term | order_term (">=" | "<=" | ">" | "<") sum_term
?sum_term: unary | sum_term ("+" | "-") unary
?unary: postfix | ("!" | "-") unary
?postfix: value | postfix "." NAME -> member
        | postfix "[" expression "]" -> index
?value: NUMBER -> number | STRING -> string | NAME -> name
      | NAME "(" (expression ("," expression)* ","?)? ")" -> call
      | "(" expression ")" | list | mapping
list: "[" (expression ("," expression)* ","?)? "]"
    | "[" for_in expression ("if" expression)? "]" -> for_list
mapping: "{" NEWLINE* (pair ((NEWLINE+ | "," NEWLINE*) pair)* NEWLINE*)? "}"
       | "{" NEWLINE* for_in expression "=>" expression NEWLINE* "}" -> for_map
for_in: "for" NAME ("," NAME)? "in" expression ":" NEWLINE?
pair: (NAME | STRING) ("=" | ":") expression

NAME: /(?!(for|in|if)\b)[a-zA-Z_][\w-]*/
NUMBER: /\d+(\.\d+)?/
STRING: /"(\\.|\$\{[^}"]*\}|[^"\\\n])*"/
NEWLINE: /(\r?\n[ \t]*)+/
%ignore /[ \t]+/
"""
PARSER = Lark(GRAMMAR, parser="earley", lexer="dynamic",
              propagate_positions=True)
OPEN, CLOSE = "([", ")]"


class BadHcl(ValueError):
    """The text is not HCL, or not the part of it that is understood."""


def plain(text):
    """Return the text without comments, and with line ends inside of
    parentheses and brackets as blanks, as HCL reads them; braces inside of
    them have line ends of their own, which carry nothing in a for."""
    out, stack, rest = [], [], text
    token = re.compile(r'"(\\.|[^"\\\n])*"|#[^\n]*|//[^\n]*|.', re.DOTALL)
    for match in token.finditer(rest):
        word = match.group()
        if word[0] == "#" or word[:2] == "//":
            continue
        if word in ("(", "[", "{"):
            stack.append(word)
        elif word in (")", "]", "}"):
            if not stack or stack.pop() + word not in ("()", "[]", "{}"):
                raise BadHcl("%s closes nothing" % word)
        out.append(" " if word == "\n" and stack and stack[-1] in OPEN
                   else word)
    if stack:
        raise BadHcl("%s is never closed" % stack[-1])
    return "".join(out)


@v_args(inline=True)
class Blocks(Transformer):
    """Turns a parsed text into [(kind, labels, {name: tree})]."""

    def start(self, body):
        """Return the body."""
        return body

    @v_args(inline=False)
    def body(self, items):
        """Return the attributes and blocks of a body."""
        return [one for one in items if isinstance(one, tuple)]

    def attribute(self, name, value):
        """Return (name, value)."""
        return str(name), value

    @v_args(inline=False)
    def block(self, items):
        """Return (kind, labels, body)."""
        body = items[-1] if isinstance(items[-1], list) else []
        words = [str(one).strip('"') for one in items
                 if not isinstance(one, list)
                 and getattr(one, "type", "") != "NEWLINE"]
        return words[0], words[1:], body


def parse(text):
    """Return the blocks of a text, or raise BadHcl."""
    try:
        return Blocks().transform(PARSER.parse(plain(text) + "\n"))
    except BadHcl:
        raise
    except Exception as error:
        raise BadHcl(str(error)) from error
