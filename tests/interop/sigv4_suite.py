#!/usr/bin/env python3
"""Runs AWS's signing test suite, for those who have a copy of it.

Usage: sigv4_suite.py DRIVER FOLDER

FOLDER is tests/aws-signing-test-suite/v4 of the repository awslabs/aws-c-auth;
DRIVER is sign_driver.c.  Compared are canonical request, string to sign and
signature of the cases, as far as signatures in a header are concerned.
"""
import hashlib
import json
import pathlib
import subprocess
import sys

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


def agrees(case, got):
    """Compare the driver's answer with the files of the case."""
    signature = read(case / "header-signature.txt").strip()
    return (got["canonical"] == read(case / "header-canonical-request.txt")
            and got["string_to_sign"] == read(
                case / "header-string-to-sign.txt")
            and got["authorization"].endswith("Signature=" + signature))


def main():
    """Run all cases but those of SKIPPED, and count."""
    driver, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    cases = [case for case in sorted(folder.iterdir())
             if case.name not in SKIPPED]
    lines = "".join(json.dumps(make_job(case)) + "\n" for case in cases)
    done = subprocess.run([driver], input=lines, capture_output=True,
                          encoding="utf-8", timeout=60, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    bad = [case.name for case, got in zip(cases, answers, strict=True)
           if not agrees(case, got)]
    for name in bad:
        print("differs:", name)
    print(f"{len(cases) - len(bad)} passed, {len(bad)} failed, "
          f"{len(SKIPPED)} skipped")
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
