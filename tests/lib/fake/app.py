# SPDX-License-Identifier: MIT
"""Routes a request of the AWS side to the part that answers it."""

import traceback

from api import identify
from httpmsg import text_response

LINK_LOCAL = {
    "ecs": ("/v2/credentials/", "/v4/"),
    "eks": ("/v1/credentials",),
    "imds": ("/latest/",),
}


class Aws:
    """All services behind the AWS listeners."""

    def __init__(self, api, metadata, messages, log):
        self.api = api
        self.metadata = metadata
        self.messages = messages
        self.log = log

    def operation(self, request):
        """Name the operation of a request for faults and log."""
        found = identify(request)
        if found is not None:
            return found[1]
        if self.messages.serves(request.path):
            return self.messages.operation(request)
        return "metadata" if self.metadata.serves(request.path) else None

    def answer(self, request, connection, entry):
        """Return the answer and note its status."""
        try:
            answer = self.route(request, connection, entry)
        except Exception:
            self.log.say("bug", {"trace": traceback.format_exc()})
            answer = text_response("bug of the local AWS\n", 500)
        entry["status"] = answer.status
        return answer

    def route(self, request, connection, entry):
        """Choose the part; a link-local listener serves only its own."""
        own = LINK_LOCAL.get(connection.listener.name)
        if own is not None and not request.path.startswith(own):
            return text_response("404 page not found\n", 404)
        if self.messages.handles(request):
            return self.messages.answer(request, entry)
        if identify(request) is not None and request.method == "POST":
            return self.api.answer(request, entry)
        if self.metadata.serves(request.path):
            return self.metadata.answer(request, entry)
        return text_response("404 page not found\n", 404)
