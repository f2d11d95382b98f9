# SPDX-License-Identifier: MIT
"""The one exception by which an operation answers with an AWS error."""


class ApiError(Exception):
    """An error answer: AWS's code, its text and the HTTP status."""

    def __init__(self, code, message="", status=400):
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status


def validation(message):
    """Return the ValidationException that carries this text."""
    return ApiError("ValidationException", message)


def access_denied(arn, action, resource, explicit=False):
    """Return AccessDeniedException worded as IAM words it."""
    if explicit:
        reason = "with an explicit deny in an identity-based policy"
    else:
        reason = ("because no identity-based policy allows the %s action"
                  % action)
    return ApiError(
        "AccessDeniedException",
        "User: %s is not authorized to perform: %s on resource: %s %s"
        % (arn, action, resource, reason))
