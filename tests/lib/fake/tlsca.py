# SPDX-License-Identifier: MIT
"""A certificate authority of our own, made with the openssl command.

A root signs an intermediate, which signs the leaves, as with the real
endpoints; the server sends leaf and intermediate. There is one good leaf
and one for each way in which a certificate can be bad.
"""

import os
import shutil
import ssl
import time

from certs import SERVES, SIGNS, Certs

DAY = 86400
REGIONS = (
    "us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1",
    "ap-northeast-1", "us-gov-west-1", "il-central-1")
SERVICES = ("ssm", "sts", "ecs", "ssmmessages", "ec2messages",
            "ssm-fips", "sts-fips")


def good_names(region):
    """Return the names that the good certificate covers."""
    names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1",
             "DNS:sts.amazonaws.com"]
    for one in dict.fromkeys((region,) + REGIONS):
        suffixes = [one + ".amazonaws.com", one + ".api.aws"]
        names += ["DNS:%s.%s" % (service, suffix)
                  for service in SERVICES for suffix in suffixes]
    names += ["DNS:%s.cn-north-1.amazonaws.com.cn" % service
              for service in SERVICES]
    return names


class Authority(Certs):
    """One root with one intermediate, in a directory of its own."""

    def __init__(self, folder, title):
        super().__init__(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        self.make_key("root")
        self.issue("root", "/O=Local AWS/CN=" + title, "root", None,
                   SIGNS + "\nsubjectKeyIdentifier=hash")
        self.make_key("intermediate")
        self.issue("intermediate", "/O=Local AWS/CN=%s M01" % title,
                   "intermediate", "root",
                   SIGNS.replace("CA:TRUE", "CA:TRUE,pathlen:0"))

    def leaf(self, name, names, kind="RSA:2048", start=-DAY, end=365 * DAY):
        """Make a leaf, valid from start to end (seconds from now); return the
        TLS context that serves it.

        All RSA leaves of an authority share one key: making keys is slow.
        """
        if not os.path.exists(self.path(kind + ".key")):
            self.make_key(kind, kind)
        now = time.time()
        self.issue(name, "/O=Local AWS/CN=" + names[0].partition(":")[2],
                   kind, "intermediate", SERVES + ",".join(names),
                   [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + offset))
                    for offset in (start, end)])
        return self.context(name, "intermediate")


def make_contexts(folder, region):
    """Return (root as PEM, TLS contexts by the name of their listener)."""
    good = Authority(os.path.join(folder, "good"), "Local AWS Root")
    other = Authority(os.path.join(folder, "other"), "Untrusted Root")
    names = good_names(region)
    contexts = {
        "https": good.leaf("https", names),
        "https-ec": good.leaf("ec", names, kind="EC:P-256"),
        "tls-wrong-name": good.leaf("wrong", ["DNS:wrong.example"]),
        "tls-expired": good.leaf("expired", names, start=-30 * DAY,
                                 end=-DAY),
        "tls-not-yet-valid": good.leaf("early", names, start=DAY,
                                       end=30 * DAY),
        "tls-untrusted": other.leaf("untrusted", names),
    }
    new_only = good.leaf("new", names)
    new_only.minimum_version = ssl.TLSVersion.TLSv1_3
    contexts["tls-1.3-only"] = new_only
    return good.read("root"), contexts
