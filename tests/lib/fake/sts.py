# SPDX-License-Identifier: MIT
"""STS: GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity."""

import re

from clock import iso
from errors import ApiError, access_denied
from identity import ACCOUNT, session_principal
from operation import operation
from schema import Structure, Text

ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(.+)")
SESSION = re.compile(r"[\w+=,.@-]*")
MEMBERS = {
    "RoleArn": Text(20, 2048), "RoleSessionName": Text(2, 64, SESSION),
    "DurationSeconds": Text(1), "Policy": Text(1)}


def _duration(call):
    """Return the wanted lifetime; STS allows 900 to 43200 seconds."""
    text = call.params.get("DurationSeconds", "3600")
    if not text.isdigit() or not 900 <= int(text) <= 43200:
        raise ApiError("ValidationError", "1 validation error detected: "
                       "Value '%s' at 'durationSeconds' failed to satisfy "
                       "constraint: Member must have value between 900 and "
                       "43200" % text)
    return int(text)


def _assume(call, how):
    """Return the members that both ways of taking a role answer."""
    lifetime = _duration(call)
    match = ROLE.fullmatch(call.params["RoleArn"])
    known = match and match.group(1) == ACCOUNT and call.state.has_role(
        match.group(2))
    if not known:
        raise how()
    principal = session_principal("role", match.group(2),
                                  call.params["RoleSessionName"])
    made = call.state.identity.issue(principal, lifetime)
    return {
        "Credentials": {
            "AccessKeyId": made.access_key, "SecretAccessKey": made.secret,
            "SessionToken": made.token, "Expiration": iso(made.expires)},
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id,
                            "Arn": principal.arn}}


@operation("sts", "GetCallerIdentity", Structure({}), action=None)
def get_caller_identity(call):
    """Tell who signed; nobody needs permission for that."""
    principal = call.caller.principal
    return {"UserId": principal.user_id, "Account": ACCOUNT,
            "Arn": principal.arn}


@operation("sts", "AssumeRole", Structure(
    dict(MEMBERS, ExternalId=Text(2, 1224)),
    ("RoleArn", "RoleSessionName")), action=None)
def assume_role(call):
    """Give credentials of another role of the account."""
    arn = call.params["RoleArn"]
    call.require("sts:AssumeRole", arn)
    principal = call.caller.principal
    return _assume(call, lambda: access_denied(
        principal.arn, "sts:AssumeRole", arn))


@operation("sts", "AssumeRoleWithWebIdentity", Structure(
    dict(MEMBERS, WebIdentityToken=Text(4, 20000),
         ProviderId=Text(4, 2048)),
    ("RoleArn", "RoleSessionName", "WebIdentityToken")), signed="none")
def assume_role_with_web_identity(call):
    """Give credentials to the bearer of a token; any JWT shape will do."""
    token = call.params["WebIdentityToken"]
    if token.count(".") != 2 or token != token.strip():
        raise ApiError("InvalidIdentityToken", "The ID Token provided is not "
                       "a valid JWT. (You may see this error if you sent an "
                       "Access Token)")
    answer = _assume(call, lambda: ApiError(
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403))
    answer["Audience"] = "sts.amazonaws.com"
    return answer
