# SPDX-License-Identifier: MIT
"""The ordered record of connections and requests."""

import copy
import json
import threading
import time

SECRET_MEMBERS = ("ActivationCode", "SecretAccessKey", "WebIdentityToken")


def mask(value):
    """Return parameters with the secret members blotted out."""
    if isinstance(value, dict):
        return {key: "***" if key in SECRET_MEMBERS else mask(member)
                for key, member in value.items()}
    if isinstance(value, list):
        return [mask(member) for member in value]
    return value


class CallLog:
    """Keeps one entry a connection and one a request, in order."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8", buffering=1)
        self.connections = []
        self.calls = []
        self.opened = 0
        self.numbered = 0

    def open_connection(self, listener, peer):
        """Enter a new connection and return its entry."""
        with self.lock:
            self.opened += 1
            entry = {"id": self.opened, "listener": listener,
                     "time": time.time(), "peer": "%s:%d" % peer[:2],
                     "requests": 0, "open": True}
            self.connections.append(entry)
            return entry

    def start(self, connection, request, operation):
        """Enter a request as it arrives and return its entry."""
        with self.lock:
            self.numbered += 1
            connection["requests"] += 1
            entry = {
                "n": self.numbered, "time": time.time(),
                "connection": connection["id"],
                "listener": connection["listener"],
                "method": request.method, "path": request.target,
                "operation": operation, "principal": None,
                "arn": None, "signature": "none", "signed_headers": None,
                "status": None, "code": None, "fault": None,
                "performed": False, "parameters": None,
                "user_agent": request.header("user-agent"),
                "headers": [list(pair) for pair in request.headers],
                "request_id": None, "peer": connection.get("process")}
            self.calls.append(entry)
            return entry

    def finish(self, entry):
        """Write a request's entry to the file when it was answered."""
        line = {name: entry[name] for name in (
            "n", "connection", "listener", "method", "path", "operation",
            "principal", "signature", "status", "code", "fault")}
        self.say("call", line)

    def say(self, kind, fields):
        """Write one line to the file."""
        with self.lock:
            text = json.dumps(dict({"time": round(time.time(), 3),
                                    "kind": kind}, **fields), default=str)
            self.file.write(text + "\n")

    def report(self):
        """Return a copy of all requests."""
        with self.lock:
            return copy.deepcopy(self.calls)

    def report_connections(self):
        """Return a copy of all connections."""
        with self.lock:
            return copy.deepcopy(self.connections)

    def verdicts(self):
        """Count the requests by the outcome of their signature."""
        with self.lock:
            seen = [entry["signature"] for entry in self.calls]
        accepted = sum(one in ("hmac", "rsa") for one in seen)
        refused = sum(one.startswith("refused") for one in seen)
        return {"signed": accepted + refused, "accepted": accepted,
                "refused": refused, "hmac": seen.count("hmac"),
                "rsa": seen.count("rsa"), "unsigned": seen.count("none")}

    def reset(self):
        """Forget the requests and the connections that are closed."""
        with self.lock:
            self.calls = []
            self.connections = [one for one in self.connections
                                if one["open"]]
            self.numbered = 0
