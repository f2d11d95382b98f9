# SPDX-License-Identifier: MIT
"""Pages of a listing, with an opaque token between them."""

import base64
import binascii

from errors import ApiError


def _start(token):
    if not token:
        return 0
    try:
        text = base64.b64decode(token, validate=True).decode("ascii")
        word, _, number = text.partition(":")
        if word == "page":
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise ApiError("InvalidNextToken",
                   "The specified token is not valid.")


def page(items, params, default, name):
    """Return the answer with one page of items under `name`."""
    size = params.get("MaxResults") or default
    start = _start(params.get("NextToken"))
    answer = {name: items[start:start + size]}
    if start + size < len(items):
        token = "page:%d" % (start + size)
        answer["NextToken"] = base64.b64encode(token.encode()).decode()
    return answer
