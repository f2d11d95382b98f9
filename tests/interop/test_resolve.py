# SPDX-License-Identifier: MIT
"""Our resolver (resolve_driver.c) against a name server of ours, and beside
glibc's, in namespaces of its own with files of their own in /etc.
"""
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest

import botocore
import dnsd
from dnsd import Name, Server
from drivers import TOP, driver

DRIVER = driver("resolve_driver")
LIMIT_MS = 20000
HOSTS = b"""\
127.0.0.1\tlocalhost
10.0.0.7 Box.Example  box # not.this
10.0.0.8\tother box\r
2001:db8::7 box
10.0.0.9 boxer
:nonsense: box
10.0.0.10 """ + b"filler" * 2000 + b""" far
10.0.0.11 app.localhost
"""


def run(argv, seconds=60):
    """Return what the program printed and its status."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=seconds,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1, 2):
        raise AssertionError("%s ended with %d: %s"
                             % (argv, done.returncode, done.stderr))
    return done.stdout, done.returncode


def glibc(name):
    """Return the addresses that glibc finds, as a set."""
    text, _ = run(["getent", "ahosts", name])
    return {line.split()[0] for line in text.splitlines()}


def setUpModule():
    """Give the namespaces addresses, routes and files."""
    folder = tempfile.mkdtemp(prefix="resolve-names-")
    unittest.addModuleCleanup(os.rmdir, folder)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    unittest.addModuleCleanup(subprocess.run, ["umount", "-l", folder],
                              check=True)
    for name in ("hosts", "resolv.conf", "nsswitch.conf"):
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(b"hosts: files dns\n" if name == "nsswitch.conf"
                       else b"")
        subprocess.run(["mount", "--bind", path,
                        os.path.realpath("/etc/" + name)], check=True)
    for line in ("link set lo up", "addr add 10.0.0.2/24 dev lo",
                 "-6 addr add 2001:db8::2/64 dev lo nodad",
                 "-6 addr add fd00::2/64 dev lo nodad"):
        subprocess.run(["ip"] + line.split(), check=True)


class Case(unittest.TestCase):
    """Files and servers of one test."""

    def setUp(self):
        self.names = {}
        self.servers = []
        self.write("hosts", HOSTS)
        self.write("resolv.conf", "nameserver 127.0.0.1\n")

    def tearDown(self):
        for server in self.servers:
            server.close()

    @staticmethod
    def write(name, text):
        """Fill one of the files in /etc."""
        with open("/etc/" + name, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def serve(self, address="127.0.0.1", **options):
        """Start a server."""
        self.servers.append(Server(address, self.names, **options))
        return self.servers[-1]

    def ask(self, host, milliseconds=LIMIT_MS, whole=False):
        """Return the lines that the driver prints."""
        text, _ = run([DRIVER, host, str(milliseconds)]
                      + ["whole"] * whole)
        return text.splitlines()

    def check(self, host, *addresses, same=True):
        """These are the addresses, in this order; glibc knows the same."""
        self.assertEqual(self.ask(host), list(addresses))
        if same:
            self.assertEqual(glibc(host), set(addresses))

    def refuse(self, host, line, same=True):
        """This goes wrong, with glibc as well."""
        self.assertEqual(self.ask(host),
                         [line.replace(":", ": cannot resolve the name:", 1)])
        if same:
            self.assertEqual(glibc(host), set())


class Hosts(Case):
    """Without a name server."""

    def test_address(self):
        """An address is its own."""
        self.check("10.1.2.3", "10.1.2.3")
        self.check("2001:db8::5", "2001:db8::5")

    def test_localhost(self):
        """Of localhost and names below it /etc/hosts need not know."""
        self.check("localhost", "127.0.0.1", "::1", same=False)
        self.check("LocalHost", "127.0.0.1", "::1", same=False)
        self.check("x.y.LOCALHOST.", "127.0.0.1", "::1", same=False)
        self.check("app.localhost", "10.0.0.11", same=False)

    def test_hosts(self):
        """All lines of a name count, in whatever case."""
        for name in ("box", "BOX"):
            self.check(name, "2001:db8::7", "10.0.0.7", "10.0.0.8")
        self.check("box.example", "10.0.0.7")
        self.check("boxer", "10.0.0.9")
        self.check("far", "10.0.0.10")

    def test_no_file(self):
        """A file that is empty or is no text."""
        self.write("hosts", b"\0\xff\n\n#\n\r\r \t \n10.0.0.7\n")
        self.refuse("box", "again: the name servers do not answer")

    def test_no_server(self):
        """Nobody listens, which is known at once."""
        began = time.monotonic()
        self.refuse("a.example", "again: the name servers do not answer")
        self.assertLess(time.monotonic() - began, 2)


class Answers(Case):
    """One name server."""

    def test_families(self):
        """IPv4, IPv6, both."""
        self.serve()
        self.names["four.example"] = Name(["10.0.0.3", "10.0.0.4"])
        self.names["six.example"] = Name((), ["2001:db8::3"])
        self.names["both.example"] = Name(["10.0.0.3", "10.0.0.4"],
                                          ["2001:db8::3", "2001:db8::4"])
        self.check("four.example", "10.0.0.3", "10.0.0.4")
        self.check("six.example", "2001:db8::3")
        self.names["squid_proxy"] = Name(["10.0.0.3"])
        self.check("squid_proxy", "10.0.0.3")
        self.check("Both.Example", "2001:db8::3", "10.0.0.3",
                   "2001:db8::4", "10.0.0.4")

    def test_order(self):
        """No route is last; a private source is no use for the world."""
        self.serve()
        self.names["dead.example"] = Name(["10.0.0.3"], ["2001:db9::1"])
        self.names["four.example"] = Name(["10.9.0.3", "10.0.0.3"])
        self.names["ula.example"] = Name(["10.0.0.3"], ["fd00::9"])
        self.check("dead.example", "10.0.0.3", "2001:db9::1")
        self.check("four.example", "10.0.0.3", "10.9.0.3")
        self.check("ula.example", "fd00::9", "10.0.0.3")
        subprocess.run("ip -6 route add 2600::/16 dev lo src fd00::2".split(),
                       check=True)
        self.names["world.example"] = Name(["10.0.0.3"], ["2600::1"])
        self.check("world.example", "10.0.0.3", "2600::1")

    def test_alias(self):
        """The addresses of an alias are those of the name."""
        self.serve()
        self.names["alias.example"] = Name(["10.0.0.3"], ["2001:db8::3"],
                                           alias="real.example")
        self.check("alias.example", "2001:db8::3", "10.0.0.3")

    def test_none(self):
        """No such name; a name without addresses."""
        self.serve()
        self.names["empty.example"] = Name()
        self.refuse("none.example", "final: it does not exist")
        self.refuse("empty.example", "final: it has no address")
        self.refuse("a" * 64 + ".example", "final: it does not exist")
        self.refuse(("a" * 49 + ".") * 5 + "example",
                    "final: it does not exist")

    def test_longest(self):
        """A name of 253 bytes, and one more."""
        self.serve()
        name = ("a" * 49 + ".") * 5 + "bcd"
        self.names[name] = Name(["10.0.0.3"])
        self.check(name, "10.0.0.3")
        self.names[name + "e"] = Name(["10.0.0.3"])
        self.refuse(name + "e", "final: it does not exist")

    def test_failure(self):
        """A failure is asked again; one that stays is no final answer."""
        self.serve()
        codes = [dnsd.SERVFAIL] * 2
        self.names["late.example"] = Name(["10.0.0.3"], codes=codes)
        self.check("late.example", "10.0.0.3", same=False)
        self.names["bad.example"] = Name(["10.0.0.3"],
                                         codes=[dnsd.SERVFAIL] * 99)
        self.refuse("bad.example", "again: the name servers cannot tell")
        self.names["no.example"] = Name(["10.0.0.3"],
                                        codes=[dnsd.REFUSED] * 99)
        self.refuse("no.example", "again: the name servers cannot tell")

    def test_lost(self):
        """Lost datagrams are sent again."""
        self.serve()
        self.write("resolv.conf",
                   "nameserver 127.0.0.1\noptions timeout:1\n")
        self.names["lost.example"] = Name(["10.0.0.3"], ["2001:db8::3"],
                                          lost=2)
        self.check("lost.example", "2001:db8::3", "10.0.0.3", same=False)

    def test_one_family_only(self):
        """A server that does not answer for IPv6 costs a second."""
        self.serve()
        self.names["half.example"] = Name(["10.0.0.3"], silent=["AAAA"])
        began = time.monotonic()
        self.check("half.example", "10.0.0.3", same=False)
        self.assertLess(time.monotonic() - began, 2.4)

    def test_truncated(self):
        """The rest is fetched over TCP."""
        server = self.serve()
        many = ["10.0.0.%d" % n for n in range(10, 26)]
        for cut in (0, 3):
            self.names["cut.example"] = Name(many, ["2001:db8::3"], cut=cut)
            server.asked.clear()
            self.assertEqual(set(self.ask("cut.example")),
                             set(many + ["2001:db8::3"]))
            self.assertIn(("cut.example", "A", "tcp"), server.asked)

    def test_too_many(self):
        """More addresses than anybody needs."""
        self.serve()
        self.names["many.example"] = Name(
            ["10.0.0.%d" % n for n in range(200)], ["2001:db8::3"], cut=0)
        self.assertEqual(len(self.ask("many.example")), 17)

    def test_no_tcp(self):
        """What was not truncated is better than nothing."""
        server = self.serve()
        server.end(server.tcp)
        self.names["cut.example"] = Name(["10.0.0.3", "10.0.0.4"], cut=1)
        self.names["gone.example"] = Name(["10.0.0.3"], cut=0)
        self.assertEqual(self.ask("cut.example"), ["10.0.0.3"])
        self.refuse("gone.example", "again: the name servers cannot tell",
                    same=False)

    def test_broken(self):
        """Records that are none."""
        self.serve()
        good = dnsd.record(dnsd.POINTER_TO_QUESTION, "A", "10.0.0.3")
        for raw in ((1, b""), (2, good), (1, good[:-1]), (1, b"\x80" + good),
                    (1, good[:2] + b"\0\1\0\1" + b"\0\0\0\0\xff\xff"),
                    (65535, good), (1, b"\x3f" * 200)):
            self.names["broken.example"] = Name(raw=raw)
            self.refuse("broken.example",
                        "again: the name servers cannot tell", same=False)
        # A pointer to itself is one like any other.
        self.names["loop.example"] = Name(
            raw=(2, good + b"\xc0\x2c" + good[2:]))
        self.check("loop.example", "10.0.0.3", "10.0.0.3", same=False)


class Forgeries(Case):
    """What others send is not taken."""

    def forge(self, change):
        """Send what change() makes of the answer before it. glibc takes
        some of these."""
        def send(server, answer, peer):
            server.udp.sendto(change(bytearray(answer)), peer)
        self.serve()
        self.names["good.example"] = Name(["10.0.0.3"], forged=send)
        self.check("good.example", "10.0.0.3", same=False)

    def test_id(self):
        """Another id."""
        def change(answer):
            answer[0] ^= 1
            answer[-1] = 99
            return answer
        self.forge(change)

    def test_question(self):
        """Another name, or another class; a query; two questions."""
        for at, value in ((13, ord("f")), (-17, 3), (2, 1), (5, 2), (2, 0xa9)):
            def change(answer, at=at, value=value):
                answer[at] = value
                answer[-1] = 99
                return answer
            with self.subTest(at=at):
                self.forge(change)
            self.tearDown()
            self.setUp()

    def test_short(self):
        """Less than a question."""
        self.forge(lambda answer: answer[:20])
        self.tearDown()
        self.setUp()
        self.forge(lambda answer: b"")

    def test_source(self):
        """From another address or port."""
        def send(server, answer, peer):
            for address in ("127.0.0.1", "127.0.0.9"):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.bind((address, 0))
                    sock.sendto(answer[:-1] + b"\x63", peer)
        self.serve()
        self.names["good.example"] = Name(["10.0.0.3"], forged=send)
        self.check("good.example", "10.0.0.3")

    def test_ids_differ(self):
        """Ids and ports cannot be foreseen."""
        seen = set()

        def send(_, answer, peer):
            seen.add((bytes(answer[:2]), peer[1]))
        self.serve()
        self.names["good.example"] = Name(["10.0.0.3"], forged=send)
        for _ in range(10):
            self.ask("good.example")
        self.assertEqual(len({one for one, _ in seen}), 20)
        self.assertGreater(len({port for _, port in seen}), 5)


class Servers(Case):
    """More than one name server."""

    def test_first_dead(self):
        """The first does not answer, or is not there."""
        self.write("resolv.conf", "nameserver 127.0.0.9\n"
                   "nameserver 10.9.9.9\nnameserver ::1\n")
        self.serve("::1")
        self.names["good.example"] = Name(["10.0.0.3"])
        began = time.monotonic()
        self.assertEqual(self.ask("good.example"), ["10.0.0.3"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.9", 53))
            self.assertEqual(self.ask("good.example"), ["10.0.0.3"])
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(glibc("good.example"), {"10.0.0.3"})

    def test_first_fails(self):
        """One that fails does not count while another knows."""
        self.write("resolv.conf",
                   "nameserver 127.0.0.2\nnameserver 127.0.0.1\n")
        for code in (dnsd.SERVFAIL, dnsd.REFUSED):
            self.serve("127.0.0.2", code=code)
            self.serve()
            self.names["good.example"] = Name(["10.0.0.3"])
            self.check("good.example", "10.0.0.3")
            self.tearDown()
            self.servers = []

    def test_silence(self):
        """The deadline holds, and so do timeout and attempts."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 53))
            began = time.monotonic()
            self.assertEqual(self.ask("a.example", 700), [
                "again: cannot resolve the name: "
                "the name servers do not answer"])
            self.assertLess(time.monotonic() - began, 2)
            self.write("resolv.conf", "nameserver 127.0.0.1\nsearch x y z\n"
                       "options timeout:1 attempts:1 ndots:9\n")
            began = time.monotonic()
            self.refuse("a.example", "again: the name servers do not answer",
                        same=False)
            spent = time.monotonic() - began
            self.assertGreater(spent, 0.9)
            self.assertLess(spent, 3)


