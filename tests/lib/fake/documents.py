# SPDX-License-Identifier: MIT
"""The session documents of the account, and what a start makes of one."""

import copy
import json

import framing
from errors import ApiError
from identity import ACCOUNT

SHELL = "SSM-SessionManagerRunShell"
INPUTS = {
    "s3BucketName": "", "s3KeyPrefix": "", "s3EncryptionEnabled": True,
    "cloudWatchLogGroupName": "", "cloudWatchEncryptionEnabled": True,
    "cloudWatchStreamingEnabled": False, "kmsKeyId": "",
    "runAsEnabled": False, "runAsDefaultUser": "",
    "idleSessionTimeout": "20", "maxSessionDuration": "",
    "shellProfile": {"windows": "", "linux": ""}}
PREFIXES = {"stdOutSeparatorPrefix": "", "stdErrSeparatorPrefix": ""}


def _document(kind, properties=None, **parameters):
    """Return a document; a parameter is given by its default, or None."""
    made = {"schemaVersion": "1.0", "description": "a session",
            "sessionType": kind}
    if kind != "Port":
        made["inputs"] = copy.deepcopy(INPUTS)
    if parameters:
        made["parameters"] = {
            name: dict({"type": "String"}, **(
                {} if default is None else {"default": default}))
            for name, default in parameters.items()}
    if properties:
        made["properties"] = properties
    return made


def _command(**more):
    """Return the properties of a document that runs a command."""
    linux = dict({"commands": "{{ command }}", "runAsElevated": True}, **more)
    return {"linux": linux, "windows": linux, "macos": linux}


def _port(**more):
    return dict({"portNumber": "{{ portNumber }}"}, **more)


def defaults():
    """Return the documents that a fresh account has, by name."""
    local = _port(type="LocalPortForwarding",
                  localPortNumber="{{ localPortNumber }}")
    separate = dict({name: "{{ %s }}" % name for name in PREFIXES},
                    separateOutputStream="{{ separateOutputStream }}")
    return {
        SHELL: _document("Standard_Stream"),
        "AWS-StartInteractiveCommand": _document(
            "InteractiveCommands", _command(), command=None),
        "AWS-StartNonInteractiveCommand": _document(
            "NonInteractiveCommands", _command(**separate), command=None,
            separateOutputStream="False", **PREFIXES),
        "AWS-StartPortForwardingSession": _document(
            "Port", local, portNumber="80", localPortNumber="0"),
        "AWS-StartPortForwardingSessionToRemoteHost": _document(
            "Port", dict(local, host="{{ host }}"), portNumber="80",
            localPortNumber="0", host=None),
        "AWS-StartPortForwardingSessionToSocket": _document(
            "Port", _port(type="LocalPortForwarding",
                          localConnectionType="socket",
                          localUnixSocket="{{ localUnixSocket }}"),
            portNumber="80", localUnixSocket=None),
        "AWS-StartSSHSession": _document("Port", _port(), portNumber="22")}


def merge(documents, body):
    """Change documents: {NAME: {member: value}}; `inputs` is merged, too,
    and null takes a document away."""
    for name, members in body.items():
        if members is None:
            documents.pop(name, None)
            continue
        held = documents.setdefault(name, _document("Standard_Stream"))
        held.update(dict(members, inputs=dict(
            held.get("inputs", {}), **members.get("inputs", {}))))
    return documents


def flatten(documents, name, given):
    """Return the parameters of a start as an agent gets them."""
    if name not in documents:
        raise ApiError("InvalidDocument", "Document with name %s does not "
                       "exist." % name)
    known = documents[name].get("parameters", {})
    missing = [one for one, shape in known.items()
               if one not in given and "default" not in shape]
    if missing or set(given) - set(known):
        raise ApiError("InvalidParameters", "Parameters of %s: %s" % (
            name, ", ".join(missing or sorted(set(given) - set(known)))))
    return {one: values[0] for one, values in given.items()}


def start_frame(content, lower_camel):
    """Return the frame that tells an agent of a session."""
    task = {"SchemaVersion": 1, "TaskId": "test_task", "Topic": "test_topic",
            "Content": json.dumps(content)}
    if lower_camel:
        task = {name[0].lower() + name[1:]: value
                for name, value in task.items()}
    return framing.encode("interactive_shell", json.dumps(task).encode())


def content(session, document, parameters, limits):
    """Return what an agent is told of a session."""
    return {"DocumentName": session.document, "DocumentContent": document,
            "SessionId": session.ident, "Parameters": parameters,
            "RunAsUser": limits["run_as_user"],
            "SessionOwner": "arn:aws:iam::%s:user/tester" % ACCOUNT}
