"""A certificate authority of our own, made with the openssl command.

A root signs an intermediate, which signs the leaves, as with the real
endpoints; the server sends leaf and intermediate. There is one good leaf
and one for each way in which a certificate can be bad.
"""

import os
import shutil
import ssl
import subprocess
import time

from httpd import remember_name

DAY = 86400
REGIONS = (
    "us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1",
    "ap-northeast-1", "us-gov-west-1", "il-central-1")
SERVICES = ("ssm", "sts", "ecs", "ssmmessages", "ec2messages",
            "ssm-fips", "sts-fips")
CONFIG = """
[ca]
default_ca = authority
[authority]
dir = %(dir)s
database = %(dir)s/index.txt
rand_serial = yes
new_certs_dir = %(dir)s
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
organizationName = optional
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = %(names)s
"""


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


class Authority:
    """One root with one intermediate, in a directory of its own."""

    def __init__(self, folder, title):
        self.folder = folder
        self.title = title
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        open(self.path("index.txt"), "w", encoding="ascii").close()
        self.make_root()
        self.make_key("intermediate.key")
        self.issue("intermediate", title + " M01", "intermediate", [],
                   signer="root")

    def path(self, name):
        """Return the path of a file of this authority."""
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        """Run openssl; its words are shown only when it fails."""
        done = subprocess.run(
            ["openssl", *arguments], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError("openssl %s: %s"
                               % (arguments[0], done.stderr.strip()))

    def make_key(self, name, kind="RSA"):
        """Make a private key."""
        options = {"RSA": "rsa_keygen_bits:2048",
                   "EC": "ec_paramgen_curve:P-256"}
        self.openssl("genpkey", "-algorithm", kind, "-pkeyopt",
                     options[kind], "-out", self.path(name))

    def configure(self, names):
        """Write the configuration with these subject alternative names."""
        text = CONFIG % {"dir": self.folder,
                         "names": ",".join(names) or "DNS:none.invalid"}
        with open(self.path("ca.cnf"), "w", encoding="ascii") as file:
            file.write(text)

    def make_root(self):
        """Make the root's key and its certificate."""
        self.make_key("root.key")
        self.configure([])
        self.openssl("req", "-new", "-x509", "-key", self.path("root.key"),
                     "-subj", "/O=Local AWS/CN=" + self.title,
                     "-days", "3650", "-config", self.path("ca.cnf"),
                     "-extensions", "root", "-out", self.path("root.pem"))

    def issue(self, name, subject, section, names, key=None,
              signer="intermediate", start=-DAY, end=365 * DAY):
        """Sign a certificate, valid from start to end (seconds from now)."""
        now = time.time()
        stamp = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + offset))
                 for offset in (start, end)]
        self.configure(names)
        request = self.path(name + ".csr")
        self.openssl("req", "-new", "-key", self.path((key or name) + ".key"),
                     "-subj", "/O=Local AWS/CN=" + subject,
                     "-config", self.path("ca.cnf"), "-out", request)
        self.openssl("ca", "-batch", "-notext", "-preserveDN",
                     "-config", self.path("ca.cnf"),
                     "-cert", self.path(signer + ".pem"),
                     "-keyfile", self.path(signer + ".key"),
                     "-extensions", section, "-startdate", stamp[0],
                     "-enddate", stamp[1], "-in", request,
                     "-out", self.path(name + ".pem"))

    def leaf(self, name, names, kind="RSA", **times):
        """Make a leaf and return the TLS context that serves it.

        All RSA leaves of an authority share one key: making keys is slow.
        """
        key = self.path(kind + ".key")
        if not os.path.exists(key):
            self.make_key(kind + ".key", kind)
        subject = names[0].partition(":")[2]
        self.issue(name, subject, "leaf", names, key=kind, **times)
        chain = self.path(name + "-chain.pem")
        with open(chain, "w", encoding="ascii") as out:
            for part in (name, "intermediate"):
                with open(self.path(part + ".pem"), encoding="ascii") as one:
                    out.write(one.read())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        context.sni_callback = remember_name
        return context

    def root_pem(self):
        """Return the root certificate."""
        with open(self.path("root.pem"), encoding="ascii") as file:
            return file.read()


def make_contexts(folder, region):
    """Return (root as PEM, TLS contexts by the name of their listener)."""
    good = Authority(os.path.join(folder, "good"), "Local AWS Root")
    other = Authority(os.path.join(folder, "other"), "Untrusted Root")
    names = good_names(region)
    contexts = {
        "https": good.leaf("https", names),
        "https-ec": good.leaf("ec", names, kind="EC"),
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
    return good.root_pem(), contexts
