# SPDX-License-Identifier: MIT
"""Certificates for the unit tests of TLS, good ones and bad ones."""

from certs import AUTHORITY, NOW, Certs

HOST = "tls.test"
SAN = "subjectAltName=DNS:%s,DNS:*.wild.test,DNS:localhost" % HOST
USE = "\nextendedKeyUsage="
PAST = ("20200101000000Z", "20210102030405Z")
FUTURE = ("20980102030405Z", "20991231235959Z")

KEYS = {
    "rsa": "RSA:2048", "rsa1024": "RSA:1024", "rsa4096": "RSA:4096",
    "star": "RSA:2048", "own2048": "RSA:2048", "own4096": "RSA:4096",
    "mid2048": "RSA:2048", "mid3072": "RSA:3072", "own256": "EC:P-256",
    "mid256": "EC:P-256", "own384": "EC:P-384", "mid384": "EC:P-384",
    "p256": "EC:P-256", "p384": "EC:P-384", "ed25519": "ED25519",
}

# Certificates, in an order in which the issuer comes first: name, subject,
# key, issuer (None = itself), extensions, validity, digest.
CERTS = [
    ("root", "Root", "rsa", None, AUTHORITY, NOW, "sha256"),
    ("big-root", "Big", "rsa4096", None, AUTHORITY, NOW, "sha384"),
    ("ec-root", "EC", "p256", None, AUTHORITY, NOW, "sha256"),
    ("p384-root", "P-384", "p384", None, AUTHORITY, NOW, "sha384"),
    ("ed-root", "Ed25519", "ed25519", None, AUTHORITY, NOW, "null"),
    ("other-root", "Other", "rsa", None, AUTHORITY, NOW, "sha256"),
    ("inter", "Between", "rsa", "root", AUTHORITY, NOW, "sha256"),
    ("old-inter", "Between", "rsa", "root", AUTHORITY, PAST, "sha256"),
    ("inter-2", "Between", "rsa4096", "root", AUTHORITY, NOW, "sha256"),
    ("leaf", HOST, "rsa", "inter", SAN, NOW, "sha256"),
    ("direct", HOST, "rsa", "root", SAN, NOW, "sha256"),
    ("sha512", HOST, "rsa4096", "big-root", SAN, NOW, "sha512"),
    ("p256", HOST, "p256", "ec-root", SAN, NOW, "sha256"),
    ("p384", HOST, "p384", "p384-root", SAN, NOW, "sha384"),
    ("past", HOST, "rsa", "root", SAN, PAST, "sha256"),
    ("future", HOST, "rsa", "root", SAN, FUTURE, "sha256"),
    ("name", "other.test", "rsa", "root",
     "subjectAltName=DNS:other.test", NOW, "sha256"),
    ("cn", HOST, "rsa", "root", "", NOW, "sha256"),
    ("ip", HOST, "rsa", "root",
     "subjectAltName=IP:127.0.0.1", NOW, "sha256"),
    ("untrusted", HOST, "rsa", "other-root", SAN, NOW, "sha256"),
    ("sha1", HOST, "rsa", "root", SAN, NOW, "sha1"),
    ("weak", HOST, "rsa1024", "root", SAN, NOW, "sha256"),
    ("below", HOST, "rsa", "leaf", SAN, NOW, "sha256"),
    ("critical", HOST, "rsa", "root",
     SAN + "\n1.2.3.4.5=critical,ASN1:UTF8String:x", NOW, "sha256"),
    ("client", HOST, "rsa", "root", SAN + USE + "clientAuth", NOW, "sha256"),
    ("code", HOST, "p256", "ec-root",
     USE + "codeSigning,1.3.6.1.5.5.7.3.1.1,emailProtection\n" + SAN, NOW,
     "sha256"),
    ("client-inter", "Between", "rsa4096", "root",
     AUTHORITY + USE + "clientAuth", NOW, "sha256"),
    ("client-leaf", HOST, "rsa", "client-inter", SAN + USE + "serverAuth",
     NOW, "sha256"),
    ("server", HOST, "rsa", "root",
     SAN + USE + "clientAuth,1.2.3.4,serverAuth", NOW, "sha256"),
    ("encipherment", HOST, "rsa", "root",
     SAN + "\nkeyUsage=critical,keyEncipherment", NOW, "sha256"),
    ("any", HOST, "rsa", "root", SAN + USE + "anyExtendedKeyUsage", NOW,
     "sha256"),
]

# Chains in AWS's shape: an older root ("star") vouches for each own root, and
# the server sends that certificate too.  Name; keys of the own root, of the
# intermediate and of the leaf; digest.
AWS = [
    ("aws-2048", "own2048", "mid2048", "rsa", "sha256"),
    ("aws-4096", "own4096", "mid3072", "rsa4096", "sha384"),
    ("aws-p256", "own256", "mid256", "p256", "sha256"),
    ("aws-p384", "own384", "mid384", "p384", "sha384"),
    ("aws-mixed", "own384", "mid2048", "p256", "sha512"),
]
CERTS.append(("star", "Star", "star", None, AUTHORITY, NOW, "sha256"))
for _name, _own, _mid, _leaf, _digest in AWS:
    CERTS += [
        (_name + "-own", _name + " Root", _own, None, AUTHORITY, NOW,
         _digest),
        (_name + "-cross", _name + " Root", _own, "star", AUTHORITY, NOW,
         "sha256"),
        (_name + "-late", _name + " Root", _own, "star", AUTHORITY, PAST,
         "sha256"),
        (_name + "-mid", _name + " M01", _mid, _name + "-own", AUTHORITY, NOW,
         _digest),
        (_name + "-leaf", HOST, _leaf, _name + "-mid", SAN, NOW, _digest),
    ]

# What the servers send: name, certificates; the first one's key is used.
CHAINS = {
    "good": ["leaf", "inter"],
    "direct": ["direct"],
    "with-root": ["leaf", "inter", "root"],
    "sha512": ["sha512"],
    "p256": ["p256"],
    "p384": ["p384"],
    "cn": ["cn"],
    "past": ["past"],
    "future": ["future"],
    "past-inter": ["leaf", "old-inter"],
    "name": ["name"],
    "ip": ["ip"],
    "untrusted": ["untrusted"],
    "missing": ["leaf"],
    "swapped": ["leaf", "root", "inter"],
    "signature": ["leaf", "inter-2"],
    "sha1": ["sha1"],
    "weak": ["weak"],
    "below": ["below", "leaf", "inter"],
    "critical": ["critical"],
    "client": ["client"],
    "code": ["code"],
    "client-inter": ["client-leaf", "client-inter"],
    "server": ["server"],
    "any": ["any"],
    "encipherment": ["encipherment"],
}

for _name, *_ in AWS:
    CHAINS[_name] = [_name + "-leaf", _name + "-mid", _name + "-cross"]
    CHAINS[_name + "-short"] = CHAINS[_name][:2]
    CHAINS[_name + "-late"] = CHAINS[_name][:2] + [_name + "-late"]
    CHAINS[_name + "-swapped"] = [CHAINS[_name][i] for i in (0, 2, 1)]

ROOTS = ["root", "big-root", "ec-root", "p384-root"]


def make(folder):
    """Return a folder with all of the above."""
    certs = Certs(folder)
    for name, kind in KEYS.items():
        certs.make_key(name, kind)
    for name, subject, *rest in CERTS:
        certs.issue(name, "/O=Test/CN=" + subject, *rest)
    certs.write("roots.pem", certs.read(*ROOTS))
    for name, *_ in AWS:
        certs.write(name + "-both.pem", certs.read("star", name + "-own"))
    return certs
