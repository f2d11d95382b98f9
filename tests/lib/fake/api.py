# SPDX-License-Identifier: MIT
"""Takes an API request apart, checks it, performs it, wraps the answer."""

import json
import re
import traceback
import uuid
from xml.sax.saxutils import escape

import auth
import ecs
import schema
import ssm_activations
import ssm_agent
import ssm_commands
import ssm_listing
import ssm_nodes
import ssm_parameters
import ssm_sessions
import ssm_tags
import sts
from calllog import mask
from errors import ApiError
from httpmsg import Response, json_response
from operation import TABLE, Call

SERVICES = (ecs, sts, ssm_activations, ssm_agent, ssm_commands, ssm_listing,
            ssm_nodes, ssm_parameters, ssm_sessions, ssm_tags)
TARGETS = {"AmazonSSM": "ssm",
           "AmazonEC2ContainerServiceV20141113": "ecs",
           "EC2WindowsMessageDeliveryService": "ec2messages"}
HOST = re.compile(r"(?:ssm|sts|ecs|ssmmessages|ec2messages)(?:-fips)?\."
                  r"([a-z]+(?:-[a-z]+)+-\d+)\.")
JSON_TYPE = "application/x-amz-json-1.1"
QUERY_CODES = {
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken",
                                            403),
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "ExpiredTokenException": ("ExpiredToken", 403),
    "AccessDeniedException": ("AccessDenied", 403),
    "ThrottlingException": ("Throttling", 400),
    "ValidationException": ("ValidationError", 400),
    "UnknownOperationException": ("InvalidAction", 400),
}
XMLNS = "https://sts.amazonaws.com/doc/2011-06-15/"


def identify(request):
    """Return (service, operation) of an API request, or None."""
    target = request.header("x-amz-target")
    if target:
        prefix, _, name = target.rpartition(".")
        return TARGETS.get(prefix, "unknown"), name
    if request.header("content-type").startswith(
            "application/x-www-form-urlencoded"):
        return "sts", request.form().get("Action", "")
    return None


def region_of(request, default):
    """Return the region that the host name tells, else the default."""
    host = request.header("host").lower()
    if host.partition(":")[0] == "sts.amazonaws.com":
        return "us-east-1"
    match = HOST.match(host)
    return match.group(1) if match else default


def _xml(value):
    """Return a mapping as XML elements."""
    if not isinstance(value, dict):
        return escape(str(value))
    return "".join("<%s>%s</%s>" % (name, _xml(member), name)
                   for name, member in value.items())


def _query_answer(name, result, ident):
    body = ('<%sResponse xmlns="%s">\n  <%sResult>%s</%sResult>\n'
            '  <ResponseMetadata><RequestId>%s</RequestId>'
            '</ResponseMetadata>\n</%sResponse>\n' % (
                name, XMLNS, name, _xml(result), name, ident, name))
    return Response(200, body.encode(), {"Content-Type": "text/xml"})


def _query_error(error, ident):
    code, status = QUERY_CODES.get(error.code, (error.code, error.status))
    kind = "Receiver" if status >= 500 else "Sender"
    body = ('<ErrorResponse xmlns="%s">\n  <Error>\n    <Type>%s</Type>\n'
            '    <Code>%s</Code>\n    <Message>%s</Message>\n  </Error>\n'
            '  <RequestId>%s</RequestId>\n</ErrorResponse>\n' % (
                XMLNS, kind, code, escape(error.message), ident))
    return code, Response(status, body.encode(),
                          {"Content-Type": "text/xml"})


def _json_error(error):
    """AWS spells the text of some errors with a capital M."""
    text = "Message" if error.code in (
        "AccessDeniedException", "SerializationException") else "message"
    body = {"__type": error.code}
    if error.message:
        body[text] = error.message
    return error.code, json_response(body, error.status, JSON_TYPE)


class Api:
    """The AWS services, without the message channels."""

    def __init__(self, state, log):
        self.state = state
        self.log = log
        self.channels = None

    def authenticate(self, request, entry, region, service, signed="hmac"):
        """Return the Caller; `entry` notes who it is or what was wrong."""
        header = request.header("authorization")
        if signed == "none" and not header:
            return auth.Caller(None, "none")
        parsed = auth.sigv4.parse_authorization(header)[0]
        entry["signed_headers"] = parsed and parsed.signed_headers
        try:
            caller = auth.check(request, self.state, region, service)
        except ApiError as error:
            if header:
                entry["signature"] = "refused " + error.code
            raise
        entry["signature"] = caller.how
        entry["principal"] = caller.principal.name
        entry["arn"] = caller.principal.arn
        if signed in ("hmac", "rsa") and caller.how != signed:
            raise ApiError("AccessDeniedException", "This operation cannot "
                           "be called with this kind of signature.")
        return caller

    def perform(self, request, entry, service, name):
        """Return the result of the operation, or raise ApiError."""
        region = region_of(request, self.state.region)
        known = TABLE.get((service, name))
        signed = known.signed if known else "any"
        caller = self.authenticate(request, entry, region, service, signed)
        if known is None:
            raise ApiError("UnknownOperationException", "")
        if self.state.throttled(name):
            raise ApiError("ThrottlingException", "Rate exceeded")
        call = Call(self.state, known, request, region)
        call.caller = caller
        call.channels = self.channels
        call.params = self.parameters(request, service)
        entry["parameters"] = mask(call.params)
        schema.check(known.shape, call.params)
        call.authorize()
        call.params = {key: value for key, value in call.params.items()
                       if value is not None}
        result = known.handler(call)
        entry["performed"] = True
        return result

    @staticmethod
    def parameters(request, service):
        """Return the parameters as a mapping."""
        if service == "sts":
            return {key: value for key, value in request.form().items()
                    if key not in ("Action", "Version")}
        try:
            params = request.json()
        except (ValueError, RecursionError):
            params = None
        if not isinstance(params, dict):
            raise ApiError("SerializationException",
                           "Request body is not a JSON object.")
        return params

    def answer(self, request, entry):
        """Return the answer of an API request."""
        service, name = identify(request)
        ident = str(uuid.uuid4())
        entry["request_id"] = ident
        try:
            with self.state.lock:
                result = self.perform(request, entry, service, name)
            if service == "sts":
                answer = _query_answer(name, result, ident)
            else:
                answer = json_response(result, 200, JSON_TYPE)
        except ApiError as error:
            entry["code"], answer = (_query_error(error, ident)
                                     if service == "sts"
                                     else _json_error(error))
        except Exception:
            self.log.say("bug", {"trace": traceback.format_exc()})
            entry["code"], answer = _json_error(
                ApiError("InternalServerError", "bug of the local AWS", 500))
        answer.set("x-amzn-RequestId", ident)
        return answer


def dumps(value):
    """Return JSON with a stable layout, for people."""
    return json.dumps(value, indent=1, sort_keys=True, default=str) + "\n"
