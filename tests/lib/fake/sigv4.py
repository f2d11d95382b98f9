# SPDX-License-Identifier: MIT
"""Signature Version 4: what was signed, and whether the HMAC is right.

Pure functions: the caller supplies request, key and time.
"""

import calendar
import hashlib
import hmac
import re
import time
import urllib.parse

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~/"
DATE_SHAPE = re.compile(r"\d{8}T\d{6}Z")


class Authorization:
    """The parts of an Authorization header."""

    def __init__(self, credential, signed_headers, signature):
        self.credential = credential
        self.signed_headers = signed_headers
        self.signature = signature
        fields = credential.split("/")
        self.complete = len(fields) == 5
        fields += [""] * (5 - len(fields))
        (self.access_key, self.date, self.region,
         self.service, self.terminator) = fields[:5]

    @property
    def scope(self):
        """Return the credential scope: all but the access key."""
        return self.credential.partition("/")[2]


def parse_authorization(value):
    """Return (Authorization, names of the missing parts)."""
    found = {}
    for part in value.partition(" ")[2].split(","):
        name, equals, text = part.strip().partition("=")
        if equals:
            found[name] = text
    wanted = ("Credential", "Signature", "SignedHeaders")
    missing = [name for name in wanted if not found.get(name)]
    if missing:
        return None, missing
    signed = found["SignedHeaders"].split(";")
    return Authorization(found["Credential"], signed,
                         found["Signature"]), missing


def canonical_path(path):
    """Return the path without dot segments, percent-encoded once more."""
    kept = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    clean = "/" + "/".join(kept)
    if kept and path.endswith("/"):
        clean += "/"
    return urllib.parse.quote(clean, safe=UNRESERVED)


def canonical_query(query):
    """Return the query sorted by name and value, as it was encoded."""
    if not query:
        return ""
    pairs = sorted(part.partition("=")[::2] for part in query.split("&"))
    return "&".join("%s=%s" % pair for pair in pairs)


def canonical_header(name, values):
    """Return one line of the canonical header block."""
    trimmed = [" ".join(value.split()) for value in values]
    return "%s:%s\n" % (name, ",".join(trimmed))


def canonical_request(request, signed_headers):
    """Return the canonical request text for these signed headers."""
    lines = [canonical_header(name, request.values(name))
             for name in signed_headers]
    return "\n".join([
        request.method, canonical_path(request.path),
        canonical_query(request.query), "".join(lines),
        ";".join(signed_headers),
        hashlib.sha256(request.body).hexdigest()])


def string_to_sign(canonical, date, scope):
    """Return the text whose signature is sent."""
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    return "\n".join([ALGORITHM, date, scope, digest])


def signing_key(secret, date, region, service):
    """Return the derived signing key."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def sign(secret, auth, text):
    """Return the hexadecimal HMAC of the string to sign."""
    key = signing_key(secret, auth.date, auth.region, auth.service)
    return hmac.new(key, text.encode("latin-1"), hashlib.sha256).hexdigest()


def equal(left, right):
    """Compare two signatures without telling where they differ."""
    return hmac.compare_digest(left.encode("latin-1"),
                               right.encode("latin-1"))


def parse_date(text):
    """Return epoch seconds of YYYYMMDDTHHMMSSZ, or None."""
    if not DATE_SHAPE.fullmatch(text):
        return None
    try:
        parsed = time.strptime(text, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return calendar.timegm(parsed)


def format_date(seconds):
    """Return YYYYMMDDTHHMMSSZ."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def skew_text(date, now, tolerance):
    """Return AWS's text for a date too far from now, or None."""
    signed = parse_date(date)
    minutes = "%d min." % (tolerance // 60)
    if signed < now - tolerance:
        return ("Signature expired: %s is now earlier than %s (%s - %s)"
                % (date, format_date(now - tolerance), format_date(now),
                   minutes))
    if signed > now + tolerance:
        return ("Signature not yet current: %s is still later than %s "
                "(%s + %s)" % (date, format_date(now + tolerance),
                               format_date(now), minutes))
    return None
