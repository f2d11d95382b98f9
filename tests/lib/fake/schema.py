# SPDX-License-Identifier: MIT
"""Checks of request members, with AWS's own wording.

A shape's `check` appends to `faults` one sentence for each constraint that
does not hold; a value of the wrong JSON type is a SerializationException.
"""

import re
import unicodedata

from errors import ApiError, validation

CONSTRAINT = "Value '%s' at '%s' failed to satisfy constraint: %s"


def _wrong_type(value, wanted):
    kinds = {str: "STRING_VALUE", bool: "TRUE_VALUE", int: "NUMBER_VALUE",
             float: "DECIMAL_VALUE", list: "Start of list",
             dict: "Start of structure or map"}
    kind = kinds.get(type(value), "NULL_VALUE")
    return ApiError("SerializationException",
                    "%s can not be converted to %s" % (kind, wanted))


class Text:
    """A string with bounds on its length, a pattern or a list of words."""

    def __init__(self, least=0, most=None, pattern=None, words=None):
        self.least = least
        self.most = most
        self.pattern = pattern
        self.words = words

    def rules(self, value):
        """Yield the sentence of every rule that value breaks."""
        if len(value) < self.least:
            yield ("Member must have length greater than or equal to %d"
                   % self.least)
        if self.most is not None and len(value) > self.most:
            yield ("Member must have length less than or equal to %d"
                   % self.most)
        if self.pattern and not self.pattern.fullmatch(value):
            yield ("Member must satisfy regular expression pattern: %s"
                   % self.pattern.pattern)
        if self.words and value not in self.words:
            yield ("Member must satisfy enum value set: [%s]"
                   % ", ".join(self.words))

    def check(self, value, path, faults):
        """Check one string."""
        if not isinstance(value, str):
            raise _wrong_type(value, "String")
        for rule in self.rules(value):
            faults.append(CONSTRAINT % (value, path, rule))


class Name:
    """A pattern of letters, separators, digits and a few signs."""

    pattern = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"

    @staticmethod
    def fullmatch(value):
        """Tell whether every character is of an allowed class."""
        return all(unicodedata.category(char)[0] in "LZN"
                   or char in "_.:/=+-@" for char in value)


class Number:
    """A whole number within bounds."""

    def __init__(self, least, most):
        self.least = least
        self.most = most

    def check(self, value, path, faults):
        """Check one number."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(value, "Integer")
        if value < self.least:
            faults.append(CONSTRAINT % (
                value, path, "Member must have value greater than or equal "
                "to %d" % self.least))
        if value > self.most:
            faults.append(CONSTRAINT % (
                value, path, "Member must have value less than or equal to "
                "%d" % self.most))


class Timestamp:
    """A time as epoch seconds, with or without a fraction."""

    @staticmethod
    def check(value, path, faults):
        """Check one time."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong_type(value, "Timestamp")


class Anything:
    """A member that is carried but not looked at."""

    @staticmethod
    def check(value, path, faults):
        """Accept every value."""


class List:
    """A list of one shape, with bounds on its length."""

    def __init__(self, item, least=0, most=None):
        self.item = item
        self.least = least
        self.most = most

    def check(self, value, path, faults):
        """Check the list and each of its items."""
        if not isinstance(value, list):
            raise _wrong_type(value, "List")
        size = Text(self.least, self.most)
        for rule in size.rules(value):
            faults.append(CONSTRAINT % (value, path, rule))
        for index, item in enumerate(value, 1):
            self.item.check(item, "%s.%d.member" % (path, index), faults)


class Structure:
    """Members by name; those in `required` must be there."""

    def __init__(self, members, required=()):
        self.members = members
        self.required = required

    def check(self, value, path, faults):
        """Check every member that is present; null counts as absent."""
        if not isinstance(value, dict):
            raise _wrong_type(value, "Structure")
        for name, shape in self.members.items():
            inner = name[0].lower() + name[1:]
            inner = path + "." + inner if path else inner
            member = value.get(name)
            if member is not None:
                shape.check(member, inner, faults)
            elif name in self.required:
                faults.append("Value null at '%s' failed to satisfy "
                              "constraint: Member must not be null" % inner)


def check(shape, params):
    """Raise ValidationException when params break the shape."""
    faults = []
    shape.check(params, "", faults)
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        raise validation("%d validation %s detected: %s"
                         % (len(faults), noun, "; ".join(faults)))


TAG = Structure({"Key": Text(1, 128, Name), "Value": Text(0, 256, Name)},
                ("Key", "Value"))
ACTIVATION_ID = re.compile(
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
NODE_ID = re.compile(r"(^mi-[0-9a-f]{17}$)|(^eks_c:[0-9A-Za-z][A-Za-z0-9\-_]"
                     r"{0,99}_\w{17}$)")
