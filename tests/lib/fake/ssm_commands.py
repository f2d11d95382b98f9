# SPDX-License-Identifier: MIT
"""SSM: SendCommand and GetCommandInvocation over the control channel.

Only the document AWS-RunShellScript exists. The agent's answers come in as
frames; `reply` takes them.
"""

import json
import uuid

import framing
from errors import ApiError
from identity import ACCOUNT
from operation import operation
from schema import Anything, List, Structure, Text

DOCUMENT = {
    "schemaVersion": "1.2",
    "description": "Run a shell script.",
    "parameters": {"commands": {"type": "StringList", "minItems": 1,
                                "description": "the lines of the script"}},
    "runtimeConfig": {"aws:runShellScript": {"properties": [{
        "id": "0.aws:runShellScript", "runCommand": "{{ commands }}",
        "timeoutSeconds": "3600"}]}},
}


def job_frame(command, node, region):
    """Return the frame that gives a node its work."""
    content = {
        "Parameters": command["Parameters"], "DocumentContent": DOCUMENT,
        "CommandId": command["CommandId"],
        "DocumentName": command["DocumentName"], "OutputS3KeyPrefix": "",
        "OutputS3BucketName": "", "CloudWatchLogGroupName": "",
        "CloudWatchOutputEnabled": "false"}
    job = {"Content": json.dumps(content), "SchemaVersion": 1,
           "JobId": "aws.ssm.%s.%s" % (command["CommandId"], node),
           "Topic": "aws.ssm.sendCommand." + region}
    return framing.encode("agent_job", json.dumps(job).encode())


@operation("ssm", "SendCommand", Structure({
    "InstanceIds": List(Text(1), 1, 50), "DocumentName": Text(1),
    "Parameters": Structure({"commands": List(Text(), 1)}, ("commands",)),
    "Comment": Text(0, 100), "TimeoutSeconds": Anything()},
    ("InstanceIds", "DocumentName", "Parameters")))
def send_command(call):
    """Send a script to nodes that hold a control channel."""
    if call.params["DocumentName"] != "AWS-RunShellScript":
        raise ApiError("InvalidDocument", "The specified SSM document "
                       "doesn't exist.")
    nodes = call.params["InstanceIds"]
    if any(call.state.node(one, call.region) is None for one in nodes):
        raise ApiError("InvalidInstanceId", "Instances not in a valid state "
                       "for account %s" % ACCOUNT)
    command = {"CommandId": str(uuid.uuid4()),
               "DocumentName": "AWS-RunShellScript", "InstanceIds": nodes,
               "Parameters": call.params["Parameters"], "Status": "Pending",
               "RequestedDateTime": call.now}
    for node in nodes:
        call.state.invocations[(command["CommandId"], node)] = {
            "Status": "Pending", "Output": "", "Error": "", "Code": -1}
        call.channels.post(node, job_frame(command, node, call.region))
    return {"Command": command}


@operation("ssm", "GetCommandInvocation", Structure({
    "CommandId": Text(36, 36), "InstanceId": Text(1),
    "PluginName": Text(4)}, ("CommandId", "InstanceId")))
def get_command_invocation(call):
    """Tell how a command fared on a node."""
    ident, node = call.params["CommandId"], call.params["InstanceId"]
    held = call.state.invocations.get((ident, node))
    if held is None:
        raise ApiError("InvocationDoesNotExist", "")
    return {"CommandId": ident, "InstanceId": node,
            "DocumentName": "AWS-RunShellScript",
            "PluginName": "aws:runShellScript", "Status": held["Status"],
            "StatusDetails": held["Status"], "ResponseCode": held["Code"],
            "StandardOutputContent": held["Output"],
            "StandardErrorContent": held["Error"]}


def reply(state, node, frame):
    """Take a frame from a node; return the frame to answer, or None."""
    if frame.kind not in ("agent_job_reply", "agent_job_ack"):
        return None
    message = json.loads(frame.payload)
    job = message["jobId"]
    if frame.kind == "agent_job_ack":
        refuse(state, node, message)
        return None
    content = json.loads(message["content"])
    with state.lock:
        held = state.invocations.get((job.split(".")[2], node))
        if held is not None:
            note(held, content)
    answer = {"jobId": job, "acknowledgedMessageId": frame.ident}
    return framing.encode("agent_job_reply_ack", json.dumps(answer).encode())


def refuse(state, node, message):
    """End a command of which the agent says that it does not run it."""
    if message["statusCode"] == "200":
        return
    with state.lock:
        held = state.invocations.get((message["jobId"].split(".")[2], node))
        if held is not None:
            held.update({"Status": "Failed",
                         "Error": message["errorMessage"]})


def note(held, content):
    """Enter what the agent says of a command's state.

    The agent sends its last two answers at nearly the same time and in
    either order: what is final stays.
    """
    if held["Status"] in ("Pending", "InProgress"):
        held["Status"] = content.get("documentStatus", held["Status"])
    for part in (content.get("runtimeStatus") or {}).values():
        held["Code"] = part.get("code", held["Code"])
        held["Output"] = part.get("standardOutput") or held["Output"]
        held["Error"] = part.get("standardError") or held["Error"]
