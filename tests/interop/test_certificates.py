# SPDX-License-Identifier: MIT
"""Our verdicts on chains of certificates (verify_driver.c) beside those of
`openssl verify`.

The rows of docs/certificates.md are made here: with WRITE=1 in the environment
the document is written anew, else it is compared.
"""
import os
import ssl
import subprocess
import tempfile
import unittest

from certs import AUTHORITY, NOW, SIGNS, Certs
from drivers import TOP, driver

DRIVER = driver("verify_driver")
DOCUMENT = os.path.join(TOP, "docs", "certificates.md")
HOST = "ssm.eu-west-1.amazonaws.com"
NAME = "subjectAltName=DNS:" + HOST
OTHER = "subjectAltName=DNS:%s,DNS:www.corp.test" % HOST
WILD = "subjectAltName=DNS:*.eu-west-1.amazonaws.com"
USE = "\nextendedKeyUsage="
KEYS = "\nkeyUsage=critical,"
LIMITS = "\nnameConstraints="
PAST = ("20200101000000Z", "20210102030405Z")
FUTURE = ("20980102030405Z", "20991231235959Z")
BASE = "permitted;DNS:amazonaws.com"
EC = "EC:P-256"
OPENSSL = ["openssl", "verify", "-purpose", "sslserver", "-partial_chain",
           "-auth_level", "2", "-verify_hostname", HOST]
HEAD = """# Certificates and TLS

## What is not supported

AWS offers what is needed; a proxy that inspects TLS, or a private endpoint, must
do so, too. What is missing is said by the error.

| not supported | needed |
|---|---|
| servers that take TLS 1.3 only | TLS 1.2 |
| servers that take CBC suites, or RSA or DHE, only | ECDHE with AES-GCM or ChaCha20 |
| servers that require the extended master secret | that they do not |
| Ed25519, Ed448 and RSA-PSS in a chain | RSA (PKCS #1) or ECDSA, SHA-256 to 512 |
| RSA keys above 4096 bits or below 2048 | 2048 to 4096 bits |
| curves other than P-256, P-384 and P-521 | one of these |
| name constraints of other kinds than DNS names | none, or of DNS names |
| critical extensions of other kinds, such as policy constraints | none |
| a leaf with keyUsage but without digitalSignature | digitalSignature |
| a URL with an IP address | a name |

## Our verdicts and OpenSSL's

`tests/interop/test_certificates.py` makes each of these chains (leaf,
authority between, root in `AWS_CA_BUNDLE`) and this table. OpenSSL is `openssl
verify -purpose sslserver -verify_hostname` with `-auth_level 2`, which asks for
112 bits, and `-partial_chain`, as AWS SDKs for Python have it. Why we differ
where we do is in [vendor/README.md](../vendor/README.md).

| chain | OpenSSL | we | what we say |
|---|---|---|---|
"""


class Part:
    """What differs from a good certificate."""

    def __init__(self, more="", base=None, key=EC, dates=NOW, digest="sha256",
                 v1=False, options=()):
        self.more, self.base, self.key = more, base, key
        self.dates, self.digest, self.v1 = dates, digest, v1
        self.options = options


def constrained(*limits, critical=True):
    """Return name constraints."""
    return Part(LIMITS + ("critical," if critical else "") + ",".join(limits))


