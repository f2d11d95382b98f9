# SPDX-License-Identifier: MIT
"""A TCP server for tests of forwarded ports: what comes goes back."""

import socket
import threading

PIECE = 65536


class Echo:
    """Listens on an address until the test is over."""

    def __init__(self, address="127.0.0.1"):
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        self.ended = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Serve each connection in a thread of its own."""
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        """Echo; "bye" ends it from here."""
        with peer:
            try:
                while True:
                    data = peer.recv(PIECE)
                    if not data or data == b"bye":
                        break
                    peer.sendall(data)
            except OSError:
                pass
        self.ended += 1

    def close(self):
        """Listen no more."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
