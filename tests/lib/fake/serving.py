# SPDX-License-Identifier: MIT
"""What the servers of the tests share: addresses, a thread a connection,
reading without reading ahead, tunnels, and an end that is not polite."""

import socket
import struct
import threading
import time

PATIENCE = 30  # seconds that the other half of a tunnel gets


def listen(address, port=0, backlog=4096):
    """Return a socket that accepts connections."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family,
                                backlog=backlog)


def serve(listener, accepted, failed=print):
    """Accept from now on. accepted(connection, peer) is called in the order of
    arrival and returns what attends to it, in a thread of its own."""
    def loop():
        while True:
            try:
                conn, peer = listener.accept()
            except OSError as error:
                failed(error)
                time.sleep(0.05)
                continue
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=accepted(conn, peer), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()


def end_with_reset(conn):
    """Have the coming close send a TCP reset."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))


class Stream:
    """Reads from a connection no byte more than it is asked for, and holds no
    reference that would delay a close."""

    def __init__(self, conn):
        self.conn = conn

    def readline(self, limit=65536):
        """Return a line with its LF; less at the end, or at the limit."""
        line = b""
        while not line.endswith(b"\n") and len(line) < limit:
            byte = self.conn.recv(1)
            if not byte:
                break
            line += byte
        return line

    def read(self, length):
        """Return so many bytes, or what there is before the end."""
        data = b""
        while len(data) < length:
            piece = self.conn.recv(length - len(data))
            if not piece:
                break
            data += piece
        return data


def pump(source, target, change=bytes):
    """Carry bytes until one side ends."""
    try:
        data = source.recv(65536)
        while data:
            target.sendall(change(data))
            data = source.recv(65536)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def tunnel(conn, port, change=bytes):
    """Join the connection with one to a port of this machine; `change` is
    applied to what that sends."""
    with socket.create_connection(("127.0.0.1", port)) as other:
        thread = threading.Thread(target=pump, args=(conn, other), daemon=True)
        thread.start()
        pump(other, conn, change)
        thread.join(PATIENCE)
