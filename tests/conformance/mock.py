# SPDX-License-Identifier: MIT
"""A scriptable stand-in for AWS, IMDS, container endpoints and a proxy.

Runs inside a private network namespace (runner.py); every address is on the
namespace's own loopback device.  Each case supplies rules; the first one that
matches a request answers it, using its responses in turn (the last repeats).
"""
import functools
import json
import re
import socket
import threading
import time
import urllib.parse

import clock
import httpmsg
import serving
import writer

LISTENERS = {
    # name: (address, port, tls-context-name or None)
    'aws': ('127.0.0.1', 443, 'good'),
    'aws6': ('::1', 443, 'good'),
    'ecs': ('169.254.170.2', 80, None),
    'eks': ('169.254.170.23', 80, None),
    'eks6': ('fd00:ec2::23', 80, None),
    'imds': ('169.254.169.254', 80, None),
    'imds6': ('fd00:ec2::254', 80, None),
    'local': ('127.0.0.1', 4566, None),
    'local2': ('127.0.0.1', 4567, None),
    'localtls': ('127.0.0.1', 4443, 'good'),
    'badtls': ('127.0.0.1', 8443, 'bad'),
    'proxy': ('127.0.0.1', 3128, None),
}
AUTHORIZATION = re.compile(
    r'AWS4-HMAC-SHA256 Credential=(?P<access_key>.*?)/\d{8}/'
    r'(?P<scope_region>[^/]*)/(?P<scope_service>[^/]*)/aws4_request, '
    r'SignedHeaders=(?P<signed_headers>[^,]*), Signature=[0-9a-f]{64}$'
)


class Server:
    def __init__(self, contexts):
        self.ctx = contexts
        self.lock = threading.Lock()
        self.rules, self.log = [], []
        self.changed = threading.Condition(self.lock)
        self.pending = 0
        for name, (addr, port, tls) in LISTENERS.items():
            serving.serve(
                serving.listen(addr, port),
                functools.partial(self._accepted, name, tls),
            )

    def start_case(self, rules):
        with self.lock:
            self.rules = [dict(r, _n=0) for r in rules]
            self.log = []

    def take_log(self):
        with self.lock:
            return list(self.log)

    def settle(self, seconds):
        """Wait until all that was sent is in the log."""
        with self.changed:
            self.changed.wait_for(lambda: self.pending == 0, seconds)

    def _count(self, difference):
        """Connections of which there may be more to log."""
        with self.changed:
            self.pending += difference
            self.changed.notify_all()

    def _accepted(self, name, tls, conn, _peer):
        self._count(1)
        return functools.partial(self._conn, name, conn, tls)

    def _conn(self, name, c, tls):
        try:
            if tls:
                try:
                    c = self.ctx[tls].wrap_socket(c, server_side=True)
                except OSError:
                    self._log({'listener': name, 'event': 'tls_handshake_failed'})
                    return
            while self._one(name, c):
                pass
        except (OSError, EOFError, ValueError):
            pass
        finally:
            self._count(-1)
            c.close()

    def _log(self, record):
        with self.lock:
            self.log.append(record)

    def _one(self, name, c):
        """Answer one request; whether another one may follow."""
        stream = serving.Stream(c)
        request = httpmsg.read_head(stream)
        if request is None:
            return False
        request.body = httpmsg.read_body(stream, request)
        record = describe(name, request, getattr(c, 'server_name', None))
        with self.lock:
            self.log.append(record)
            resp = self._response(record)
        if request.method == 'CONNECT' and resp.get('tunnel'):
            c.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            serving.tunnel(c, int(request.target.rpartition(':')[2]))
            return False
        if resp.get('delay'):
            self._count(-1)
            time.sleep(resp['delay'])
            self._count(1)
        if resp.get('close'):  # accept the request, send nothing, close
            c.shutdown(socket.SHUT_RDWR)
            return False
        send(c, resp, request.method)
        return (
            not resp.get('truncate')
            and request.header('connection').lower() != 'close'
        )

    def _response(self, record):
        """What the first rule that matches says, each response in turn."""
        for rule in self.rules:
            if matches(rule.get('match', {}), record):
                responses = rule['responses']
                rule['_n'] += 1
                return responses[min(rule['_n'], len(responses)) - 1]
        return {'status': 404, 'body': ''}


def matches(match, record):
    """Whether a rule is about a request."""
    listeners = match.get('listener', record['listener'])
    if record['listener'] not in (
        listeners if isinstance(listeners, list) else [listeners]
    ):
        return False
    return all(
        match[key] == record.get(key)
        for key in ('method', 'path', 'op', 'host')
        if key in match
    )


def describe(name, request, sni):
    """What check.py gets to know of a request."""
    record = {
        'listener': name,
        'method': request.method,
        'path': request.target,
        'host': request.header('host', None),
        'headers': request.headers,
        'body': request.body.decode('utf-8', 'surrogateescape'),
        'sni': sni,
        't': time.time(),
    }
    signed = AUTHORIZATION.match(request.header('authorization'))
    if signed:
        record.update(signed.groupdict())
    target = request.header('x-amz-target', None)
    if target is not None:
        record['op'] = target.split('.')[-1]
    elif request.header('content-type').startswith(
        'application/x-www-form-urlencoded'
    ):
        record['form'] = dict(
            urllib.parse.parse_qsl(record['body'], keep_blank_values=True)
        )
        record['op'] = record['form'].get('Action')
    return record


def send(c, resp, method):
    """Send an answer, as broken as it is wanted."""
    body = resp.get('body', '')
    body = body if isinstance(body, str) else json.dumps(body)
    soon = time.gmtime(time.time() + 3600)
    body = body.replace(
        '@PLUS1H@', time.strftime('%Y-%m-%dT%H:%M:%SZ', soon)
    ).encode()
    headers = {
        'Content-Type': resp.get('ctype', 'application/x-amz-json-1.1'),
        'x-amzn-RequestId': '00000000-0000-4000-8000-000000000000',
        'Date': clock.http_date(time.time() + resp.get('date_offset', 0)),
    }
    headers.update(resp.get('headers', {}))
    if resp.get('chunked'):
        headers['Transfer-Encoding'] = 'chunked'
    else:
        headers['Content-Length'] = str(len(body) + resp.get('truncate', 0))
    lines = [f'HTTP/1.1 {resp.get("status", 200)} X']
    lines += [f'{name}: {value}' for name, value in headers.items()]
    c.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1'))
    if resp.get('chunked'):
        c.sendall(writer.chunks(body, resp['chunked']))
    elif method != 'HEAD':
        c.sendall(body)
