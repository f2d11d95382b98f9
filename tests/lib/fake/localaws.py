# SPDX-License-Identifier: MIT
"""What tests of the local AWS have in common."""

import tempfile
import unittest

import rsatool
from client import FakeAws
from signing import Client


class LocalAws(unittest.TestCase):
    """One local AWS and one key for all tests; each begins with an empty
    account and a user."""

    @classmethod
    def setUpClass(cls):
        cls.aws = FakeAws()
        cls.aws.start()
        cls.keys = tempfile.TemporaryDirectory()
        cls.key = rsatool.Key(cls.keys.name)

    @classmethod
    def tearDownClass(cls):
        cls.aws.stop()
        cls.keys.cleanup()

    def setUp(self):
        self.aws.reset()
        self.user = Client(self.aws)
