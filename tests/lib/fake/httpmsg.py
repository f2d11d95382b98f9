# SPDX-License-Identifier: MIT
"""HTTP/1.1 messages: reading requests, holding answers."""

import json
import urllib.parse

MAX_LINE = 65536
MAX_HEADERS = 200
MAX_BODY = 8 << 20

REASONS = {
    101: "Switching Protocols", 200: "OK", 201: "Created",
    204: "No Content", 301: "Moved Permanently", 302: "Found",
    307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    407: "Proxy Authentication Required", 413: "Content Too Large",
    429: "Too Many Requests", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}


class BadRequest(ValueError):
    """The peer's bytes are not a request."""


class Request:
    """One request, its headers in the order and spelling they came in."""

    def __init__(self, method, target, headers, body=b""):
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body
        self.head = b""  # as it came

    def values(self, name):
        """Return all values of a header, in order."""
        name = name.lower()
        return [value for key, value in self.headers if key.lower() == name]

    def header(self, name, default=""):
        """Return the first value of a header."""
        return next(iter(self.values(name)), default)

    def form(self):
        """Return the body read as an HTML form."""
        text = self.body.decode("utf-8", "replace")
        return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))

    def json(self):
        """Return the body read as JSON; ValueError when it is not."""
        return json.loads(self.body.decode("utf-8") or "{}")


class Response:
    """One answer, before the faults are applied to it.

    `upgrade` may be a function that takes over the connection afterwards.
    """

    def __init__(self, status, body=b"", headers=None, reason=None):
        self.status = status
        self.body = body
        self.headers = list((headers or {}).items())
        self.reason = reason or REASONS.get(status, "Unknown")
        self.upgrade = None

    def set(self, name, value):
        """Replace a header; the value None removes it."""
        self.headers = [(key, old) for key, old in self.headers
                        if key.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, str(value)))


def json_response(value, status=200, content_type="application/json"):
    """Return an answer that carries value as JSON."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": content_type})


def text_response(text, status=200, content_type="text/plain"):
    """Return an answer that carries text."""
    return Response(status, text.encode(), {"Content-Type": content_type})


def _line(stream, head=None):
    """Return one line without its end, b"" for an empty one; add it with its
    end to `head`."""
    line = stream.readline(MAX_LINE + 1)
    if not line:
        raise EOFError
    if len(line) > MAX_LINE or not line.endswith(b"\n"):
        raise BadRequest("line cut or too long")
    if head is not None:
        head += line
    return line.rstrip(b"\r\n")


def _headers(stream, head=None):
    """Return the header fields as (name, value) pairs."""
    found = []
    while True:
        line = _line(stream, head)
        if not line:
            return found
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest("bad header line")
        found.append((name, value.strip()))
        if len(found) > MAX_HEADERS:
            raise BadRequest("too many headers")


def _exactly(stream, length):
    """Return exactly length bytes."""
    data = stream.read(length)
    if len(data) != length:
        raise EOFError
    return data


def _chunked(stream):
    """Return a body sent in chunks."""
    body = b""
    while True:
        size = int(_line(stream).split(b";")[0], 16)
        if size < 0 or len(body) + size > MAX_BODY:
            raise BadRequest("body too long")
        if size == 0:
            _headers(stream)
            return body
        body += _exactly(stream, size)
        if _line(stream):
            raise BadRequest("chunk without its line end")


def read_body(stream, request):
    """Return the body that the request's headers announce."""
    coding = request.header("transfer-encoding").lower()
    lengths = request.values("content-length")
    if coding:
        if coding != "chunked" or lengths:
            raise BadRequest("transfer-encoding with a length, or unknown")
        return _chunked(stream)
    if not lengths:
        return b""
    if len(set(lengths)) > 1 or not lengths[0].isdigit():
        raise BadRequest("bad content-length")
    if int(lengths[0]) > MAX_BODY:
        raise BadRequest("body too long")
    return _exactly(stream, int(lengths[0]))


def read_head(stream):
    """Return a request without its body, or None at the end of input."""
    first = stream.readline(MAX_LINE + 1)
    if not first:
        return None
    words = first.rstrip(b"\r\n").decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest("bad request line")
    head = bytearray(first)
    request = Request(words[0], words[1], _headers(stream, head))
    request.head = bytes(head)
    return request
