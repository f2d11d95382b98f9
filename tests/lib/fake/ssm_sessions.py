# SPDX-License-Identifier: MIT
"""SSM: StartSession and what else a client asks of sessions."""

import uuid

import documents
from errors import ApiError
from operation import operation
from schema import Anything, List, Number, Structure, Text
from sessions import Session

IDENT = Structure({"SessionId": Text(1, 96)}, ("SessionId",))


def _stream(call, session):
    """Return how a client reaches a session: by the name of AWS when it
    asked under one, else where it asked."""
    host = call.request.header("host")
    if host.lower().startswith("ssm."):
        host = "ssmmessages." + host[4:]
    return {"SessionId": session.ident,
            "TokenValue": call.channels.token("client", session.ident),
            "StreamUrl": "wss://%s/v1/data-channel/%s?role=publish_subscribe"
            "&cell-number=AAEAAQ" % (host, session.ident)}


def _session(call):
    """Return the session that the caller names."""
    found = call.channels.sessions.get(call.params["SessionId"])
    if found is None:
        raise ApiError("DoesNotExistException", "Session %s does not exist"
                       % call.params["SessionId"])
    return found


@operation("ssm", "StartSession", Structure({
    "Target": Text(1, 400), "DocumentName": Text(), "Reason": Text(1, 256),
    "Parameters": Anything()}, ("Target",)))
def start_session(call):
    """Start a session on a node that holds a control channel."""
    target, channels = call.params["Target"], call.channels
    name = call.params.get("DocumentName", documents.SHELL)
    parameters = documents.flatten(channels.documents, name,
                                   call.params.get("Parameters", {}))
    if target not in channels.connected():
        raise ApiError("TargetNotConnected", "%s is not connected." % target)
    session = Session("tester-" + uuid.uuid4().hex[:17], target, name,
                      call.now)
    channels.start(session, parameters)
    return _stream(call, session)


@operation("ssm", "ResumeSession", IDENT)
def resume_session(call):
    """Give a client a new token; none when the session is over."""
    session = _session(call)
    if session.ended is not None:
        return {"SessionId": session.ident}
    return _stream(call, session)


@operation("ssm", "TerminateSession", IDENT)
def terminate_session(call):
    """End a session."""
    session = _session(call)
    call.channels.end(session)
    return {"SessionId": session.ident}


@operation("ssm", "DescribeSessions", Structure({
    "State": Text(words=("Active", "History")), "Filters": List(Anything()),
    "MaxResults": Number(1, 200), "NextToken": Text()}, ("State",)))
def describe_sessions(call):
    """List the sessions that run, or those that ended."""
    active = call.params["State"] == "Active"
    return {"Sessions": [one.describe() for one
                         in call.channels.sessions.values()
                         if (one.ended is None) == active]}
