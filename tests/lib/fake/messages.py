# SPDX-License-Identifier: MIT
"""ssmmessages and ec2messages: control channels, data channels, polls."""

import json
import threading
import time
import uuid

from errors import ApiError
from httpmsg import Response, json_response
from api import JSON_TYPE, identify, region_of
import documents
import framing
import sessions
import ssm_commands
import websocket

CONTROL = "/v1/control-channel/"
DATA = "/v1/data-channel/"


def _xml_error(error):
    body = "<%s><Message>%s</Message></%s>" % (error.code, error.message,
                                               error.code)
    status = 403 if error.status == 400 else error.status
    return Response(status, body.encode(),
                    {"Content-Type": "application/xml"})


class Messages:
    """Control channels by node, sessions by id, and the older service."""

    def __init__(self, state, api, log, faults):
        self.state = state
        self.api = api
        self.log = log
        self.wire = sessions.Wire(faults)
        self.lock = threading.RLock()
        self.channels = {}
        self.reset()
        api.channels = self

    def reset(self):
        """Forget sessions and tokens; control channels stay."""
        with self.lock:
            for session in getattr(self, "sessions", {}).values():
                for one in filter(None, session.sides.values()):
                    one.stop()
            self.tokens = {}
            self.sessions = {}
            self.documents = documents.defaults()
            self.wire.reset()

    @staticmethod
    def serves(path):
        """Tell whether a path is one of a channel."""
        return path.startswith((CONTROL, DATA))

    def handles(self, request):
        """Tell whether a request belongs to one of the two services."""
        found = identify(request)
        if found is not None:
            return found[0] == "ec2messages"
        return self.serves(request.path)

    @staticmethod
    def operation(request):
        """Name a channel request for faults and log."""
        kind = ("ControlChannel" if request.path.startswith(CONTROL)
                else "DataChannel")
        return ("Open" if request.method == "GET" else "Create") + kind

    def connected(self):
        """Return the nodes that hold a control channel."""
        with self.lock:
            return {node for node, channel in self.channels.items()
                    if channel.opened}

    def report(self):
        """Return every control channel there is and what came over it."""
        with self.lock:
            return {node: channel.report()
                    for node, channel in self.channels.items()}

    def report_sessions(self):
        """Return every session, the oldest first."""
        with self.lock:
            return [dict(one.report(), bad=self.wire.bad[one.ident])
                    for one in self.sessions.values()]

    def channel(self, place, side=None):
        """Return a node's channel, or one side's of a session, or None."""
        with self.lock:
            if side in (None, "node"):
                return self.channels.get(place)
            held = self.sessions.get(place)
            return held.sides[side] if held else None

    def other(self, peer):
        """Return the channel to which a peer's frames go, or None."""
        side = sessions.OTHER.get(peer.sender)
        return self.channel(peer.place, side) if side else None

    # What is sent.

    def severer(self, place):
        """Return the function that cuts a connection of a place."""
        def sever(side):
            held = self.sessions.get(place)
            channel = (self.channel(held.target) if held and side == "node"
                       else self.channel(place, side))
            if channel is not None:
                channel.sever()
        return sever

    def send(self, frame, place, side=None):
        """Send a frame of the service's; none there, it is lost."""
        def deliver(data, pieces):
            channel = self.channel(place, side)
            if channel is not None:
                channel.post(data, pieces=pieces)
        self.wire.carry(place, "service", framing.decode(frame), frame,
                        deliver, self.severer(place))

    def post(self, node, frame):
        """Send a frame to a node; it is lost when the node is away."""
        self.send(frame, node)

    def start(self, session, parameters, **changes):
        """Enter a session and tell its node of it."""
        with self.lock:
            self.sessions[session.ident] = session
        content = documents.content(
            session, self.documents[session.document], parameters,
            self.state.limits)
        self.send(documents.start_frame(
            dict(content, **changes), self.state.limits["lower_camel"]),
            session.target)

    def end(self, session, output=""):
        """End a session from the service's side."""
        session.finish("Terminated", self.state.clock.now())
        frame = session.closed_frame(output)
        for side in self.state.limits["close_on"]:
            self.send(frame, session.target if side == "node"
                      else session.ident, side)

    # What arrives.

    def redeem(self, peer, token):
        """Take a token, which counts once, for the opening of a channel."""
        kind = "OpenControlChannel" if peer.sender == "node" else (
            "OpenDataChannel")
        if self.wire.plan(peer.place, peer.sender, kind).refuse:
            return False
        with self.lock:
            good = self.tokens.get(token) == (peer.sender, peer.place)
            self.tokens.pop(token, None)
        return good

    def joined(self, peer):
        """Enter a channel in place of the one before."""
        with self.lock:
            if peer.sender == "node":
                before = self.channels.get(peer.place)
                self.channels[peer.place] = peer
            else:
                session = self.sessions[peer.place]
                before = session.sides[peer.sender]
                session.sides[peer.sender] = peer
                session.opened[peer.sender] += 1
                # With the lock: else a pause of the first that came could
                # overtake the start of the second.
                self.publish(session)
        if before is not None:
            before.stop()
        self.log.say("channel-open", {"node": peer.place,
                                      "side": peer.sender})
        if peer.sender == "node" and peer.opened.get(
                "RequireAcknowledgement"):
            self.send(framing.encode("control_channel_ready", b"{}"),
                      peer.place)

    def publish(self, session):
        """Tell who is there whether the other side is."""
        if session.ended is not None or not self.state.limits["publication"]:
            return
        both = all(session.sides.values())
        session.status = "Connected" if both else "Connecting"
        frame = framing.encode("start_publication" if both
                               else "pause_publication")
        for side in sessions.OTHER:
            self.send(frame, session.ident, side)

    def left(self, peer):
        """Forget a channel that ended."""
        with self.lock:
            if peer.sender == "node":
                if self.channels.get(peer.place) is peer:
                    del self.channels[peer.place]
            else:
                session = self.sessions.get(peer.place)
                if session and session.sides[peer.sender] is peer:
                    session.sides[peer.sender] = None
                    self.publish(session)
        self.log.say("channel-closed", {
            "node": peer.place, "side": peer.sender, "why": peer.end})

    def arrived(self, peer, frame, data):
        """Carry a frame from a peer to whom it is for."""
        if peer.sender == "node":
            def deliver(data, pieces):
                self.from_node(peer.place, framing.decode(data))
        else:
            session = self.sessions[peer.place]
            session.counts[peer.sender + " " + frame.kind] += 1
            session.counts[peer.sender + " bytes"] += len(frame.payload)

            def deliver(data, pieces):
                if frame.kind == "agent_session_state":
                    session.states.append(
                        json.loads(frame.payload)["SessionState"])
                    return
                other = session.sides[sessions.OTHER[peer.sender]]
                if other is None:
                    session.counts[peer.sender + " unheard"] += 1
                else:
                    other.post(data, pieces=pieces)
        self.wire.carry(peer.place, peer.sender, frame, data, deliver,
                        self.severer(peer.place))

    def from_node(self, node, frame):
        """Deal with a frame of a control channel."""
        if frame.kind == "agent_task_complete":
            outcome = json.loads(frame.payload)
            self.send(sessions.acknowledge_task(frame, outcome), node)
            session = self.sessions.get(outcome["TaskId"])
            if session is not None and session.outcome is None:
                self.completed(session, outcome)
            return
        answer = ssm_commands.reply(self.state, node, frame)
        if answer is not None:
            self.send(answer, node)

    def completed(self, session, outcome):
        """Enter what an agent says of the end, and tell the client, unless
        the service ended the session and told it already."""
        told = session.ended is not None and (
            "client" in self.state.limits["close_on"])
        session.outcome = outcome
        session.finish("Terminated", self.state.clock.now())
        if not told:
            self.send(session.closed_frame(outcome["Output"]),
                      session.ident, "client")

    # The requests.

    def answer(self, request, entry):
        """Answer a request of either service."""
        entry["request_id"] = str(uuid.uuid4())
        found = identify(request)
        try:
            if found is not None:
                return self.poll(request, entry, found[1])
            if request.path.startswith(CONTROL):
                return self.control_channel(request, entry)
            return self.data_channel(request, entry)
        except ApiError as error:
            entry["code"] = error.code
            if found is None:
                return _xml_error(error)
            return json_response({"__type": error.code,
                                  "message": error.message}, error.status,
                                 JSON_TYPE)

    def caller(self, request, entry, service, action, signed="hmac"):
        """Authenticate and authorize; return the caller's principal."""
        region = region_of(request, self.state.region)
        with self.state.lock:
            caller = self.api.authenticate(request, entry, region, service,
                                           signed)
            if caller.principal is None:
                return None
            verdict = self.state.identity.verdict(
                caller.principal, "%s:%s" % (service, action))
            node = caller.principal.node
            gone = node is not None and node.ident not in self.state.nodes
        if verdict != "allow" or gone:
            raise ApiError("AccessDeniedException",
                           "User: %s is not authorized to perform: %s:%s"
                           % (caller.principal.arn, service, action), 400)
        return caller.principal

    def poll(self, request, entry, name):
        """Answer the older service: no message ever comes."""
        self.caller(request, entry, "ec2messages", name)
        params = self.api.parameters(request, "ec2messages")
        if name == "GetMessages":
            time.sleep(self.state.limits["get_messages_wait"])
            return json_response(
                {"Destination": params.get("Destination"), "Messages": [],
                 "MessagesRequestId": params.get("MessagesRequestId", "")},
                200, JSON_TYPE)
        return json_response({}, 200, JSON_TYPE)

    def control_channel(self, request, entry):
        """Create or open a node's control channel."""
        node = request.path.rpartition("/")[2]
        action = self.operation(request)
        own = self.caller(request, entry, "ssmmessages", action).node
        if own is not None and own.ident != node:
            raise ApiError("AccessDeniedException", "not your channel")
        if request.method == "POST":
            return self.create(action, "node", node)
        return self.open(request, node, "node")

    def data_channel(self, request, entry):
        """Create or open one side's channel of a session.

        A client does not create one, its token comes with the session; it
        may leave its opening unsigned, as older plugins do.
        """
        action = self.operation(request)
        opening = request.method == "GET"
        principal = self.caller(request, entry, "ssmmessages", action,
                                "none" if opening else "hmac")
        own = principal and principal.node
        session = self.sessions.get(request.path[len(DATA):])
        if session is None:
            raise ApiError("ResourceNotFoundException", "no such session",
                           404)
        if not own and not opening or own and own.ident != session.target:
            raise ApiError("AccessDeniedException", "not your session")
        if own and session.ended is not None:
            raise ApiError("BadRequest", "Session is already terminated")
        if opening:
            return self.open(request, session.ident,
                             "agent" if own else "client")
        return self.create(action, "agent", session.ident)

    def token(self, sender, place):
        """Return a new token for the opening of a channel."""
        token = uuid.uuid4().hex + uuid.uuid4().hex
        with self.lock:
            self.tokens[token] = (sender, place)
        return token

    def create(self, action, sender, place):
        """Hand out the token of a new channel."""
        token = self.token(sender, place)
        if self.state.limits["answers"] == "json":
            return json_response({"messageSchemaVersion": "1.0",
                                  "tokenValue": token}, 201)
        body = ("<%sResponse>\n  <MessageSchemaVersion>1.0"
                "</MessageSchemaVersion>\n  <TokenValue>%s</TokenValue>\n"
                "</%sResponse>\n" % (action, token, action))
        return Response(201, body.encode(),
                        {"Content-Type": "application/xml"})

    def open(self, request, place, sender):
        """Switch to the websocket of a channel."""
        answer = websocket.handshake(request)

        def run(connection):
            peer = sessions.Peer(connection, self, place, sender)
            try:
                peer.run()
            finally:
                self.left(peer)
        answer.upgrade = run
        return answer
