# SPDX-License-Identifier: MIT
"""SSM: CreateActivation, DeleteActivation, DescribeActivations."""

import time

from errors import ApiError, validation
from identity import role_arn
from operation import operation
from paging import page
from schema import (ACTIVATION_ID, TAG, Anything, List, Name, Number,
                    Structure, Text, Timestamp)
from state import Activation

DAY = 86400

CREATE = Structure({
    "Description": Text(0, 256), "DefaultInstanceName": Text(0, 256, Name),
    "IamRole": Text(0, 64), "RegistrationLimit": Number(1, 1000),
    "ExpirationDate": Timestamp(), "Tags": List(TAG, 0, 1000),
    "RegistrationMetadata": List(Anything())}, ("IamRole",))


def _expiration(call):
    """Return when the activation ends; a day ahead unless it is said."""
    wanted = call.params.get("ExpirationDate")
    if wanted is None:
        return call.now + DAY
    if wanted <= call.now:
        raise validation("Expiration date must be in the future.")
    if wanted > call.now + 30 * DAY:
        raise validation("Expiration date must be within 30 days from now.")
    return wanted


def _check_role(call):
    """Check the role as AWS does: an ARN makes the service fail."""
    role = call.params["IamRole"]
    if role.startswith("arn:"):
        raise ApiError("InternalFailure", "", 500)
    call.require("iam:PassRole", role_arn(role),
                 {"iam:PassedToService": "ssm.amazonaws.com"})
    if not call.state.has_role(role):
        raise validation("Nonexistent role or missing ssm service principal "
                         "in trust policy: %s" % role_arn(role))


@operation("ssm", "CreateActivation", CREATE)
def create_activation(call):
    """Make an activation; the code is told this once."""
    tags = call.params.get("Tags") or []
    if tags:
        call.require("ssm:AddTagsToResource", call.arn("*"))
    if len({tag["Key"] for tag in tags}) != len(tags):
        raise validation("Duplicate tag keys are not allowed.")
    _check_role(call)
    made = Activation(call.region, call.params, call.now, _expiration(call))
    call.state.activations[made.ident] = made
    return {"ActivationId": made.ident, "ActivationCode": made.code}


@operation("ssm", "DeleteActivation", Structure(
    {"ActivationId": Text(0, None, ACTIVATION_ID)}, ("ActivationId",)))
def delete_activation(call):
    """Delete an activation; its nodes stay registered."""
    ident = call.params["ActivationId"]
    found = call.state.live_activation(ident, call.region)
    if found is None:
        raise ApiError("InvalidActivation", "Activation %s does not exist"
                       % ident)
    found.removed = time.monotonic()
    return {}


FILTER = Structure({"FilterKey": Text(words=(
    "ActivationIds", "DefaultInstanceName", "IamRole")),
    "FilterValues": List(Text())})
MEMBER = {"ActivationIds": "ActivationId", "IamRole": "IamRole",
          "DefaultInstanceName": "DefaultInstanceName"}


@operation("ssm", "DescribeActivations", Structure({
    "Filters": List(FILTER), "MaxResults": Number(1, 50),
    "NextToken": Text()}))
def describe_activations(call):
    """List activations, never with their code."""
    shown = [held.summary(call.now)
             for held in call.state.listed_activations(call.region)]
    for rule in call.params.get("Filters") or []:
        values = rule.get("FilterValues") or []
        if not rule.get("FilterKey") or not values:
            raise ApiError("InvalidFilter", "The filter name or its values "
                           "are not valid.")
        member = MEMBER[rule["FilterKey"]]
        shown = [one for one in shown if one.get(member) in values]
    return page(shown, call.params, 50, "ActivationList")