class Zones(Case):
    """A link-local name server."""

    def test_zone(self):
        """By the name of its interface, by its number; not without."""
        subprocess.run("ip -6 addr add fe80::53/64 dev lo nodad".split(),
                       check=True)
        self.addCleanup(subprocess.run,
                        "ip -6 addr del fe80::53/64 dev lo".split(),
                        check=True)
        self.serve("fe80::53%lo")
        self.names["good.example"] = Name(["10.0.0.3"])
        for zone in ("lo", str(socket.if_nametoindex("lo"))):
            self.write("resolv.conf", "nameserver fe80::53%%%s\n" % zone)
            self.check("good.example", "10.0.0.3")
        for zone in ("", "%none0", "%"):
            self.write("resolv.conf", "nameserver fe80::53%s\n"
                       "options timeout:1 attempts:1\n" % zone)
            self.refuse("good.example",
                        "again: the name servers do not answer")


class Search(Case):
    """Domains."""

    CLUSTER = ("nameserver 127.0.0.1\nsearch x.svc.cluster.local "
               "svc.cluster.local\tcluster.local\noptions ndots:5\n")

    def asked(self, server):
        """Return the names in the order in which they were asked."""
        return list(dict.fromkeys(name for name, _, _ in server.asked))

    def test_cluster(self):
        """Kubernetes: five dots or the domains first."""
        self.write("resolv.conf", self.CLUSTER)
        server = self.serve()
        self.names["web.x.svc.cluster.local"] = Name(["10.0.0.3"])
        self.names["proxy.example.com"] = Name(["10.0.0.4"])
        self.check("web", "10.0.0.3")
        server.asked.clear()
        name = "proxy.example.com"
        self.check(name, "10.0.0.4")
        self.assertEqual(self.asked(server), [
            name + ".x.svc.cluster.local", name + ".svc.cluster.local",
            name + ".cluster.local", name])
        server.asked.clear()
        self.check(name + ".", "10.0.0.4", same=False)
        self.assertEqual(self.asked(server), [name])
        self.refuse("nobody", "final: it does not exist")

    def test_aws(self):
        """Whole names, as those of AWS are, are looked for in no domain, not
        even in one whose servers fail or say nothing."""
        self.write("resolv.conf", self.CLUSTER)
        server = self.serve()
        name = "ssm.eu-west-1.amazonaws.com"
        self.names[name] = Name(["10.0.0.4"])
        self.names[name + ".svc.cluster.local"] = Name(silent=["A", "AAAA"])
        self.assertEqual(self.ask(name, whole=True), ["10.0.0.4"])
        self.assertEqual(self.asked(server), [name])
        self.assertEqual(self.ask("nobody.amazonaws.com", whole=True),
                         ["final: cannot resolve the name: it does not exist"])

    def test_partitions(self):
        """Our endpoints know the domains that botocore knows, but for two
        that its endpoints refuse."""
        path = os.path.join(os.path.dirname(botocore.__file__), "data",
                            "partitions.json")
        with open(path, encoding="utf-8") as file:
            outputs = [one["outputs"] for one in json.load(file)["partitions"]]
        ends = {one[kind] for one in outputs
                for kind in ("dnsSuffix", "dualStackDnsSuffix")}
        with open(os.path.join(TOP, "src/aws/endpoint.c"),
                  encoding="utf-8") as file:
            table = re.findall(r'{ "aws[-a-z]*", "[-a-z]*", "(.*?)",\s*"(.*?)"',
                               file.read())
        self.assertGreater(len(table), 6)
        ours = {end for pair in table for end in pair if end}
        refused = {"api.cloud-aws.adc-e.uk", "api.aws.hci.ic.gov"}
        self.assertEqual(ends - ours - refused, set())

    def test_silent_domain(self):
        """The first domain's servers say nothing: the name is asked as it
        is, soon where it may be whole, as with glibc."""
        self.write("resolv.conf", self.CLUSTER + "options timeout:1\n")
        server = self.serve()
        silent = Name(silent=["A", "AAAA"])
        for name, most in (("proxy.example.com", 2), ("web", 3)):
            self.names[name] = Name(["10.0.0.4"])
            self.names[name + ".x.svc.cluster.local"] = silent
            server.asked.clear()
            began = time.monotonic()
            self.assertEqual(self.ask(name), ["10.0.0.4"])
            self.assertLess(time.monotonic() - began, most)
            self.assertEqual(self.asked(server),
                             [name + ".x.svc.cluster.local", name])
            self.assertEqual(glibc(name), {"10.0.0.4"})
            del self.names[name]
            self.refuse(name, "again: the name servers cannot tell")

    def test_dots(self):
        """Enough dots: as it is, then in the domains."""
        self.write("resolv.conf", "; comment\n#nameserver 127.0.0.9\n"
                   "nameserver 127.0.0.1\ndomain wrong\nsearch corp.\n")
        server = self.serve()
        self.names["a.b.corp"] = Name(["10.0.0.3"])
        self.check("a.b", "10.0.0.3")
        self.assertEqual(self.asked(server), ["a.b", "a.b.corp"])
        self.names["a.b"] = Name(["10.0.0.4"])
        self.check("a.b", "10.0.0.4")

    def test_failing_domain(self):
        """A domain whose servers fail does not hide the others."""
        self.write("resolv.conf", self.CLUSTER)
        self.serve()
        self.names["web.x.svc.cluster.local"] = Name(
            codes=[dnsd.SERVFAIL] * 999)
        self.names["web.svc.cluster.local"] = Name()
        self.names["web.cluster.local"] = Name(["10.0.0.3"])
        self.check("web", "10.0.0.3")
        del self.names["web.cluster.local"]
        self.refuse("web", "again: the name servers cannot tell")

    def test_odd_files(self):
        """What is not understood is left out."""
        self.write("resolv.conf", b"\0\nnameserver\nnameserver x\n"
                   b"options ndots: ndots:x timeout:0 attempts:0 edns0\n"
                   b"options ndots:99999999999999\nsearch . ..\n"
                   b"nameserver 127.0.0.1\r\n" + b"nameserver 127.0.0.9\n" * 9)
        self.serve()
        self.names["a.b"] = Name(["10.0.0.4"])
        self.check("a.b", "10.0.0.4", same=False)