GOOD = Part()
# What it is; root, authority between (None: none) and leaf; whether OpenSSL
# and we accept it.
ROWS = [
    ("all good", GOOD, GOOD, GOOD, True, True),
    ("no authority between", GOOD, None, GOOD, True, True),
    ("root of version 1", Part(v1=True), GOOD, GOOD, True, True),
    ("authority between of version 1", GOOD, Part(v1=True), GOOD, False,
     False),
    ("root without basicConstraints, may sign",
     Part("keyUsage=keyCertSign", ""), GOOD, GOOD, True, True),
    ("root that is no authority", Part("", "basicConstraints=CA:FALSE"), GOOD,
     GOOD, False, False),
    ("root that may not sign", Part(KEYS + "digitalSignature"), GOOD, GOOD,
     False, False),
    ("root expired", Part(dates=PAST), GOOD, GOOD, False, False),
    ("root not valid yet", Part(dates=FUTURE), GOOD, GOOD, False, False),
    ("root for clients", Part(USE + "clientAuth"), GOOD, GOOD, False, False),
    ("root for servers, critical", Part(USE + "critical,serverAuth"), GOOD,
     GOOD, True, True),
    ("root for any purpose", Part(USE + "anyExtendedKeyUsage"), GOOD, GOOD,
     False, True),
    ("root with path length 0", Part(base=AUTHORITY + ",pathlen:0"), GOOD,
     GOOD, False, False),
    ("root with path length 0, none between",
     Part(base=AUTHORITY + ",pathlen:0"), None, GOOD, True, True),
    ("root with path length 1", Part(base=AUTHORITY + ",pathlen:1"), GOOD,
     GOOD, True, True),
    ("root of RSA 1024", Part(key="RSA:1024"), GOOD, GOOD, False, False),
    ("root of RSA 4096", Part(key="RSA:4096"), GOOD, GOOD, True, True),
    ("root of RSA 8192", Part(key="RSA:8192"), GOOD, GOOD, True, False),
    ("root of Ed25519", Part(key="ED25519", digest="null"), GOOD, GOOD, True,
     False),
    ("root of P-521", Part(key="EC:P-521"), GOOD, GOOD, True, True),
    ("root of secp256k1", Part(key="EC:secp256k1"), GOOD, GOOD, True, False),
    ("root constrained to the name", constrained(BASE), GOOD, GOOD, True,
     True),
    ("root constrained to names below",
     constrained("permitted;DNS:.eu-west-1.amazonaws.com"), GOOD, GOOD, True,
     True),
    ("root constrained to names below the name",
     constrained("permitted;DNS:." + HOST), GOOD, GOOD, False, False),
    ("root constrained to a part of a label",
     constrained("permitted;DNS:azonaws.com"), GOOD, GOOD, False, False),
    ("root constrained in other case",
     constrained("permitted;DNS:AmazonAWS.COM"), GOOD, GOOD, True, True),
    ("root constrained to one of two names",
     constrained("permitted;DNS:corp.test", BASE), GOOD, GOOD, True, True),
    ("root constrained to other names",
     constrained("permitted;DNS:corp.test"), GOOD, GOOD, False, False),
    ("root constrained to other names, not critical",
     constrained("permitted;DNS:corp.test", critical=False), GOOD, GOOD,
     False, False),
    ("root that excludes the name", constrained("excluded;DNS:amazonaws.com"),
     GOOD, GOOD, False, False),
    ("root that excludes other names", constrained("excluded;DNS:corp.test"),
     GOOD, GOOD, True, True),
    ("root that permits and excludes the name",
     constrained(BASE, "excluded;DNS:eu-west-1.amazonaws.com"), GOOD, GOOD,
     False, False),
    ("root constrained to one of the leaf's names", constrained(BASE), GOOD,
     Part("", OTHER), False, False),
    ("root that permits what a wildcard is in", constrained(BASE), GOOD,
     Part("", WILD), True, True),
    ("root that excludes what a wildcard covers",
     constrained("excluded;DNS:" + HOST), GOOD, Part("", WILD), True, False),
    ("root constrained to addresses",
     constrained("permitted;IP:10.0.0.0/255.0.0.0"), GOOD, GOOD, True, False),
    ("root constrained by e-mail addresses, none there",
     constrained("permitted;email:corp.test"), GOOD, GOOD, True, False),
    ("between constrained to the name", GOOD, constrained(BASE), GOOD, True,
     True),
    ("between constrained to other names", GOOD,
     constrained("permitted;DNS:corp.test"), GOOD, False, False),
    ("between that excludes the name", GOOD,
     constrained("excluded;DNS:amazonaws.com"), GOOD, False, False),
    ("between constrained to addresses, too", GOOD,
     constrained(BASE, "excluded;IP:0.0.0.0/0.0.0.0"), GOOD, True, False),
    ("between expired", GOOD, Part(dates=PAST), GOOD, False, False),
    ("between for clients", GOOD, Part(USE + "clientAuth"), GOOD, False,
     False),
    ("between for servers, critical", GOOD, Part(USE + "critical,serverAuth"),
     GOOD, True, True),
    ("between that may not sign", GOOD, Part(KEYS + "digitalSignature"), GOOD,
     False, False),
    ("between that is no authority", GOOD,
     Part("", "basicConstraints=CA:FALSE"), GOOD, False, False),
    ("between of RSA 1024", GOOD, Part(key="RSA:1024"), GOOD, False, False),
    ("between signed with SHA-1", GOOD, Part(digest="sha1"), GOOD, False,
     False),
    ("between signed with RSA-PSS", Part(key="RSA:2048"),
     Part(options=("-sigopt", "rsa_padding_mode:pss")), GOOD, True, False),
    ("between of Ed25519", GOOD, Part(key="ED25519"),
     Part(digest="null"), True, False),
    ("leaf for servers, critical", GOOD, GOOD,
     Part(USE + "critical,serverAuth"), True, True),
    ("leaf for clients", GOOD, GOOD, Part(USE + "clientAuth"), False, False),
    ("leaf for clients, critical", GOOD, GOOD,
     Part(USE + "critical,clientAuth"), False, False),
    ("leaf for clients and servers", GOOD, GOOD,
     Part(USE + "clientAuth,serverAuth"), True, True),
    ("leaf with digitalSignature", GOOD, GOOD,
     Part(KEYS + "digitalSignature"), True, True),
    ("leaf with keyEncipherment only", GOOD, GOOD,
     Part(KEYS + "keyEncipherment", key="RSA:2048"), True, False),
    ("leaf with keyAgreement only", GOOD, GOOD, Part(KEYS + "keyAgreement"),
     True, False),
    ("leaf with nonRepudiation only", GOOD, GOOD,
     Part(KEYS + "nonRepudiation"), False, False),
    ("leaf with name constraints", GOOD, GOOD,
     constrained("permitted;DNS:corp.test"), True, True),
    ("leaf expired", GOOD, GOOD, Part(dates=PAST), False, False),
    ("leaf of RSA 1024", GOOD, GOOD, Part(key="RSA:1024"), False, False),
    ("leaf of Ed25519", GOOD, GOOD, Part(key="ED25519"), True, False),
    ("leaf for another name", GOOD, GOOD,
     Part("", "subjectAltName=DNS:corp.test"), False, False),
    ("leaf with an unknown critical extension", GOOD, GOOD,
     Part("\n1.2.3.4.5=critical,ASN1:UTF8String:x"), False, False),
    ("between with an unknown critical extension", GOOD,
     Part("\n1.2.3.4.5=critical,ASN1:UTF8String:x"), GOOD, False, False),
    ("leaf with critical policies", GOOD, GOOD,
     Part("\ncertificatePolicies=critical,1.2.3.4"), True, True),
    ("between with critical policies", GOOD,
     Part("\ncertificatePolicies=critical,2.5.29.32.0"), GOOD, True, True),
    ("between without basicConstraints, may sign", GOOD,
     Part("keyUsage=keyCertSign", ""), GOOD, False, False),
    ("between of RSA, leaf of P-384", GOOD, Part(key="RSA:3072"),
     Part(key="EC:P-384"), True, True),
    ("root and between of RSA, SHA-512", Part(key="RSA:2048"),
     Part(key="RSA:2048", digest="sha512"), Part(digest="sha384"), True, True),
    ("leaf of a wildcard", GOOD, GOOD, Part("", WILD), True, True),
    ("leaf in capitals", GOOD, GOOD, Part("", NAME.upper().replace(
        "SUBJECTALTNAME", "subjectAltName")), True, True),
    ("leaf of a wildcard one label higher", GOOD, GOOD,
     Part("", "subjectAltName=DNS:*.amazonaws.com"), False, False),
    ("leaf of a wildcard that is the name's end", GOOD, GOOD,
     Part("", "subjectAltName=DNS:*m.eu-west-1.amazonaws.com"), True, False),
    ("leaf of the name with a dot in front", GOOD, GOOD,
     Part("", "subjectAltName=DNS:." + HOST), False, False),
    ("leaf of an asterisk", GOOD, GOOD, Part("", "subjectAltName=DNS:*"),
     False, False),
    ("leaf of the name as an address of mail", GOOD, GOOD,
     Part("", "subjectAltName=email:x@" + HOST), False, False),
    ("leaf without subjectAltName, of another common name", GOOD, GOOD,
     Part("", "basicConstraints=CA:FALSE"), False, False),
]


