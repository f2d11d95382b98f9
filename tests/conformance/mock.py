"""A scriptable stand-in for AWS, IMDS, container endpoints and a proxy.

Runs inside a private network namespace (runner.py); every address is on the
namespace's own loopback device.  Each case supplies rules; the first one that
matches a request answers it, using its responses in turn (the last repeats).
"""
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse

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


class Server:
    def __init__(self, contexts):
        self.ctx = contexts
        self.lock = threading.Lock()
        self.rules, self.log = [], []
        self.changed = threading.Condition(self.lock)
        self.pending = 0
        for name, (addr, port, tls) in LISTENERS.items():
            fam = socket.AF_INET6 if ':' in addr else socket.AF_INET
            s = socket.socket(fam)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((addr, port))
            s.listen(64)
            threading.Thread(
                target=self._accept, args=(name, s, tls), daemon=True
            ).start()

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

    def _accept(self, name, lsock, tls):
        while True:
            c, _ = lsock.accept()
            self._count(1)
            threading.Thread(
                target=self._conn, args=(name, c, tls), daemon=True
            ).start()

    def _conn(self, name, c, tls):
        sni = None
        try:
            if tls:
                raw = c
                try:
                    c = self.ctx[tls].wrap_socket(c, server_side=True)
                except (ssl.SSLError, OSError):
                    with self.lock:
                        self.log.append(
                            {'listener': name, 'event': 'tls_handshake_failed'}
                        )
                    raw.close()
                    return
                sni = getattr(c, 'server_name', None)
            f = c.makefile('rb')
            while self._one(name, c, f, sni):
                pass
        except (OSError, ValueError):
            pass
        finally:
            self._count(-1)
            try:
                c.close()
            except OSError:
                pass

    def _one(self, name, c, f, sni):
        line = f.readline(65536)
        if not line:
            return False
        m = line.decode('latin-1').rstrip('\r\n').split(' ')
        method, target = m[0], m[1]
        hdrs = []
        while True:
            h = f.readline(65536).decode('latin-1')
            if h in ('\r\n', '\n', ''):
                break
            k, _, v = h.rstrip('\r\n').partition(':')
            hdrs.append([k, v.strip()])
        hd = {k.lower(): v for k, v in hdrs}
        body = (
            f.read(int(hd.get('content-length', 0) or 0))
            if 'content-length' in hd
            else b''
        )
        rec = {
            'listener': name,
            'method': method,
            'path': target,
            'host': hd.get('host'),
            'headers': hdrs,
            'body': body.decode('utf-8', 'surrogateescape'),
            'sni': sni,
            't': time.time(),
        }
        auth = hd.get('authorization', '')
        mm = re.match(
            r'AWS4-HMAC-SHA256 Credential=(.*?)/(\d{8})/([^/]*)/([^/]*)'
            r'/aws4_request, SignedHeaders=([^,]*), '
            r'Signature=([0-9a-f]{64})$',
            auth,
        )
        if mm:
            rec.update(
                access_key=mm.group(1),
                scope_region=mm.group(3),
                scope_service=mm.group(4),
                signed_headers=mm.group(5),
            )
        if 'x-amz-target' in hd:
            rec['op'] = hd['x-amz-target'].split('.')[-1]
        elif hd.get('content-type', '').startswith(
            'application/x-www-form-urlencoded'
        ):
            rec['form'] = dict(
                urllib.parse.parse_qsl(rec['body'], keep_blank_values=True)
            )
            rec['op'] = rec['form'].get('Action')
        with self.lock:
            self.log.append(rec)
            resp = None
            for r in self.rules:
                mt = r.get('match', {})
                if 'listener' in mt and name not in (
                    mt['listener']
                    if isinstance(mt['listener'], list)
                    else [mt['listener']]
                ):
                    continue
                if 'method' in mt and mt['method'] != method:
                    continue
                if 'path' in mt and mt['path'] != target:
                    continue
                if 'op' in mt and mt['op'] != rec.get('op'):
                    continue
                if 'host' in mt and mt['host'] != rec['host']:
                    continue
                rs = r['responses']
                resp = rs[min(r['_n'], len(rs) - 1)]
                r['_n'] += 1
                break
        if resp is None:
            resp = {'status': 404, 'body': ''}
        if method == 'CONNECT' and resp.get('tunnel'):
            c.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            h, _, p = target.rpartition(':')
            self._tunnel(c, f, p)
            return False
        if resp.get('delay'):
            self._count(-1)
            time.sleep(resp['delay'])
            self._count(1)
        if resp.get('close'):  # accept the request, send nothing, close
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            return False
        b = resp.get('body', '')
        b = b.encode('utf-8') if isinstance(b, str) else json.dumps(b).encode()
        b = b.replace(
            b'@PLUS1H@',
            time.strftime(
                '%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 3600)
            ).encode(),
        )
        st = resp.get('status', 200)
        out = [f'HTTP/1.1 {st} X']
        hh = {
            'Content-Type': resp.get('ctype', 'application/x-amz-json-1.1'),
            'x-amzn-RequestId': '00000000-0000-4000-8000-000000000000',
        }
        hh['Date'] = time.strftime(
            '%a, %d %b %Y %H:%M:%S GMT',
            time.gmtime(time.time() + resp.get('date_offset', 0)),
        )
        hh.update(resp.get('headers', {}))
        if resp.get('truncate'):
            hh['Content-Length'] = str(len(b) + resp['truncate'])
        elif resp.get('chunked'):
            hh['Transfer-Encoding'] = 'chunked'
        else:
            hh['Content-Length'] = str(len(b))
        out += [f'{k}: {v}' for k, v in hh.items()]
        c.sendall(('\r\n'.join(out) + '\r\n\r\n').encode('latin-1'))
        if resp.get('chunked'):
            n = resp['chunked']
            for i in range(0, len(b), n):
                ch = b[i:i + n]
                c.sendall(b'%x\r\n' % len(ch) + ch + b'\r\n')
            c.sendall(b'0\r\n\r\n')
        elif method != 'HEAD':
            c.sendall(b)
        if resp.get('truncate'):
            return False
        return hd.get('connection', '').lower() != 'close'

    def _tunnel(self, c, f, port):
        u = socket.create_connection(('127.0.0.1', int(port)))

        def pump(a, b):
            try:
                while True:
                    d = a.recv(65536)
                    if not d:
                        break
                    b.sendall(d)
            except OSError:
                pass
            try:
                b.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        t = threading.Thread(target=pump, args=(c, u), daemon=True)
        t.start()
        pump(u, c)
        t.join(5)
        u.close()
