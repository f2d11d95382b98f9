# SPDX-License-Identifier: MIT
"""The verifier's own arithmetic, against vectors and against openssl."""

import base64
import json
import os
import tempfile
import unittest

import rsapss
import rsatool
import sigv4
from httpmsg import Request

HERE = os.path.dirname(os.path.abspath(__file__))


class HmacTest(unittest.TestCase):
    """SigV4 as botocore signs it."""

    def setUp(self):
        path = os.path.join(HERE, "sigv4-known.json")
        with open(path, encoding="ascii") as file:
            self.vectors = json.load(file)

    def compute(self, vector):
        """Return (canonical request, computed, sent signature)."""
        request = Request(vector["method"], vector["target"],
                          vector["headers"],
                          bytes.fromhex(vector["body_hex"]))
        auth, missing = sigv4.parse_authorization(
            request.header("authorization"))
        self.assertEqual(missing, [])
        canonical = sigv4.canonical_request(request, auth.signed_headers)
        text = sigv4.string_to_sign(
            canonical, request.header("x-amz-date"), auth.scope)
        return canonical, sigv4.sign(vector["secret"], auth, text), \
            auth.signature

    def test_vectors(self):
        """Canonical request and signature are those of the vectors."""
        self.assertGreater(len(self.vectors), 8)
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                canonical, computed, sent = self.compute(vector)
                self.assertEqual(canonical, vector["canonical"])
                self.assertEqual(computed, sent)

    def test_other_secret(self):
        """Another secret gives another signature."""
        vector = dict(self.vectors[0], secret="other")
        _, computed, sent = self.compute(vector)
        self.assertFalse(sigv4.equal(computed, sent))

    def test_missing_parts(self):
        """The names of the missing parts are told."""
        value = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e"
        self.assertEqual(sigv4.parse_authorization(value)[1],
                         ["Signature", "SignedHeaders"])

    def test_skew(self):
        """Five minutes are allowed, and AWS's text names both times."""
        now = sigv4.parse_date("20260115T084007Z")
        self.assertIsNone(sigv4.skew_text("20260115T083507Z", now, 300))
        self.assertEqual(
            sigv4.skew_text("20260115T083506Z", now, 300),
            "Signature expired: 20260115T083506Z is now earlier than "
            "20260115T083507Z (20260115T084007Z - 5 min.)")
        self.assertEqual(
            sigv4.skew_text("20260115T084508Z", now, 300),
            "Signature not yet current: 20260115T084508Z is still later "
            "than 20260115T084507Z (20260115T084007Z + 5 min.)")

    def test_dates(self):
        """Only dates that exist are dates."""
        for text in ("20260132T000000Z", "2026-01-15T08:30:07Z", "",
                     "20260115T083007"):
            self.assertIsNone(sigv4.parse_date(text))


class PssTest(unittest.TestCase):
    """RSASSA-PSS as openssl signs it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.tool = rsatool.Key(cls.folder.name)
        cls.spki = cls.tool.spki()
        cls.key = rsapss.parse_spki(cls.spki)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_good(self):
        """Signatures of openssl verify, whatever the length of the text."""
        for size in (0, 1, 64, 1000):
            data = os.urandom(size)
            self.assertTrue(rsapss.verify(self.key, data,
                                          self.tool.sign(data)))

    def test_odd_modulus_sizes(self):
        """The encoding is right when bits and bytes do not line up."""
        for bits, primes in ((2049, 3), (2050, 2), (2054, 2), (2056, 2)):
            tool = rsatool.Key(self.folder.name, bits, "odd.key", primes)
            key = rsapss.parse_spki(tool.spki())
            self.assertEqual(key[0].bit_length(), bits)
            self.assertTrue(rsapss.verify(key, b"x", tool.sign(b"x")))
            self.assertFalse(rsapss.verify(key, b"y", tool.sign(b"x")))

    def test_wrong(self):
        """Other texts, salts, hashes, paddings and lengths are refused."""
        good = self.tool.sign(b"text")
        flipped = bytes([good[0], good[1] ^ 1]) + good[2:]
        number = int.from_bytes(good, "big") + self.key[0]
        wrong = {
            "text": (b"Text", good),
            "bit": (b"text", flipped),
            "short": (b"text", good[1:]),
            "long": (b"text", b"\0" + good),
            "empty": (b"text", b""),
            "modulus": (b"text", self.key[0].to_bytes(256, "big")),
            "zero": (b"text", bytes(256)),
            "salt": (b"text", self.tool.sign(b"text", salt="20")),
            "no salt": (b"text", self.tool.sign(b"text", salt="0")),
            "hash": (b"text", self.tool.sign(b"text", digest="sha512")),
            "pkcs1": (b"text", self.tool.sign(b"text", mode="pkcs1")),
        }
        if number < 1 << 2048:
            wrong["not reduced"] = (b"text", number.to_bytes(256, "big"))
        for name, (text, signature) in wrong.items():
            with self.subTest(name):
                self.assertFalse(rsapss.verify(self.key, text, signature))

    def test_key_length(self):
        """A 2048-bit key has the 392 characters that AWS asks for."""
        self.assertEqual(len(base64.b64encode(self.spki)), 392)

    def test_bad_keys(self):
        """What is not an SPKI of an RSA key of 2048 bits is refused."""
        small = rsatool.Key(self.folder.name, 1024, "small.key").spki()
        curve = rsatool.run("genpkey", "-algorithm", "EC", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-outform", "DER")
        bad = [small, curve, b"", self.spki[:-1], self.spki + b"\0",
               self.spki[24:], b"\x30\x84" + self.spki[2:],
               self.spki[:-1] + b"\x00"]
        for der in bad:
            with self.assertRaises(rsapss.BadKey):
                rsapss.parse_spki(der)
