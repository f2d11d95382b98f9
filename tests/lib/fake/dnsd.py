# SPDX-License-Identifier: MIT
"""A name server for tests: it does wrong what it is told to."""

import ipaddress
import socket
import struct
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28}
NAMES = {number: name for name, number in TYPES.items()}
POINTER_TO_QUESTION = b"\xc0\x0c"
NO_ERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def wire(name):
    """Return the name as it is in a message."""
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in labels) + b"\0"


def parse(query):
    """Return the name, in lower case, and the type of a question."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    number = struct.unpack_from("!H", query, at + 1)[0]
    return ".".join(labels).lower(), NAMES[number], query[12:at + 5]


def record(owner, kind, value):
    """Return a record; value is an address, or the name of an alias."""
    data = (wire(value) if kind == "CNAME"
            else ipaddress.ip_address(value).packed)
    return owner + struct.pack("!HHIH", TYPES[kind], 1, 60, len(data)) + data


class Name:
    """What there is of a name, and what goes wrong with it."""

    def __init__(self, a=(), aaaa=(), **rest):
        self.addresses = {"A": a, "AAAA": aaaa}
        self.alias = rest.pop("alias", None)
        self.codes = list(rest.pop("codes", ()))  # of the first answers
        self.cut = rest.pop("cut", None)          # addresses before TC
        self.lost = rest.pop("lost", 0)           # datagrams without answer
        self.silent = rest.pop("silent", ())      # types without answer
        self.forged = rest.pop("forged", None)    # what comes before
        self.raw = rest.pop("raw", None)          # in place of the records
        assert not rest, rest

    def records(self, kind, limit=None):
        """Return how many records there are, and their bytes."""
        if self.raw is not None:
            return self.raw
        owner, parts = POINTER_TO_QUESTION, []
        if self.alias:
            parts.append(record(owner, "CNAME", self.alias))
            owner = wire(self.alias)
        for value in list(self.addresses[kind])[:limit]:
            parts.append(record(owner, kind, value))
        return len(parts), b"".join(parts)


class Server:
    """One address with UDP and TCP; names are shared between servers."""

    def __init__(self, address, names, code=None):
        self.names = names
        self.code = code     # answers everything so
        self.asked = []      # (name, type, protocol)
        self.address = address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        place = socket.getaddrinfo(address, 53, family)[0][4]
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind(place)
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(place)
        self.tcp.listen(8)
        self.threads = [threading.Thread(target=target, daemon=True)
                        for target in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def end(sock):
        """Close a socket that a thread waits for."""
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # never connected; the thread is awake nevertheless
        sock.close()

    def close(self):
        """Stop."""
        self.end(self.udp)
        self.end(self.tcp)
        for thread in self.threads:
            thread.join(10)

    def answer(self, query, protocol):
        """Return the answer to a query, or None, and its name."""
        text, kind, question = parse(query)
        self.asked.append((text, kind, protocol))
        name = self.names.get(text)
        code, count, data, flags = NXDOMAIN, 0, b"", 0x8180
        if self.code is not None:
            code = self.code
        elif name is not None:
            if name.lost > 0 or kind in name.silent:
                name.lost -= 1
                return None, name
            code = name.codes.pop(0) if name.codes else NO_ERROR
            limit = None
            if protocol == "udp" and name.cut is not None:
                flags, limit = flags | 0x200, name.cut
            if code == NO_ERROR:
                count, data = name.records(kind, limit)
        head = query[:2] + struct.pack("!HHHHH", flags | code, 1, count, 0, 0)
        return head + question + data, name

    def serve_udp(self):
        """Answer datagrams, after forged ones where there should be some."""
        while True:
            try:
                query, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            answer, name = self.answer(query, "udp")
            if answer is None:
                continue
            if name is not None and name.forged:
                name.forged(self, answer, peer)
                time.sleep(0.05)
            self.udp.sendto(answer, peer)

    def serve_tcp(self):
        """Answer one query a connection, in small pieces."""
        while True:
            try:
                conn, _ = self.tcp.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(5)
                data = b""
                while len(data) < 2 or len(data) < 2 + data[0] * 256 + data[1]:
                    piece = conn.recv(4096)
                    if not piece:
                        break
                    data += piece
                answer, _ = self.answer(data[2:], "tcp")
                if answer is not None:
                    answer = struct.pack("!H", len(answer)) + answer
                    conn.sendall(answer[:1])
                    conn.sendall(answer[1:40])
                    time.sleep(0.02)
                    conn.sendall(answer[40:])
