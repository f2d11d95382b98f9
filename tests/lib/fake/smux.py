# SPDX-License-Identifier: MIT
"""The client's side of smux version 1: many streams in one byte stream."""

import struct
import threading

HEADER = struct.Struct("<BBHI")
SYN, FIN, PSH, NOP = range(4)
MOST = 32768


class Stream:
    """One connection through a forwarded port."""

    def __init__(self, mux, ident):
        self.mux = mux
        self.ident = ident
        self.data = bytearray()
        self.ended = False

    def write(self, data):
        """Send bytes."""
        for at in range(0, len(data), MOST):
            self.mux.send(PSH, self.ident, data[at:at + MOST])

    def close(self):
        """End the stream for both directions."""
        self.mux.send(FIN, self.ident)

    def read(self, size, timeout=20):
        """Return so many bytes, or fewer when the stream ended before."""
        with self.mux.changed:
            self.mux.changed.wait_for(
                lambda: len(self.data) >= size or self.ended, timeout)
            taken = bytes(self.data[:size])
            del self.data[:size]
            return taken

    def finished(self, timeout=20):
        """Wait for the end; tell whether it came."""
        with self.mux.changed:
            return self.mux.changed.wait_for(lambda: self.ended, timeout)


class Mux:
    """The streams of a port session; `write` sends the bytes."""

    def __init__(self, write):
        self.write = write
        self.buffer = bytearray()
        self.streams = {}
        self.strays = []
        self.last = 1
        self.changed = threading.Condition()

    def open(self):
        """Return a new stream."""
        with self.changed:
            self.last += 2
            stream = Stream(self, self.last)
            self.streams[self.last] = stream
        self.send(SYN, stream.ident)
        return stream

    def send(self, command, ident, data=b""):
        """Send one frame."""
        self.write(HEADER.pack(1, command, len(data), ident) + data)

    def feed(self, data):
        """Take bytes that came; frames may straddle messages."""
        self.buffer += data
        with self.changed:
            while len(self.buffer) >= HEADER.size:
                version, command, size, ident = HEADER.unpack_from(
                    self.buffer)
                end = HEADER.size + size
                if len(self.buffer) < end:
                    break
                self.take(version, command, ident,
                          self.buffer[HEADER.size:end])
                del self.buffer[:end]
            self.changed.notify_all()

    def take(self, version, command, ident, data):
        """Deal with one frame; what no agent should send is a stray."""
        stream = self.streams.get(ident)
        if version != 1 or stream is None or command not in (PSH, FIN):
            self.strays.append((version, command, ident, len(data)))
        elif command == FIN:
            stream.ended = True
        else:
            stream.data += data