class Chain:
    """The certificates of one row, in a folder of all."""

    def __init__(self, certs, number, parts):
        self.certs, self.number = certs, number
        self.names = []
        base = [AUTHORITY, SIGNS, NAME]
        for what, part, usual in zip(("root", "between", "leaf"), parts, base):
            if part is not None:
                self.add(what, part, usual)

    def add(self, what, part, usual):
        """Make the next one, issued by the last."""
        if what == "between" and "keyUsage" in part.more:
            usual = AUTHORITY
        if not os.path.exists(self.certs.path(part.key + what + ".key")):
            self.certs.make_key(part.key + what, part.key)
        name = "%s%d" % (what, self.number)
        extensions = part.base if part.base is not None else usual
        self.certs.issue(
            name, "/O=Test/CN=%s" % name, part.key + what,
            self.names[-1] if self.names else None,
            None if part.v1 else extensions + "\n" + part.more, part.dates,
            part.digest, part.options)
        self.names.append(name)

    def openssl(self):
        """Return whether OpenSSL accepts the chain."""
        leaf, between = self.names[-1], self.names[1:-1]
        untrusted = self.certs.write("between.pem", self.certs.read(*between))
        done = subprocess.run(
            OPENSSL + ["-CAfile", self.certs.path(self.names[0] + ".crt")]
            + (["-untrusted", untrusted] if between else [])
            + [self.certs.path(leaf + ".crt")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=60)
        return done.returncode == 0

    def ours(self):
        """Return what we say of the chain, which may be "accepted"."""
        path = self.certs.path("chain")
        with open(path, "wb") as file:
            for name in self.names[:0:-1]:
                der = ssl.PEM_cert_to_DER_cert(self.certs.read(name))
                file.write(len(der).to_bytes(3, "big") + der)
        done = subprocess.run(
            [DRIVER, self.certs.path(self.names[0] + ".crt"), path, HOST],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        said = done.stdout.strip().replace(self.certs.folder, "")
        for name in self.names:
            said = said.replace(name, name.rstrip("0123456789"))
        return said.partition(", and the clock here")[0]


class Verdicts(unittest.TestCase):
    """One folder for all chains."""

    def test_table(self):
        """Each row is as foreseen, and in the document."""
        rows = HEAD
        words = {True: "accepts", False: "refuses"}
        with tempfile.TemporaryDirectory(prefix="certs-") as folder:
            certs = Certs(folder)
            for number, (title, *parts, theirs, ours) in enumerate(ROWS):
                chain = Chain(certs, number, parts)
                said = chain.ours()
                with self.subTest(title=title):
                    self.assertEqual(chain.openssl(), theirs)
                    self.assertEqual(said == "accepted", ours, said)
                rows += "| %s | %s | %s | %s |\n" % (
                    title, words[theirs], words[ours],
                    "" if ours else said)
        if os.environ.get("WRITE"):
            with open(DOCUMENT, "w", encoding="ascii") as file:
                file.write(rows)
        with open(DOCUMENT, encoding="ascii") as file:
            self.assertEqual(file.read(), rows)
