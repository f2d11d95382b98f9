# SPDX-License-Identifier: MIT
"""The server: listeners, connections, TLS, keep-alive.

One thread a connection, with a small stack. The TLS handshake happens in
the connection's own thread, so that a slow client holds up nobody else.
"""

import functools
import ssl
import threading
import time

import httpmsg
import peers
import serving
import writer

IDLE = 120.0
STACK = 512 * 1024


class Listener:
    """An address to accept on; `context` is None for plain HTTP."""

    def __init__(self, name, address, port, context=None):
        self.name = name
        self.context = context
        self.socket = serving.listen(address, port)
        self.address, self.port = self.socket.getsockname()[:2]


class Connection:
    """One accepted connection."""

    def __init__(self, listener, raw, entry):
        self.listener = listener
        self.socket = raw
        self.entry = entry
        self.stream = None

    def start_tls(self):
        """Do the handshake and note what was agreed on."""
        context = self.listener.context
        if context is not None:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False)
            self.socket.do_handshake()
            self.entry["tls"] = self.socket.version()
            self.entry["cipher"] = self.socket.cipher()[0]
            self.entry["sni"] = getattr(self.socket, "server_name", None)
        self.stream = self.socket.makefile("rb")

    def end(self, reset=False, notify=True):
        """Close the connection: politely, abruptly, or with an RST."""
        self.entry["open"] = False
        try:
            if reset:
                serving.end_with_reset(self.socket)
            elif notify and isinstance(self.socket, ssl.SSLSocket):
                self.socket.settimeout(1.0)
                self.socket = self.socket.unwrap()
        except (OSError, ValueError):
            pass
        if self.stream is not None:
            self.stream.close()
        self.socket.close()


class Server:
    """Accepts on all listeners and hands requests to the application.

    The application has `operation(request)`, which names the operation for
    the faults and the log, and `answer(request, connection, entry)`, which
    returns a Response.
    """

    def __init__(self, application, state, faults, log, inspect=False):
        self.application = application
        self.state = state
        self.faults = faults
        self.log = log
        self.inspect = inspect
        threading.stack_size(STACK)

    def serve(self, listener):
        """Start accepting on a listener."""
        def accepted(raw, peer):
            entry = self.log.open_connection(listener.name, peer)
            return functools.partial(
                self._run, Connection(listener, raw, entry))

        serving.serve(listener.socket, accepted, lambda error: self.log.say(
            "accept-failed", {"error": str(error)}))

    def _run(self, connection):
        """Serve one connection to its end."""
        reset, notify = False, True
        try:
            connection.socket.settimeout(IDLE)
            self._begin(connection)
            while self._exchange(connection):
                pass
        except writer.Cut as cut:
            reset, notify = cut.reset, cut.notify
        except (OSError, EOFError) as error:
            connection.entry["error"] = str(error) or "closed early"
            notify = False
        except ValueError as error:
            connection.entry["error"] = "bad request: %s" % error
            self._refuse_nonsense(connection)
        finally:
            connection.end(reset, notify)

    def _begin(self, connection):
        """Look at the peer, apply faults of the accept stage, start TLS."""
        listener = connection.listener
        if self.inspect and listener.context is not None:
            connection.entry["process"] = peers.inspect(connection.socket)
        plan = self.faults.plan("accept", listener=listener.name)
        self._silent(connection, plan, connection.socket)
        if plan.delay:
            time.sleep(plan.delay)
        connection.start_tls()

    @staticmethod
    def _silent(connection, plan, stream):
        """Carry out the faults that end without an answer."""
        if plan.stall is not None:
            connection.socket.settimeout(plan.stall)
            try:
                while connection.socket.recv(4096):
                    pass
            except TimeoutError:
                pass
            raise writer.Cut(False, notify=False)
        if plan.garbage is not None:
            stream.sendall(plan.garbage_bytes())
            raise writer.Cut(False)
        if plan.refuse or (plan.cut == "answer" and not plan.performs):
            raise writer.Cut(bool(plan.reset), notify=not plan.no_notify)

    @staticmethod
    def _refuse_nonsense(connection):
        answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        try:
            connection.socket.sendall(answer)
        except OSError:
            pass

    def _read(self, connection):
        """Return the next request, or None when the client is done."""
        request = httpmsg.read_head(connection.stream)
        if request is None:
            return None
        if request.header("expect").lower() == "100-continue":
            connection.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = httpmsg.read_body(connection.stream, request)
        return request

    def _exchange(self, connection):
        """Serve one request; return whether another may follow."""
        request = self._read(connection)
        if request is None:
            return False
        name = self.application.operation(request)
        entry = self.log.start(connection.entry, request, name)
        plan = self.faults.plan(
            "request", operation=name, path=request.path,
            method=request.method, listener=connection.listener.name)
        entry["fault"] = sorted(plan.spec) or None
        try:
            return self._answer(connection, request, entry, plan)
        finally:
            self.log.finish(entry)

    def _answer(self, connection, request, entry, plan):
        """Perform the operation as the plan allows, and send the answer."""
        if plan.hold == "asked":
            self.faults.holds.wait(entry["operation"])
        if not plan.performs:
            self._silent(connection, plan, connection.socket)
        answer = None
        if plan.performs:
            answer = self.application.answer(request, connection, entry)
        if plan.hold == "done":
            self.faults.holds.wait(entry["operation"])
        if plan.replaces:
            answer = writer.made_up(plan)
            entry["status"], entry["code"] = answer.status, plan.code
        if plan.performs:
            self._silent(connection, plan, connection.socket)
        if plan.delay:
            time.sleep(plan.delay)
        stays = writer.send(connection.socket, answer, plan,
                            self.state.clock, request.method == "HEAD")
        if answer.upgrade is not None:
            answer.upgrade(connection)
            return False
        return stays and request.header("connection").lower() != "close"
