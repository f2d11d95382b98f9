# SPDX-License-Identifier: MIT
"""What the tests of this folder share: a local AWS, and a small client that
signs and sends.

The client shares no code with the verifier but hashlib; the tests check it against
published vectors as well.
"""

import datetime
import hashlib
import hmac
import http.client
import json
import ssl
import unittest
import urllib.parse

from client import FakeAws


def hmac_sha256(key, text):
    """Return HMAC-SHA256 of a text."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    """Calls a local AWS with one set of credentials."""

    def __init__(self, aws, listener="https", access_key=None, secret=None,
                 token="", region="eu-west-1"):
        self.aws = aws
        self.port = aws.ports[listener]
        self.tls = listener.startswith(("https", "tls"))
        self.access_key = access_key or aws.env["AWS_ACCESS_KEY_ID"]
        self.secret = secret or aws.env["AWS_SECRET_ACCESS_KEY"]
        self.token = token
        self.region = region
        self.skew = 0
        self.pss = None

    def stamp(self):
        """Return the date that the request is signed with."""
        moment = datetime.datetime.now(datetime.timezone.utc)
        moment += datetime.timedelta(seconds=self.skew)
        return moment.strftime("%Y%m%dT%H%M%SZ")

    def sign(self, headers, service, body, method="POST", target="/"):
        """Add date, token and Authorization to lower-case headers."""
        date = self.stamp()
        headers["x-amz-date"] = date
        if self.token:
            headers["x-amz-security-token"] = self.token
        names = sorted(headers)
        block = "".join("%s:%s\n" % (name, headers[name]) for name in names)
        path, _, query = target.partition("?")
        canonical = "%s\n%s\n%s\n%s\n%s\n%s" % (
            method, path, query, block, ";".join(names),
            hashlib.sha256(body).hexdigest())
        scope = "%s/%s/%s/aws4_request" % (date[:8], self.region, service)
        text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (
            date, scope, hashlib.sha256(canonical.encode()).hexdigest())
        headers["authorization"] = (
            "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
            "Signature=%s" % (self.access_key, scope, ";".join(names),
                              self.signature(text, scope)))

    def signature(self, text, scope):
        """Return the HMAC signature, or the RSA one when `pss` is set."""
        if self.pss is not None:
            return self.pss(text.encode())
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac_sha256(key, part)
        return hmac_sha256(key, text).hex()

    def connect(self):
        """Return a connection to the listener."""
        if not self.tls:
            return http.client.HTTPConnection("localhost", self.port,
                                              timeout=20)
        context = ssl.create_default_context(cafile=self.aws.dir + "/ca.pem")
        return http.client.HTTPSConnection("localhost", self.port,
                                           timeout=20, context=context)

    def post(self, headers, body, service, signed=True):
        """Send one request; return (status, headers, body)."""
        headers = dict(headers, host="localhost:%d" % self.port)
        if signed:
            self.sign(headers, service, body)
        connection = self.connect()
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def call(self, name, signed=True, target="AmazonSSM", **params):
        """Call a JSON operation; return (status, answer)."""
        service = {"AmazonSSM": "ssm",
                   "EC2WindowsMessageDeliveryService": "ec2messages"}.get(
                       target, "ecs")
        headers = {"content-type": "application/x-amz-json-1.1",
                   "x-amz-target": "%s.%s" % (target, name)}
        status, _, body = self.post(headers, json.dumps(params).encode(),
                                    service, signed)
        return status, json.loads(body)

    def query(self, action, signed=True, **params):
        """Call an STS operation; return (status, XML text)."""
        form = dict(params, Action=action, Version="2011-06-15")
        headers = {"content-type":
                   "application/x-www-form-urlencoded; charset=utf-8"}
        status, _, body = self.post(
            headers, urllib.parse.urlencode(form).encode(), "sts", signed)
        return status, body.decode()


class Account(unittest.TestCase):
    """One local AWS for the tests of a class."""

    options = {}

    @classmethod
    def setUpClass(cls):
        cls.aws = FakeAws(**cls.options)
        cls.aws.start()

    @classmethod
    def tearDownClass(cls):
        cls.aws.stop()

    def setUp(self):
        self.aws.reset()
        self.user = Client(self.aws)
