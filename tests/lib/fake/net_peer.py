#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests of net/ talk to: TLS and HTTP servers and a proxy, good and
bad, each on a port of its own on loopback.

Prints "folder PATH" (certificates), "NAME PORT" for each server, "ready";
ends, and removes the folder, when its standard input ends.
"""
import functools
import os
import ssl
import sys
import tempfile
import time

import httpmsg
import net_certs
from net_certs import CHAINS
from serving import Stream, end_with_reset, listen, serve, tunnel

SUITES = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
          "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
          "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"]
CURVES = ["prime256v1", "secp384r1", "secp521r1"]  # beside X25519
STILL = 30  # seconds a server waits that never answers
AUTH = "Basic dTpw"  # u:p
OK = b"HTTP/1.1 200 OK\r\n"


def end(conn):
    """Close at once, without a TLS closing message."""
    conn.close()


def reset(conn):
    """Close with a TCP reset."""
    end_with_reset(conn)
    conn.close()


def wait_for_end(conn):
    """Read until the peer goes away, for a while."""
    conn.settimeout(STILL)
    try:
        while conn.recv(4096):
            pass
    except OSError:
        pass
    end(conn)


class Stop(Exception):
    """The connection has been dealt with."""


def talk(conn):
    """Obey commands, a line each, inside of TLS."""
    while True:
        words = Stream(conn).readline().decode("latin-1").split()
        if not words:
            end(conn)
            return
        if words[0] == "echo":
            data = Stream(conn).read(int(words[1]))
            step = 1 + len(data) // 7
            for at in range(0, len(data), step):
                conn.sendall(data[at:at + step])
        elif words[0] == "bye":
            conn.sendall(b"bye")
            conn.unwrap().close()
            return
        elif words[0] == "cut":
            conn.sendall(b"cut")
            end(conn)
            return
        elif words[0] == "reset":
            reset(conn)
            return


def read_request(conn):
    """Return the next request; Stop when there is none."""
    stream = Stream(conn)
    request = httpmsg.read_head(stream)
    if request is None:
        raise Stop
    request.body = httpmsg.read_body(stream, request)
    return request


def answer(conn, body, status=b"HTTP/1.1 200 OK"):
    conn.sendall(status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def slowly(conn, data, pause):
    for at in range(len(data)):
        conn.sendall(data[at:at + 1])
        time.sleep(pause)


# Each of these answers one request and says by Stop that it was the last.


def do_bytes(conn):
    slowly(conn, OK + b"Content-Length: 3\r\n\r\nabc", 0.001)


def do_chunked(conn):
    conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + OK +
                 b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n")
    conn.sendall(b"2\r\nde\r\n0\r\nX: y\r\n\r\n")


def do_to_end(conn):
    conn.sendall(OK + b"\r\nall of it")
    if isinstance(conn, ssl.SSLSocket):
        conn.unwrap().close()
    end(conn)
    raise Stop


def do_cut_end(conn):
    conn.sendall(OK + b"\r\nall of it")
    end(conn)
    raise Stop


def do_short(conn):
    conn.sendall(OK + b"Content-Length: 10\r\n\r\nabc")
    end(conn)
    raise Stop


def do_nothing(conn):
    end(conn)
    raise Stop


def do_reset(conn):
    reset(conn)
    raise Stop


def do_silent(conn):
    wait_for_end(conn)
    raise Stop


def do_slow(conn):
    try:
        slowly(conn, OK + b"X: " + b"y" * 3000, 0.05)
    except OSError:
        pass
    raise Stop


def do_malformed(conn):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
    end(conn)
    raise Stop


def do_extra(conn):
    conn.sendall(OK + b"Content-Length: 1\r\n\r\na" + OK)


def do_late(conn):
    """A good answer, and after it bytes that nobody asked for."""
    answer(conn, b"a")
    time.sleep(0.1)
    conn.sendall(b"b")


def do_leave(conn):
    answer(conn, b"a")
    end(conn)
    raise Stop


def do_big(conn):
    answer(conn, b"x" * 100000)


def do_failure(conn):
    answer(conn, b"sorry", b"HTTP/1.1 503 Slow Down")


def do_upgrade(conn):
    """Change to the protocol of `talk`, and speak first."""
    conn.sendall(b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\n\r\nhello")
    talk(conn)
    raise Stop


HANDLERS = {"/" + name[3:].replace("_", "-"): handler
            for name, handler in list(globals().items())
            if name.startswith("do_")}


class Http:
    """An HTTP server; /echo and /conn tell what it has seen."""

    def __init__(self):
        self.connections = 0

    def __call__(self, conn):
        self.connections += 1
        number = self.connections
        try:
            count = 0
            while True:
                request = read_request(conn)
                count += 1
                if request.target == "/conn":
                    answer(conn, b"%d.%d" % (number, count))
                elif request.target in HANDLERS:
                    HANDLERS[request.target](conn)
                else:
                    answer(conn, request.head + request.body)
        except Stop:
            conn.close()


def tampered(data):
    """Change the first encrypted byte, behind header and nonce, of a record
    of application data."""
    if data[0] != 23:
        return data
    return data[:13] + bytes([data[13] ^ 1]) + data[14:]


def proxy(conn):
    """A proxy that wants user u with password p; every name is this machine,
    apart from some that stand for trouble."""
    try:
        while True:
            request = read_request(conn)
            if request.header("proxy-authorization") != AUTH:
                answer(conn, b"no", b"HTTP/1.1 407 Proxy Authentication")
            elif request.method != "CONNECT":
                answer(conn, request.head + request.body)
            else:
                connect(conn, request)
                raise Stop
    except Stop:
        conn.close()


def connect(conn, request):
    host, _, port = request.target.rpartition(":")
    if host == "gateway.test":
        answer(conn, b"no", b"HTTP/1.1 502 Bad Gateway")
    elif host == "forbidden.test":
        answer(conn, b"no", b"HTTP/1.1 403 Forbidden")
    elif host == "eager.test":
        conn.sendall(OK + b"\r\nhello")
        wait_for_end(conn)
    elif host == "garbage.test":
        conn.sendall(b"SSH-2.0-x\r\n")
    elif host == "silent.test":
        wait_for_end(conn)
    elif host != "closing.test":
        conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        tunnel(conn, int(port))


def garbage(conn):
    conn.sendall(b"220 mail.test ESMTP\r\n")
    wait_for_end(conn)


def refuse_secret(conn):
    """Agree on a suite, then refuse, as servers do that require the extended
    master secret."""
    conn.sendall(bytes.fromhex("160303002a020000260303") + bytes(32)
                 + bytes.fromhex("00c02f00" "15030300020228"))
    wait_for_end(conn)


def after_hello(handler):
    """The handler, when the client has sent something."""
    def serve(conn):
        conn.recv(65536)
        handler(conn)
    return serve


def secured(context, handler):
    """The handler inside of TLS; a client that refuses is no matter."""
    def serve(conn):
        try:
            conn = context.wrap_socket(conn, server_side=True)
        except (ssl.SSLError, OSError):
            conn.close()
            return
        handler(conn)
    return serve


def context_of(certs, chain, suites="ALL"):
    return certs.context(*CHAINS[chain], ciphers=suites + ":@SECLEVEL=0")


def attend(conn, handler):
    try:
        handler(conn)
    except (OSError, EOFError, ValueError):
        conn.close()


def start(name, handler):
    listener = listen("127.0.0.1")
    serve(listener, lambda conn, _peer: functools.partial(
        attend, conn, handler))
    port = listener.getsockname()[1]
    print(name, port)
    return port


def start_versions(certs):
    context = context_of(certs, "good")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    start("tls13", secured(context, talk))
    context = context_of(certs, "good")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    start("tls11", secured(context, talk))


def start_all(certs):
    ports = {name: start(name, secured(context_of(certs, name), talk))
             for name in CHAINS}
    start("tampered", lambda conn: tunnel(conn, ports["good"], tampered))
    for suite in SUITES:
        chain = "p256" if "ECDSA" in suite else "good"
        start(suite, secured(context_of(certs, chain, suite), talk))
    for curve in CURVES:
        context = context_of(certs, "good")
        context.set_ecdh_curve(curve)
        start(curve, secured(context, talk))
    start_versions(certs)
    start("cbc", secured(context_of(certs, "good", "ECDHE-RSA-AES128-SHA"),
                         talk))
    start("secret", after_hello(refuse_secret))
    start("silent", wait_for_end)
    start("closing", after_hello(end))
    start("resetting", after_hello(reset))
    start("garbage", garbage)
    start("http", Http())
    start("https", secured(context_of(certs, "good"), Http()))
    start("proxy", proxy)


def main():
    with tempfile.TemporaryDirectory(prefix="net-peer-") as folder:
        print("folder", folder)
        start_all(net_certs.make(folder))
        print("ready", 0, flush=True)
        while os.read(0, 4096):
            pass
    sys.stdout.flush()
    os._exit(0)  # threads may still wait for somebody


if __name__ == "__main__":
    main()
