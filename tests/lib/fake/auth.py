# SPDX-License-Identifier: MIT
"""Decides who a request comes from, or how AWS refuses its signature."""

import base64
import binascii

import rsapss
import sigv4
from errors import ApiError
from identity import session_principal

NO_MATCH = ("The request signature we calculated does not match the "
            "signature you provided. Check your AWS Secret Access Key and "
            "signing method. Consult the service documentation for details.")
BAD_TOKEN = "The security token included in the request is invalid."


class Caller:
    """The outcome of a check: the principal and how it signed."""

    def __init__(self, principal, how, auth=None):
        self.principal = principal
        self.how = how
        self.auth = auth


def _bad_signature(message):
    return ApiError("InvalidSignatureException", message, 400)


def _parse(request):
    """Return the Authorization, or raise what AWS says of its shape."""
    header = request.header("authorization")
    if not header:
        raise ApiError("MissingAuthenticationTokenException",
                       "Missing Authentication Token", 400)
    if not header.startswith(sigv4.ALGORITHM + " "):
        raise ApiError("IncompleteSignatureException",
                       "Unsupported AWS 'algorithm': '%s'."
                       % header.partition(" ")[0], 400)
    auth, missing = sigv4.parse_authorization(header)
    if not request.header("x-amz-date"):
        missing.append("X-Amz-Date")
    if missing:
        parts = ["Authorization header requires '%s' parameter." % name
                 for name in missing if name != "X-Amz-Date"]
        if "X-Amz-Date" in missing:
            parts.append("Authorization header requires existence of either "
                         "a 'X-Amz-Date' or a 'Date' header.")
        raise ApiError("IncompleteSignatureException", " ".join(parts), 400)
    if not auth.complete:
        raise ApiError("IncompleteSignatureException",
                       "Credential must have exactly 5 slash-delimited "
                       "elements, e.g. keyid/date/region/service/term, got "
                       "'%s'" % auth.credential, 400)
    return auth


def _check_scope(auth, date, region, service):
    """Refuse a scope that names another day, region or service."""
    texts = []
    if auth.date != date[:8]:
        texts.append("Date in Credential scope does not match YYYYMMDD from "
                     "ISO-8601 version of date from HTTP: '%s' != '%s', from "
                     "'%s'." % (auth.date, date[:8], date))
    if auth.region != region:
        texts.append("Credential should be scoped to a valid region, not "
                     "'%s'." % auth.region)
    if auth.service != service:
        texts.append("Credential should be scoped to correct service: '%s'."
                     % service)
    if auth.terminator != "aws4_request":
        texts.append("Credential should be scoped with a valid terminator: "
                     "'aws4_request', not '%s'." % auth.terminator)
    if texts:
        raise _bad_signature(" ".join(texts))


def _check_date(request):
    """Return the date header; refuse a malformed one."""
    date = request.header("x-amz-date")
    if sigv4.parse_date(date) is None:
        raise ApiError("IncompleteSignatureException",
                       "Date must be in ISO-8601 'basic format'. Got '%s'. "
                       "See http://en.wikipedia.org/wiki/ISO_8601" % date)
    return date


def _check_headers(request, auth):
    """Refuse a header list that leaves out what AWS insists on."""
    names = auth.signed_headers
    if "host" not in names:
        raise _bad_signature("'Host' or ':authority' must be a "
                             "'SignedHeader' in the AWS Authorization.")
    if names != sorted(set(name.lower() for name in names)):
        raise _bad_signature(NO_MATCH)
    unsigned = [name for name in ("x-amz-date", "x-amz-target")
                if request.values(name) and name not in names]
    if unsigned:
        raise _bad_signature(NO_MATCH)


def _text(request, auth, date):
    canonical = sigv4.canonical_request(request, auth.signed_headers)
    return sigv4.string_to_sign(canonical, date, auth.scope)


def _by_key(request, state, auth, text):
    """Check an HMAC signature against the key's secret."""
    held = state.identity.credentials.get(auth.access_key)
    token = request.header("x-amz-security-token")
    if held is None or token != held.token:
        raise ApiError("UnrecognizedClientException", BAD_TOKEN, 400)
    if not sigv4.equal(sigv4.sign(held.secret, auth, text), auth.signature):
        raise _bad_signature(NO_MATCH)
    if held.expires is not None and held.expires <= state.clock.now():
        raise ApiError("ExpiredTokenException", "The security token included "
                       "in the request is expired", 400)
    return Caller(held.principal, "hmac", auth)


def _by_node(state, auth, text):
    """Check an RSA-PSS signature against the node's public key."""
    node = state.node(auth.access_key, auth.region)
    if node is None:
        raise ApiError("InvalidInstanceId", "ManagedInstance %s does not "
                       "exist" % auth.access_key, 400)
    try:
        signature = base64.b64decode(auth.signature, validate=True)
    except binascii.Error:
        raise _bad_signature(NO_MATCH) from None
    if not rsapss.verify(node.key, text.encode("latin-1"), signature):
        raise _bad_signature(NO_MATCH)
    principal = session_principal("node", node.role, node.ident, node)
    return Caller(principal, "rsa", auth)


def check(request, state, region, service):
    """Return the Caller of a signed request, or raise AWS's refusal."""
    auth = _parse(request)
    date = _check_date(request)
    _check_scope(auth, date, region, service)
    skew = sigv4.skew_text(date, state.clock.now(), state.limits["skew"])
    if skew:
        raise _bad_signature(skew)
    _check_headers(request, auth)
    text = _text(request, auth, date)
    if auth.access_key.startswith("mi-"):
        return _by_node(state, auth, text)
    return _by_key(request, state, auth, text)
