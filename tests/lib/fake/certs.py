# SPDX-License-Identifier: MIT
"""Keys and certificates, good ones and bad ones, made with the openssl
command: for the local AWS, for the peers of the unit tests, for conformance."""

import os
import ssl
import subprocess

NOW = ("20200101000000Z", "20991231235959Z")
AUTHORITY = "basicConstraints=critical,CA:TRUE"
SIGNS = AUTHORITY + "\nkeyUsage=critical,keyCertSign,cRLSign"
SERVES = ("basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
          "keyUsage=critical,digitalSignature,keyEncipherment\n"
          "subjectAltName=")
OPTIONS = {"RSA": "rsa_keygen_bits:", "EC": "ec_paramgen_curve:"}
CONFIG = """
[ca]
default_ca = one
[one]
dir = {folder}
database = {folder}/{name}.index
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
policy = any
email_in_dn = no
[any]
organizationName = optional
commonName = optional
[req]
distinguished_name = empty
[empty]
"""


class Certs:
    """A folder with NAME.key and NAME.crt of what was made."""

    def __init__(self, folder):
        self.folder = folder
        self.key_of = {}

    def path(self, name):
        """Return the path of a file."""
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        """Run openssl; its output is shown only when it fails."""
        done = subprocess.run(["openssl", *arguments],
                              stdin=subprocess.DEVNULL, timeout=60,
                              stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (arguments, done.stdout))

    def write(self, name, text):
        """Write a file; return its path."""
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)

    def read(self, *certs):
        """Return certificates, one after the other."""
        text = ""
        for cert in certs:
            with open(self.path(cert + ".crt"), encoding="ascii") as file:
                text += file.read()
        return text

    def make_key(self, name, kind="RSA:2048"):
        """Make NAME.key: RSA:BITS, EC:CURVE or ED25519."""
        algorithm, _, size = kind.partition(":")
        self.openssl("genpkey", "-algorithm", algorithm, "-out",
                     self.path(name + ".key"),
                     *(["-pkeyopt", OPTIONS[algorithm] + size]
                       if size else []))

    def issue(self, name, subject, key, issuer, extensions, dates=NOW,
              digest="sha256", options=()):
        """Make NAME.crt, signed by the issuer or, without one, by itself; of
        version 1 if extensions are None."""
        config = self.write(name + ".cnf", CONFIG.format(folder=self.folder,
                                                         name=name))
        self.write(name + ".index", "")
        request = self.path(name + ".csr")
        signer = ["-selfsign", "-keyfile", self.path(key + ".key")]
        if issuer is not None:
            signer = ["-cert", self.path(issuer + ".crt"),
                      "-keyfile", self.path(self.key_of[issuer] + ".key")]
        if extensions is not None:
            signer += ["-extfile",
                       self.write(name + ".ext", extensions + "\n")]
        self.key_of[name] = key
        self.openssl("req", "-new", "-config", config, "-out", request,
                     "-key", self.path(key + ".key"), "-subj", subject)
        self.openssl("ca", "-batch", "-notext", "-config", config,
                     "-in", request, "-out", self.path(name + ".crt"),
                     "-startdate", dates[0], "-enddate", dates[1],
                     "-md", digest, *options, *signer)

    def context(self, *certs, ciphers=None):
        """Return what serves these certificates with the first one's key, and
        notes the server name that a client asks for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if ciphers:
            context.set_ciphers(ciphers)
        context.load_cert_chain(
            self.write(certs[0] + ".chain", self.read(*certs)),
            self.path(self.key_of[certs[0]] + ".key"))
        context.sni_callback = remember_name
        return context


def remember_name(tls, name, _context):
    """Note the server name that the client asked for."""
    tls.server_name = name
