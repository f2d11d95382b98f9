# SPDX-License-Identifier: MIT
"""Puts an answer on the wire, bent as a fault's plan asks."""

import base64
import json
import time

from clock import http_date
from httpmsg import Response

PAUSE = 0.05


class Cut(Exception):
    """The connection ends here; `reset` says with an RST."""

    def __init__(self, reset, notify=True):
        super().__init__("cut")
        self.reset = reset
        self.notify = notify


def made_up(plan):
    """Return the answer that the plan puts in place of the real one."""
    status = plan.status or (301 if plan.redirect else
                             400 if plan.code else 200)
    if plan.nesting:
        body = b'{"x":' + b"[" * plan.nesting + b"]" * plan.nesting + b"}"
    elif plan.body_base64 is not None:
        body = base64.b64decode(plan.body_base64)
    elif plan.body is not None:
        body = plan.body if isinstance(plan.body, str) else json.dumps(
            plan.body)
        body = body.encode()
    elif plan.code:
        body = json.dumps({"__type": plan.code,
                           "message": plan.message or ""}).encode()
    else:
        body = b""
    answer = Response(status, body,
                      {"Content-Type": "application/x-amz-json-1.1"})
    if plan.redirect:
        answer.set("Location", plan.redirect)
    return answer


def _shape(answer, plan, clock):
    """Apply to the answer what the plan changes of its headers."""
    if plan.size is not None:
        answer.body = answer.body.ljust(plan.size)[:plan.size]
    answer.set("Date", http_date(clock.now() + (plan.date_offset or 0)))
    if plan.no_date:
        answer.set("Date", None)
    if plan.chunked:
        answer.set("Transfer-Encoding", "chunked")
    elif not plan.no_length and answer.upgrade is None:
        answer.set("Content-Length", len(answer.body))
    if plan.no_length or plan.hang_up:
        answer.set("Connection", "close")
    if plan.reason is not None:
        answer.reason = plan.reason
    for name, value in (plan.headers or {}).items():
        answer.set(name, value)
    answer.headers += [("X-Flood-%d" % index, "x" * 64)
                       for index in range(plan.flood or 0)]


def _head(answer, plan):
    """Return the status line and the headers as bytes."""
    lines = ["HTTP/1.1 %d %s" % (answer.status, answer.reason)]
    for name, value in answer.headers:
        name = name.lower() if plan.lowercase else name
        lines.append("%s: %s" % (name, value))
    head = "\r\n".join(lines) + "\r\n\r\n"
    interim = "HTTP/1.1 100 Continue\r\n\r\n" * (plan.interim or 0)
    return (interim + head).encode("latin-1", "replace")


def chunks(body, sizes):
    """Return the body in chunks; a list of sizes repeats its last one."""
    sizes = sizes if isinstance(sizes, list) else [sizes]
    pieces, start, index = [], 0, 0
    while start < len(body):
        size = max(1, sizes[min(index, len(sizes) - 1)])
        piece = body[start:start + size]
        pieces.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        start += size
        index += 1
    return b"".join(pieces) + b"0\r\n\r\n"


def _emit(stream, data, plan):
    """Send data, whole or byte by byte."""
    if plan.bytewise is None:
        stream.sendall(data)
        return
    for index in range(len(data)):
        stream.sendall(data[index:index + 1])
        if plan.bytewise:
            time.sleep(plan.bytewise)


def send(stream, answer, plan, clock, bodiless=False):
    """Send the answer; return whether the connection stays open."""
    _shape(answer, plan, clock)
    head = _head(answer, plan)
    body = chunks(answer.body, plan.chunked) if plan.chunked else answer.body
    reset = bool(plan.reset)
    if plan.cut == "header":
        _emit(stream, head[:len(head) // 2], plan)
    elif plan.cut == "body":
        _emit(stream, head + body[:len(body) // 2], plan)
    elif plan.cut is None:
        _emit(stream, head + (b"" if bodiless else body), plan)
    if plan.cut:
        time.sleep(PAUSE)
        raise Cut(reset, notify=not plan.no_notify)
    return not (plan.no_length or plan.hang_up)
