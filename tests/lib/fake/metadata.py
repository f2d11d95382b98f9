# SPDX-License-Identifier: MIT
"""What a container or an instance is told about itself, over plain HTTP.

ECS task metadata v4, container credentials (relative and full URI, EKS Pod
Identity), and the instance metadata service of both versions.
"""

import hashlib
import secrets
import time

from clock import iso
from httpmsg import Response, json_response, text_response
from identity import ACCOUNT, role_arn, session_principal

RELATIVE = "/v2/credentials/"
FULL = "/container-credentials"
POD_IDENTITY = "/v1/credentials"
TASK_METADATA = "/v4/"
INSTANCE = "/latest/"
PREFIXES = (RELATIVE, FULL, POD_IDENTITY, TASK_METADATA, INSTANCE)
TTL = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "x-aws-ec2-metadata-token"


class Metadata:
    """Answers the link-local addresses; `state.lock` is held."""

    def __init__(self, state):
        self.state = state

    @staticmethod
    def serves(path):
        """Tell whether a path belongs here."""
        return path.startswith(PREFIXES)

    def answer(self, request, entry):
        """Return the answer to a metadata request."""
        path = request.path
        with self.state.lock:
            if path.startswith(INSTANCE):
                return self.instance(request)
            if request.method != "GET":
                return text_response("method not allowed\n", 405)
            if path.startswith(TASK_METADATA):
                return self.task_metadata(path)
            return self.container_credentials(request, path)

    def credentials(self, role, session):
        """Return the held credentials of a role, new ones near their end."""
        state = self.state
        held = state.handed_out.get(role)
        now = state.clock.now()
        if held is None or held.expires <= now:
            held = state.identity.issue(
                session_principal("task", role, session),
                state.limits["credential_lifetime"])
            state.handed_out[role] = held
        return held

    def container_credentials(self, request, path):
        """Return the task role's credentials."""
        token = self.state.limits["container_token"]
        guarded = path.startswith((FULL, POD_IDENTITY)) and token
        if guarded and request.header("authorization") != token:
            return json_response({"code": "InvalidAuthorization", "message":
                                  "wrong authorization token"}, 401)
        if path.startswith(RELATIVE) and path != RELATIVE + self.task_id():
            return json_response({"code": "NoIdForCredentials", "message":
                                  "no such credentials ID"}, 404)
        held = self.credentials("app-task-role", self.task_id())
        return json_response({
            "RoleArn": role_arn("app-task-role"), "AccountId": ACCOUNT,
            "AccessKeyId": held.access_key, "SecretAccessKey": held.secret,
            "Token": held.token, "Expiration": iso(held.expires)})

    def task_id(self):
        """Return the id of the task: the last part of its ARN."""
        return self.state.task["TaskARN"].rpartition("/")[2]

    def task_metadata(self, path):
        """Answer /v4/ID and /v4/ID/task; every ID names a container."""
        ident, _, rest = path[len(TASK_METADATA):].partition("/")
        if not ident or rest not in ("", "task"):
            return text_response("404 page not found\n", 404)
        container = self.container(ident)
        if not rest:
            return json_response(container)
        task = self.state.task
        shown = {name: task[name] for name in (
            "Cluster", "TaskARN", "Family", "Revision", "ServiceName",
            "DesiredStatus", "KnownStatus", "AvailabilityZone",
            "LaunchType")}
        shown["Containers"] = list(task["Containers"].values())
        shown["Limits"] = {"CPU": 0.25, "Memory": 512}
        return json_response(shown)

    def container(self, ident):
        """Return the container of this metadata id; made when first asked.
        """
        task = self.state.task
        held = task["Containers"].get(ident)
        if held is None:
            digest = hashlib.sha256(ident.encode()).hexdigest()
            arn = task["TaskARN"].replace(":task/", ":container/")
            held = {
                "DockerId": digest[:32] + "-" + digest[32:41],
                "Name": "app", "DockerName": "app",
                "Image": "example/app:1", "ImageID": "sha256:" + digest,
                "Labels": {
                    "com.amazonaws.ecs.cluster": task["Cluster"],
                    "com.amazonaws.ecs.container-name": "app",
                    "com.amazonaws.ecs.task-arn": task["TaskARN"],
                    "com.amazonaws.ecs.task-definition-family":
                        task["Family"],
                    "com.amazonaws.ecs.task-definition-version":
                        task["Revision"]},
                "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
                "Limits": {"CPU": 2}, "Type": "NORMAL",
                "ContainerARN": "%s/%s" % (arn, digest[:12]),
                "Networks": [{"NetworkMode": "awsvpc",
                              "IPv4Addresses": ["10.0.2.100"]}]}
            task["Containers"][ident] = held
        return dict(held, DesiredStatus=task["DesiredStatus"])

    def instance(self, request):
        """Answer the instance metadata service."""
        if request.path == "/latest/api/token":
            return self.instance_token(request)
        if request.method != "GET":
            return Response(405, b"")
        given = request.header(TOKEN)
        ends = self.state.imds_tokens.get(given)
        if given and (ends is None or ends <= time.monotonic()):
            return Response(401, b"")
        if not given and not self.state.limits["imds_v1"]:
            return Response(401, b"")
        return self.instance_item(request.path[len(INSTANCE):])

    def instance_token(self, request):
        """Hand out a token for a PUT with a lifetime."""
        if request.method != "PUT":
            return Response(405, b"")
        if request.values("x-forwarded-for"):
            return Response(403, b"")
        seconds = request.header(TTL)
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return Response(400, b"")
        made = secrets.token_urlsafe(40)
        self.state.imds_tokens[made] = time.monotonic() + int(seconds)
        answer = text_response(made)
        answer.set(TTL, seconds)
        return answer

    def instance_item(self, item):
        """Return one item of the instance's metadata."""
        state, role = self.state, self.state.limits["imds_role"]
        folder = "meta-data/iam/security-credentials/"
        plain = {
            "meta-data/placement/region": state.region,
            "meta-data/placement/availability-zone": state.region + "a",
            "meta-data/instance-id": "i-0123456789abcdef0"}
        if role:
            plain[folder] = plain[folder[:-1]] = role
        if item in plain:
            return text_response(plain[item])
        if item == "dynamic/instance-identity/document":
            return json_response({
                "region": state.region, "accountId": ACCOUNT,
                "availabilityZone": state.region + "a",
                "instanceId": "i-0123456789abcdef0"})
        if role and item == folder + role:
            return self.instance_credentials(role)
        return Response(404, b"")

    def instance_credentials(self, role):
        """Return the instance role's credentials."""
        held = self.credentials(role, "i-0123456789abcdef0")
        return json_response({
            "Code": "Success", "Type": "AWS-HMAC",
            "LastUpdated": iso(self.state.clock.now()),
            "AccessKeyId": held.access_key, "SecretAccessKey": held.secret,
            "Token": held.token, "Expiration": iso(held.expires)},
            content_type="text/plain")
