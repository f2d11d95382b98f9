# SPDX-License-Identifier: MIT
"""AWS's signing test suite, for those who have a copy of it: SIGNING_SUITE is
the folder tests/aws-signing-test-suite/v4 of the repository awslabs/aws-c-auth.

Compared are canonical request, string to sign and signature of the cases, as
far as signatures in a header are concerned.
"""
import hashlib
import json
import os
import pathlib
import unittest

from drivers import sign

NOT_NORMALIZED = "paths are normalized for every service that is called here"
SKIPPED = {
    "get-relative-relative-unnormalized": NOT_NORMALIZED,
    "get-relative-unnormalized": NOT_NORMALIZED,
    "get-slash-dot-slash-unnormalized": NOT_NORMALIZED,
    "get-slash-pointless-dot-unnormalized": NOT_NORMALIZED,
    "get-slash-unnormalized": NOT_NORMALIZED,
    "get-slashes-unnormalized": NOT_NORMALIZED,
    "get-vanilla-utf8-query": "a query has to be encoded already",
}


def read(path):
    """Give a file's text with LF as line end."""
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def parse_request(text):
    """Give method, target, headers (folded lines joined) and body."""
    head, _, body = text.partition("\n\n")
    first, *lines = head.split("\n")
    method, _, rest = first.partition(" ")
    headers = []
    for line in filter(None, lines):
        if line[:1] in (" ", "\t"):
            headers[-1][1] += "\n" + line
        else:
            headers.append(line.split(":", 1))
    return method, rest.rpartition(" HTTP/")[0], headers, body


def make_job(case):
    """Give the case as sign_driver.c reads it."""
    context = json.loads(read(case / "context.json"))
    method, target, headers, body = parse_request(read(case / "request.txt"))
    keys = context["credentials"]
    when = context["timestamp"].replace("-", "").replace(":", "")
    headers.append(["X-Amz-Date", when])
    if keys.get("token") and not context.get("omit_session_token"):
        headers.append(["X-Amz-Security-Token", keys["token"]])
    if context.get("sign_body"):
        headers.append(["x-amz-content-sha256",
                        hashlib.sha256(body.encode()).hexdigest()])
    path, _, query = target.partition("?")
    return {"method": method, "path": path, "query": query,
            "headers": headers, "body": body.encode().hex(),
            "region": context["region"], "service": context["service"],
            "time": when, "access_key": keys["access_key_id"],
            "secret_key": keys["secret_access_key"]}


class Suite(unittest.TestCase):
    """One case."""

    def __init__(self, folder):
        super().__init__("signed_as_aws_says")
        self.folder = folder

    def id(self):
        """Return what the case is called."""
        return "test_sigv4_suite." + self.folder.name

    def signed_as_aws_says(self):
        """Compare the driver's answer with the files of the case."""
        got = sign([make_job(self.folder)])[0]
        for key, name in (("canonical", "canonical-request"),
                          ("string_to_sign", "string-to-sign")):
            self.assertEqual(got[key], read(
                self.folder / ("header-%s.txt" % name)))
        signature = read(self.folder / "header-signature.txt").strip()
        self.assertEqual(got["authorization"].rpartition("Signature=")[2],
                         signature)


class NoSuite(unittest.TestCase):
    """In place of the cases."""

    @unittest.skip("SIGNING_SUITE names no copy of AWS's signing test suite")
    def test_suite(self):
        """Nothing can be compared."""


def load_tests(_loader, _tests, _pattern):
    """All cases but those of SKIPPED; without a copy that is said."""
    folder = os.environ.get("SIGNING_SUITE")
    if not folder:
        return unittest.TestSuite([NoSuite("test_suite")])
    cases = [case for case in sorted(pathlib.Path(folder).iterdir())
             if (case / "header-signature.txt").exists()]
    assert cases, folder + " is not the signing test suite"
    return unittest.TestSuite(
        Suite(case) for case in cases if case.name not in SKIPPED)
