# SPDX-License-Identifier: MIT
"""The admin interface: what tests ask, and what they change."""

import functools
import traceback

import documents
import orders
import plant
from faults import BadFault
from httpmsg import text_response
from iampolicy import Document
from identity import Policy
from state import Bucket
from api import dumps


class BadOrder(ValueError):
    """The body of an admin call does not say what it should."""


def _mapping(body):
    if not isinstance(body, dict):
        raise BadOrder("a JSON object is wanted")
    return body


class Admin:
    """The application behind the admin listener."""

    def __init__(self, state, faults, log, messages):
        self.state = state
        self.faults = faults
        self.log = log
        self.messages = messages
        self.reads = {
            "state": self.report, "calls": log.report,
            "connections": log.report_connections,
            "verdicts": log.verdicts, "faults": faults.report,
            "held": faults.holds.report,
            "secrets": state.secrets,
            "channels": messages.report,
            "sessions": messages.report_sessions,
            "frames": lambda: list(messages.wire.frames),
            "hostile": orders.names}
        self.writes = {
            "reset": self.reset, "faults": self.order, "policy": self.policy,
            "limits": self.limits, "clock": self.clock, "roles": self.roles,
            "task": self.task, "expire": self.expire,
            "throttle": self.throttle, "lag": self.lag,
            "tags": self.tags,
            "tasks": self.planter(plant.tasks),
            "parameters": self.planter(plant.parameters),
            "nodes": self.planter(plant.nodes),
            "activations": self.planter(plant.activations),
            "release": self.release,
            "documents": lambda body: documents.merge(
                messages.documents, _mapping(body))}
        self.writes.update({
            function.__name__: functools.partial(function, messages)
            for function in (orders.disconnect, orders.send, orders.start,
                             orders.end)})

    def planter(self, function):
        """Return an admin call that puts something on the account."""
        return lambda body: function(self.state, _mapping(body))

    @staticmethod
    def operation(request):
        """Name the request for the log."""
        return request.path

    def answer(self, request, connection, entry):
        """Answer one admin call."""
        name = request.path.rpartition("/admin/")[2]
        table = self.reads if request.method == "GET" else self.writes
        if name not in table or not request.path.startswith("/admin/"):
            return text_response("no such call: %s %s\n" % (
                request.method, request.path), 404)
        try:
            with self.state.lock:
                result = (table[name]() if request.method == "GET"
                          else table[name](request.json()))
        except (BadOrder, BadFault, ValueError, TypeError, KeyError) as bad:
            return text_response("%s: %s\n" % (name, bad), 400)
        except Exception:
            return text_response(traceback.format_exc(), 500)
        return text_response(dumps(result), 200, "application/json")

    def report(self):
        """Return the account and the open control channels."""
        shown = self.state.report()
        shown["connected"] = sorted(self.messages.connected())
        return shown

    def reset(self, body):
        """Empty account, faults and log; the clock is set right again."""
        self.state.clock.offset = 0.0
        self.state.reset()
        self.messages.reset()
        self.faults.clear()
        self.log.reset()
        return {}

    def order(self, body):
        """Order faults; {"clear": true} forgets those there are."""
        if body == {"clear": True}:
            self.faults.clear()
        else:
            self.faults.add(body)
        return self.faults.report()

    def release(self, body):
        """Let the requests go on that a fault holds."""
        self.faults.holds.release()
        return {}

    def policy(self, body):
        """Set what a principal may do: {"principal", "allow", "deny"},
        or {"principal", "document"} with an IAM policy document."""
        name = _mapping(body)["principal"]
        policies = self.state.identity.policies
        if name not in policies:
            raise BadOrder("principal is one of %s" % ", ".join(policies))
        held = policies[name]
        if "document" in body:
            policies[name] = Document(body["document"])
        else:
            policies[name] = Policy(
                body.get("allow", getattr(held, "allow", [])),
                body.get("deny", getattr(held, "deny", [])))
        return policies[name].report()

    def limits(self, body):
        """Change settings; their names are those of the state's limits."""
        unknown = set(_mapping(body)) - set(self.state.limits)
        if unknown:
            raise BadOrder("unknown: %s" % ", ".join(sorted(unknown)))
        self.state.limits.update(body)
        return self.state.limits

    def clock(self, body):
        """Move the server's clock: {"offset": seconds}."""
        self.state.clock.offset = float(_mapping(body)["offset"])
        return {"offset": self.state.clock.offset}

    def roles(self, body):
        """Replace the account's roles: a list of names or path/names."""
        if not isinstance(body, list):
            raise BadOrder("a list of role names is wanted")
        self.state.roles = [str(name) for name in body]
        return self.state.roles

    def task(self, body):
        """Change members of the ECS task, such as DesiredStatus."""
        unknown = set(_mapping(body)) - set(self.state.task)
        if unknown:
            raise BadOrder("unknown: %s" % ", ".join(sorted(unknown)))
        self.state.task.update(body)
        return self.state.task

    def expire(self, body):
        """End things now: {"activations": true or [ids],
        "credentials": [principals]}."""
        wanted = _mapping(body).get("activations")
        ended = [held for held in self.state.activations.values()
                 if wanted is True or held.ident in (wanted or [])]
        for held in ended:
            held.expires = self.state.clock.now() - 1
        names = body.get("credentials", [])
        return {"activations": [held.ident for held in ended],
                "credentials": self.state.identity.expire(names)}

    def throttle(self, body):
        """Give an operation a bucket: {"operation", "rate", "burst"}; "*"
        stands for all others, rate null takes the bucket away."""
        name = _mapping(body)["operation"]
        if body.get("rate") is None:
            self.state.buckets.pop(name, None)
        else:
            self.state.buckets[name] = Bucket(float(body["rate"]),
                                              float(body["burst"]))
        return {held: {"rate": bucket.rate, "burst": bucket.burst}
                for held, bucket in self.state.buckets.items()}

    def lag(self, body):
        """Make DescribeActivations lag: {"seconds": N}."""
        self.state.lag = float(_mapping(body)["seconds"])
        return {"seconds": self.state.lag}

    def tags(self, body):
        """Replace a node's tags: {"node": "mi-...", "tags": {}}."""
        node = self.state.nodes[_mapping(body)["node"]]
        node.tags = dict(_mapping(body["tags"]))
        return node.tags
