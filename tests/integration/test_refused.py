# SPDX-License-Identifier: MIT
"""AWS cannot be reached, is somebody else, or says no."""

from agents import with_builtin
from wrong import Wrong

QUICK = {"SSM_ACTIVATE_GIVE_UP": "1s"}


@with_builtin("test_refused")
class Network(Wrong):
    """AWS cannot be reached, or is somebody else."""

    def listener(self, name):
        """Return the variables that lead to one of the bad listeners."""
        url = "https://localhost:%d" % self.aws.ports[name]
        return dict(QUICK, AWS_ENDPOINT_URL=url)

    def test_refused(self):
        """Nobody listens."""
        self.check("localhost.*refused", 69, dict(
            QUICK, AWS_ENDPOINT_URL="https://localhost:1"), calls=False)

    def test_unknown_host(self):
        """A region that does not exist: a name that does not resolve."""
        self.check("ssm.eu-nowhere-9.amazonaws.com", 69, dict(
            QUICK, AWS_REGION="eu-nowhere-9"), calls=False)

    def test_untrusted(self):
        """An authority that is not ours."""
        self.check("certificate", 69, self.listener("tls-untrusted"),
                   calls=False)

    def test_expired(self):
        """An old certificate."""
        self.check("certificate.*expired", 69, self.listener("tls-expired"),
                   calls=False)

    def test_not_yet_valid(self):
        """A certificate of tomorrow: most likely our clock."""
        self.check("certificate.*(not yet|clock)", 69,
                   self.listener("tls-not-yet-valid"), calls=False)

    def test_wrong_name(self):
        """Somebody else's."""
        self.check("certificate.*(name|localhost)", 69,
                   self.listener("tls-wrong-name"), calls=False)

    def test_no_bundle(self):
        """A bundle that is not there."""
        self.check("/no/such.pem", 78, {"AWS_CA_BUNDLE": "/no/such.pem"},
                   calls=False)

    def test_no_http(self):
        """Something answers that is not AWS."""
        self.check("CreateActivation|HTTP", 76, QUICK,
                   lambda _: self.aws.fault(operation="CreateActivation",
                                            garbage=True, count=0))


@with_builtin("test_access_denied", "test_register_refused")
class Refused(Wrong):
    """AWS says no."""

    def test_missing_role(self):
        """The role does not exist."""
        self.check("CreateActivation.*ValidationException.*NoSuchRole", 70,
                   {"SSM_ACTIVATE_ROLE": "NoSuchRole"})

    def test_access_denied(self):
        """Nothing is allowed: the statement to add is named."""
        self.check("AccessDenied.*CreateActivation", 77, {},
                   lambda _: self.aws.policy("user", allow=[]))

    def test_wrong_key(self):
        """A secret key that is not the key's."""
        self.check("InvalidSignature|SignatureDoesNotMatch", 77,
                   {"AWS_SECRET_ACCESS_KEY": "x" * 40})

    def test_unknown_key(self):
        """A key that does not exist."""
        self.check("UnrecognizedClient", 77,
                   {"AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX"})

    def test_register_refused(self):
        """The activation is not accepted: it is deleted all the same."""
        self.check("RegisterManagedInstance.*RegistrationLimitExceeded", 70,
                   {}, lambda _: self.aws.fault(
                       operation="RegisterManagedInstance", count=0,
                       code="RegistrationLimitExceeded"))

    def test_truncated(self):
        """Every answer to CreateActivation breaks off in the middle."""
        self.check("CreateActivation", 69, QUICK,
                   lambda _: self.aws.fault(operation="CreateActivation",
                                            close="body", count=0),
                   ways=("run_open", "up_required"))

    def test_cut(self):
        """An answer of the right length that is no JSON."""
        self.check("not a JSON object", 76, {},
                   lambda _: self.aws.fault(operation="CreateActivation",
                                            size=20, count=0),
                   ways=("run_required",))

    def test_lost(self):
        """Every answer to CreateActivation is lost."""
        self.check("CreateActivation", 69, QUICK,
                   lambda _: self.aws.fault(operation="CreateActivation",
                                            lost=True, count=0),
                   ways=("run_required", "up_open"))
