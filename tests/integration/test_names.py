# SPDX-License-Identifier: MIT
"""Names that only a name server knows."""

import os
import signal
import socket
import subprocess
import time

import dnsd
import place
from case import BIN, SLEEP, Case, environment

CLUSTER = ("nameserver 127.0.0.54\nnameserver 127.0.0.53\n"
           "search web.svc.cluster.local svc.cluster.local cluster.local\n"
           "options ndots:5\n")


class Names(Case):
    """Without the lines that other tests have in /etc/hosts."""

    def setUp(self):
        super().setUp()
        self.known = {}
        self.server = dnsd.Server("127.0.0.53", self.known)
        self.addCleanup(self.server.close)

    def bare(self, resolv):
        """Return a root that knows no names."""
        root = self.root()
        os.remove(root.inside("/etc/hosts"))
        os.remove(root.inside("/etc/resolv.conf"))
        if resolv:
            root.write("/etc/resolv.conf", resolv)
        return root

    def know(self, **what):
        """Let the server know the names of AWS."""
        for service in place.SERVICES:
            name = "%s.%s.amazonaws.com" % (service, place.REGION)
            self.known[name] = dnsd.Name(["127.0.0.1"], **what)

    def test_cluster(self):
        """As in Kubernetes, with a first server that is not there, an alias,
        a dead route and answers that have to be fetched over TCP."""
        self.know(alias="real.amazonaws.com", aaaa=["2001:db8::1"], cut=0)
        root = self.bare(CLUSTER)
        held, node = self.run_up(root=root)
        self.wait_online(node)
        name = "ssm.%s.amazonaws.com" % place.REGION
        asked = [one for one, _, _ in self.server.asked
                 if one.startswith(name)]
        self.assertEqual(list(dict.fromkeys(asked)), [name])
        held.signal(signal.SIGTERM)
        held.wait()
        self.assert_clean(root)

    def test_zone(self):
        """A link-local name server, which the workers, too, may reach."""
        address = "ip -6 addr %s fe80::53/64 dev lo"
        subprocess.run((address % "add" + " nodad").split(), check=True)
        self.addCleanup(subprocess.run, (address % "del").split(), check=True)
        self.know()
        server = dnsd.Server("fe80::53%lo", self.known)
        self.addCleanup(server.close)
        root = self.bare("nameserver fe80::53%lo\n")
        _, node = self.run_up(root=root)
        self.wait_online(node)
        self.assertEqual(self.server.asked, [])

    def required(self, root):
        """Return what `run` says when access is required, and how long it
        takes, once it gave up."""
        env = environment(SSM_ACTIVATE_REQUIRED="true",
                          SSM_ACTIVATE_GIVE_UP="1s")
        began = time.monotonic()
        held = self.start([BIN, "run", "--"] + SLEEP, root, env)
        self.assertEqual(held.wait(), 69)
        self.assert_clean(root)
        return held.err, time.monotonic() - began

    def test_unknown(self):
        """An image without /etc/hosts and /etc/resolv.conf: this host's own
        name server, which knows nothing."""
        text, _ = self.required(self.bare(""))
        self.assert_one_line(text, "error: .*cannot resolve the name: "
                                   "it does not exist")

    def test_failure(self):
        """A name server that cannot tell."""
        self.server.code = dnsd.SERVFAIL
        text, _ = self.required(self.bare("nameserver 127.0.0.53\n"))
        self.assert_one_line(text, "error: .*cannot resolve the name: "
                                   "the name servers cannot tell")

    def test_silence(self):
        """A name server that says nothing."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.54", 53))
            text, spent = self.required(self.bare(
                "nameserver 127.0.0.54\noptions timeout:1 attempts:1\n"))
        self.assert_one_line(text, "error: .*cannot resolve the name: "
                                   "the name servers do not answer.*"
                                   "/etc/resolv.conf")
        self.assertLess(spent, 30)
