# SPDX-License-Identifier: MIT
"""RSA keys and PSS signatures made by openssl, for the tests."""

import base64
import os
import subprocess


def run(*arguments, data=b""):
    """Run openssl and return its output."""
    done = subprocess.run(["openssl", *arguments], input=data, timeout=60,
                          check=True, capture_output=True)
    return done.stdout


class Key:
    """A private key in a file."""

    def __init__(self, folder, bits=2048, name="node.key",
                 primes=2):
        self.path = os.path.join(folder, name)
        run("genpkey", "-algorithm", "RSA", "-pkeyopt",
            "rsa_keygen_bits:%d" % bits, "-pkeyopt",
            "rsa_keygen_primes:%d" % primes, "-out", self.path)

    def spki(self):
        """Return the public key as DER."""
        return run("pkey", "-in", self.path, "-pubout", "-outform", "DER")

    def public(self):
        """Return the public key as RegisterManagedInstance wants it."""
        return base64.b64encode(self.spki()).decode()

    def sign(self, data, salt="32", mode="pss", digest="sha256"):
        """Return a signature of data."""
        options = ["-sigopt", "rsa_padding_mode:" + mode]
        if mode == "pss":
            options += ["-sigopt", "rsa_pss_saltlen:" + salt]
        return run("dgst", "-" + digest, "-sign", self.path, *options,
                   data=data)

    def sign_text(self, data):
        """Return the PSS signature as the header carries it."""
        return base64.b64encode(self.sign(data)).decode()
