# SPDX-License-Identifier: MIT
"""An HTTP proxy: CONNECT to the local AWS, plain URLs answered in place.

Names of AWS lead to the HTTPS listener whatever they resolve to; localhost
leads where its port says. Everything else is a bad gateway.
"""

import base64
import ipaddress
import socket
import threading

from httpmsg import Request, Response, text_response

CONNECT_TIMEOUT = 5.0


def _loopback(host):
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pump(read, write):
    """Copy until the end of input, then tell the other side."""
    try:
        while True:
            data = read(65536)
            if not data:
                break
            write.sendall(data)
        write.shutdown(socket.SHUT_WR)
    except (OSError, ValueError):
        pass


def tunnel(connection, upstream):
    """Carry bytes both ways until both ends are done."""
    connection.socket.settimeout(None)
    upstream.settimeout(None)
    back = threading.Thread(target=_pump, daemon=True,
                            args=(upstream.recv, connection.socket))
    back.start()
    _pump(connection.stream.read1, upstream)
    back.join(30)
    upstream.close()


class Proxy:
    """The application behind the proxy's listener."""

    def __init__(self, state, aws, names, https_address):
        self.state = state
        self.aws = aws
        self.names = names
        self.https_address = https_address

    @staticmethod
    def operation(request):
        """Name the request for faults and log."""
        return "CONNECT" if request.method == "CONNECT" else "forward"

    def authorized(self, request):
        """Check Proxy-Authorization, when the proxy wants one."""
        wanted = self.state.limits["proxy_auth"]
        if not wanted:
            return True
        text = base64.b64encode(wanted.encode()).decode()
        return request.header("proxy-authorization") == "Basic " + text

    def route(self, host, port):
        """Return the address that a name and port lead to, or None."""
        host = host.strip("[]").lower()
        if _loopback(host):
            return self.https_address[0], port
        if port == 443 and "DNS:" + host in self.names:
            return self.https_address
        return None

    def answer(self, request, connection, entry):
        """Open a tunnel, or answer a plain request in absolute form."""
        answer = self.decide(request, connection, entry)
        entry["status"] = answer.status
        return answer

    def decide(self, request, connection, entry):
        """Return the proxy's answer."""
        if not self.authorized(request):
            return Response(407, b"", {
                "Proxy-Authenticate": 'Basic realm="local proxy"'})
        if request.method != "CONNECT":
            return self.forward(request, connection, entry)
        host, _, port = request.target.rpartition(":")
        where = self.route(host, int(port)) if port.isdigit() else None
        if where is None:
            return text_response("no way to that host\n", 502)
        try:
            upstream = socket.create_connection(where, CONNECT_TIMEOUT)
        except OSError as error:
            return text_response("%s\n" % error, 502)
        answer = Response(200, b"", reason="Connection established")
        answer.upgrade = lambda held: tunnel(held, upstream)
        return answer

    def forward(self, request, connection, entry):
        """Answer a request in absolute form as the local AWS would."""
        scheme, _, rest = request.target.partition("://")
        if scheme != "http":
            return text_response("absolute http URL wanted\n", 400)
        path = "/" + rest.partition("/")[2]
        inner = Request(request.method, path, request.headers, request.body)
        return self.aws.answer(inner, connection, entry)
