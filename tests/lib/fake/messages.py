"""ssmmessages and ec2messages: what keeps a real agent online."""

import threading
import time
import uuid

from errors import ApiError
from httpmsg import Response, json_response
from api import JSON_TYPE, identify, region_of
import ssm_commands
import websocket

CHANNEL = "/v1/control-channel/"
DATA = "/v1/data-channel/"


def _xml_error(error):
    body = "<%s><Message>%s</Message></%s>" % (error.code, error.message,
                                               error.code)
    status = 403 if error.status == 400 else error.status
    return Response(status, body.encode(),
                    {"Content-Type": "application/xml"})


class Messages:
    """Control channels by node, and the polls of the older service."""

    def __init__(self, state, api, log):
        self.state = state
        self.api = api
        self.log = log
        self.lock = threading.Lock()
        self.channels = {}
        self.tokens = {}
        api.channels = self

    @staticmethod
    def serves(path):
        """Tell whether a path is one of a channel."""
        return path.startswith((CHANNEL, DATA))

    def handles(self, request):
        """Tell whether a request belongs to one of the two services."""
        found = identify(request)
        if found is not None:
            return found[0] == "ec2messages"
        return self.serves(request.path)

    @staticmethod
    def operation(request):
        """Name a channel request for faults and log."""
        kind = ("ControlChannel" if request.path.startswith(CHANNEL)
                else "DataChannel")
        return ("Open" if request.method == "GET" else "Create") + kind

    def connected(self):
        """Return the nodes that hold a control channel."""
        with self.lock:
            return {node for node, channel in self.channels.items()
                    if channel.opened}

    def report(self):
        """Return every channel there is and what came over it."""
        with self.lock:
            return {node: channel.report()
                    for node, channel in self.channels.items()}

    def disconnect(self, node):
        """End a node's channel; tell whether there was one."""
        with self.lock:
            channel = self.channels.get(node)
        if channel is not None:
            channel.stop()
        return channel is not None

    def post(self, node, frame):
        """Send a frame to a node; it is lost when the node is away."""
        with self.lock:
            channel = self.channels.get(node)
        if channel is not None:
            channel.post(frame)

    def take(self, node, frame):
        """Deal with a frame from a node; return the answer to it."""
        try:
            return ssm_commands.reply(self.state, node, frame)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.log.say("bad-frame", {"node": node, "error": str(error)})
            return None

    def answer(self, request, entry):
        """Answer a request of either service."""
        entry["request_id"] = str(uuid.uuid4())
        found = identify(request)
        try:
            if found is not None:
                return self.poll(request, entry, found[1])
            return self.channel(request, entry)
        except ApiError as error:
            entry["code"] = error.code
            if found is None:
                return _xml_error(error)
            return json_response({"__type": error.code,
                                  "message": error.message}, error.status,
                                 JSON_TYPE)

    def caller(self, request, entry, service, action):
        """Authenticate and authorize; return the caller's principal."""
        region = region_of(request, self.state.region)
        with self.state.lock:
            caller = self.api.authenticate(request, entry, region, service)
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

    def channel(self, request, entry):
        """Create or open a control channel."""
        node = request.path.rpartition("/")[2]
        action = self.operation(request)
        principal = self.caller(request, entry, "ssmmessages", action)
        own = principal.node
        if own is not None and own.ident != node:
            raise ApiError("AccessDeniedException", "not your channel")
        if request.path.startswith(DATA):
            raise ApiError("ResourceNotFoundException", "no such session",
                           404)
        if request.method == "POST":
            return self.create(node)
        return self.open(request, node)

    def create(self, node):
        """Hand out the token of a new control channel."""
        token = uuid.uuid4().hex + uuid.uuid4().hex
        with self.lock:
            self.tokens[token] = node
        body = ("<CreateControlChannelResponse><MessageSchemaVersion>1.0"
                "</MessageSchemaVersion><TokenValue>%s</TokenValue>"
                "</CreateControlChannelResponse>" % token)
        return Response(201, body.encode(),
                        {"Content-Type": "application/xml"})

    def open(self, request, node):
        """Switch to a websocket that is the node's control channel."""
        answer = websocket.handshake(request)
        answer.upgrade = lambda held: self.run(held, node)
        return answer

    def run(self, connection, node):
        """Serve a control channel until one side ends it."""
        channel = websocket.Channel(
            connection, lambda token: self.tokens.get(token) == node,
            lambda frame: self.take(node, frame))
        with self.lock:
            before = self.channels.get(node)
            self.channels[node] = channel
        if before is not None:
            before.stop()
        self.log.say("channel-open", {"node": node})
        try:
            channel.run()
        finally:
            with self.lock:
                if self.channels.get(node) is channel:
                    del self.channels[node]
            self.log.say("channel-closed", {"node": node})
