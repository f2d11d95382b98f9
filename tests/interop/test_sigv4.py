# SPDX-License-Identifier: MIT
"""Random requests are signed as Debian's botocore signs them, byte by byte; a
signature with an RSA key is one that openssl accepts.
"""
import base64
import datetime
import pathlib
import random
import subprocess
import tempfile
import unittest

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from drivers import sign as sign_ours

COUNT = 1000
SEED = 1

REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]
WORDS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
# What an URL may hold; '%' comes with two digits, as in real ones.
PATH_PIECES = list("abzAZ09-._~:@!$&'()*+,;=") + [
    "/", "/", "/./", "/../", "//", "%20", "%2F", "%c3%a9"]
QUERY_PIECES = list("abzAZ09-._~:@!$'()*+,;/") + ["=", "&", "%20", "%2f"]
VALUE_PIECES = list("abcXYZ019;,=/()\"'<>#") + [" ", "  ", "\t", " \t "]
TEXT_PIECES = list("abc {}\"\\/\n\t") + ["\u00e9", "\u20ac", "\U0001f600"]
# Not signed by any version of botocore, Debian's 1.29 among them.
UNSIGNED = ["User-Agent", "X-Amzn-Trace-Id", "Expect"]


def text(rng, pieces, longest):
    """Give up to longest random pieces as one string."""
    return "".join(rng.choices(pieces, k=rng.randint(0, longest)))


def random_url(rng):
    """Give an URL with or without port, path and query."""
    host = rng.choice(["ssm.us-east-1.amazonaws.com", "127.0.0.1", "[::1]",
                       "h.example"])
    port = rng.choice(["", "", ":443", ":80", ":4566"])
    path = "/" + text(rng, PATH_PIECES, 12) if rng.random() < 0.7 else ""
    query = ""
    if rng.random() < 0.4:
        query = "?" + text(rng, QUERY_PIECES, 20)
    return rng.choice(["http", "https"]) + "://" + host + port + path + query


def random_headers(rng):
    """Give headers as pairs: the usual ones, some repeated, some unsigned."""
    headers = []
    if rng.random() < 0.8:
        headers.append(["Content-Type", "application/x-amz-json-1.1"])
    if rng.random() < 0.8:
        headers.append(["X-Amz-Target", "AmazonSSM." + text(rng, WORDS, 9)])
    for _ in range(rng.randint(0, 4)):
        name = "X-" + rng.choice(["A", "a", "Ab", "AB", "B-c", "b.c", "Z_9"])
        headers.append([name, text(rng, VALUE_PIECES, 10)])
    if rng.random() < 0.3:
        headers.append([rng.choice(UNSIGNED), "x"])
    rng.shuffle(headers)
    return headers


def random_request(rng):
    """Give one request as sign_driver.c reads it, and botocore's verdict."""
    when = datetime.datetime(2024, 1, 1) + datetime.timedelta(
        seconds=rng.randint(0, 4 * 366 * 86400))
    body = text(rng, TEXT_PIECES, 40).encode()
    request = AWSRequest(method=rng.choice(["POST", "GET", "PUT"]),
                         url=random_url(rng), data=body)
    for name, value in random_headers(rng):
        request.headers.add_header(name, value)
    token = text(rng, WORDS + "/+=", 600) if rng.random() < 0.5 else ""
    secret = text(rng, WORDS + "/+=", 40) + "s"
    auth = SigV4Auth(Credentials("AKID" + text(rng, WORDS, 16), secret,
                                 token or None),
                     rng.choice(["ssm", "sts", "ecs"]), rng.choice(REGIONS))
    return sign(request, auth, when, body)


def sign(request, auth, when, body):
    """Do what SigV4Auth.add_auth() does, at a time of our own."""
    request.context["timestamp"] = when.strftime("%Y%m%dT%H%M%SZ")
    auth._modify_request_before_signing(request)
    headers = [list(item) for item in request.headers.items()]
    canonical = auth.canonical_request(request)
    to_sign = auth.string_to_sign(request, canonical)
    auth._inject_signature_to_request(
        request, auth.signature(to_sign, request))
    job = {"method": request.method, "url": request.url, "headers": headers,
           "body": body.hex(), "region": auth._region_name,
           "service": auth._service_name,
           "time": request.context["timestamp"],
           "access_key": auth.credentials.access_key,
           "secret_key": auth.credentials.secret_key}
    want = {"canonical": canonical, "string_to_sign": to_sign,
            "authorization": request.headers["Authorization"]}
    return job, want


def node_request():
    """Give the request of a managed node, for an RSA signature."""
    return {"method": "POST", "url": "https://ssm.eu-west-1.amazonaws.com/",
            "headers": [["Content-Type", "application/x-amz-json-1.1"],
                        ["X-Amz-Date", "20260115T083007Z"],
                        ["X-Amz-Target", "AmazonSSM.X"]],
            "body": b"{}".hex(), "region": "eu-west-1", "service": "ssm",
            "time": "20260115T083007Z", "node": "mi-0123456789abcdef0"}


def verify_rsa(got):
    """Let openssl check the RSASSA-PSS signature over the string to sign."""
    signature = got["authorization"].rpartition("Signature=")[2]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "key").write_bytes(base64.b64decode(got["public_key"]))
        (folder / "sig").write_bytes(base64.b64decode(signature))
        (folder / "text").write_text(got["string_to_sign"])
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", folder / "key",
             "-keyform", "DER", "-sigopt", "rsa_padding_mode:pss",
             "-sigopt", "rsa_pss_saltlen:32", "-sigopt",
             "rsa_mgf1_md:sha256", "-signature", folder / "sig",
             folder / "text"],
            capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0 and "Verified OK" in done.stdout


class Rsa(unittest.TestCase):
    """A managed node's signature."""

    def test_openssl_accepts(self):
        """Another implementation verifies it."""
        self.assertTrue(verify_rsa(sign_ours([node_request()])[0]))


class Botocore(unittest.TestCase):
    """One of the random requests."""

    maxDiff = None
    pairs = []
    answers = []

    def __init__(self, number=0):
        super().__init__("same_as_botocore")
        self.number = number

    @classmethod
    def setUpClass(cls):
        rng = random.Random(SEED)
        cls.pairs = [random_request(rng) for _ in range(COUNT)]
        cls.answers = sign_ours([job for job, _ in cls.pairs])

    def same_as_botocore(self):
        """Canonical request, string to sign and header are botocore's."""
        job, want = self.pairs[self.number]
        self.assertEqual(self.answers[self.number], want, job)


def load_tests(loader, _tests, _pattern):
    """One test a request."""
    suite = loader.loadTestsFromTestCase(Rsa)
    suite.addTests(Botocore(number) for number in range(COUNT))
    return suite
