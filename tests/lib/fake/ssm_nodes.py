# SPDX-License-Identifier: MIT
"""SSM: registering nodes, their tokens and keys, their heartbeat."""

import base64
import binascii

import rsapss
from errors import ApiError
from identity import session_principal
from operation import operation
from schema import NODE_ID, TAG, Anything, List, Structure, Text
from state import Node

REGISTER = Structure({
    "ActivationCode": Text(20, 250), "ActivationId": Text(36),
    "Fingerprint": Text(1), "PublicKey": Text(392),
    "PublicKeyType": Text(words=("Rsa",)), "IamRole": Text(),
    "Tags": List(TAG)},
    ("ActivationCode", "ActivationId", "Fingerprint", "PublicKey",
     "PublicKeyType"))
NODE = Structure({"InstanceId": Text(20, 124, NODE_ID)}, ("InstanceId",))


def parse_key(text):
    """Return the public key, or raise InvalidPublicKey."""
    try:
        return rsapss.parse_spki(base64.b64decode(text, validate=True))
    except (binascii.Error, rsapss.BadKey):
        raise ApiError("InvalidPublicKey", "The public key is not a valid "
                       "RSA key of at least 2048 bits.") from None


def _usable_activation(call):
    """Return the activation that id and code name, if it can be used."""
    params, state = call.params, call.state
    found = state.live_activation(params["ActivationId"], call.region)
    if found is None or found.code != params["ActivationCode"]:
        raise ApiError("InvalidActivation", "The activation code or "
                       "activation ID is not valid.")
    if found.expires <= call.now:
        raise ApiError("ActivationExpired", "The activation has expired.")
    if found.count >= found.limit:
        raise ApiError("RegistrationLimitExceeded", "Registration limit of "
                       "%d reached for activation %s"
                       % (found.limit, found.ident))
    quota = state.limits["node_limit"]
    if quota and len(state.nodes) >= quota:
        raise ApiError("RegistrationLimitExceeded", "Registration limit of "
                       "%d reached for SSM On-prem managed instances" % quota)
    return found


@operation("ssm", "RegisterManagedInstance", REGISTER, signed="none")
def register_managed_instance(call):
    """Register a node; the request carries no signature."""
    key = parse_key(call.params["PublicKey"])
    found = _usable_activation(call)
    node = Node(found, call.params["Fingerprint"], key,
                call.params["PublicKey"], call.now)
    call.state.nodes[node.ident] = node
    found.count += 1
    return {"InstanceId": node.ident}


@operation("ssm", "DeregisterManagedInstance", NODE, resource="node")
def deregister_managed_instance(call):
    """Forget a node."""
    ident = call.params["InstanceId"]
    if call.state.node(ident, call.region) is None:
        raise ApiError("InvalidInstanceId", "ManagedInstance %s does not "
                       "exist" % ident)
    del call.state.nodes[ident]
    call.state.gone.append(ident)
    return {}


@operation("ssm", "RequestManagedInstanceRoleToken", Structure(
    {"Fingerprint": Text(1)}, ("Fingerprint",)), signed="rsa")
def request_role_token(call):
    """Give the node temporary credentials of its role."""
    node, limits = call.caller.principal.node, call.state.limits
    if call.params["Fingerprint"] != node.fingerprint:
        raise ApiError("MachineFingerprintDoesNotMatch",
                       "Fingerprint doesn't match")
    principal = session_principal("node", node.role, node.ident, node)
    made = call.state.identity.issue(principal, limits["token_lifetime"])
    return {"AccessKeyId": made.access_key, "SecretAccessKey": made.secret,
            "SessionToken": made.token, "TokenExpirationDate": made.expires,
            "UpdateKeyPair": bool(limits["update_key_pair"])}


@operation("ssm", "UpdateManagedInstancePublicKey", Structure(
    {"NewPublicKey": Text(392), "NewPublicKeyType": Text(words=("Rsa",))},
    ("NewPublicKey", "NewPublicKeyType")), signed="rsa")
def update_public_key(call):
    """Replace the node's key; the request is signed with the old one."""
    node = call.state.nodes[call.caller.principal.node.ident]
    node.key = parse_key(call.params["NewPublicKey"])
    node.public_key = call.params["NewPublicKey"]
    return {}


@operation("ssm", "UpdateInstanceInformation", Structure({
    "InstanceId": Text(1), "AgentName": Text(), "AgentVersion": Text(),
    "AgentStatus": Text(), "PlatformType": Text(
        words=("Windows", "Linux", "MacOS")), "IPAddress": Text(1, 46),
    "ComputerName": Text(0, 255), "SSMConnectionChannel": Anything()},
    ("InstanceId",)), resource="node")
def update_instance_information(call):
    """Note a heartbeat and what the agent says about its machine."""
    ident = call.params["InstanceId"]
    node = call.state.node(ident, call.region)
    own = call.caller.principal.node
    if node is None or (own is not None and own.ident != ident):
        raise ApiError("InvalidInstanceId", "InstanceId %s is not valid"
                       % ident)
    node.pinged = call.now
    node.info.update({name: value for name, value in call.params.items()
                      if value not in (None, "")})
    return {}


@operation("ssm", "GetConnectionStatus", Structure(
    {"Target": Text(1, 400)}, ("Target",)))
def get_connection_status(call):
    """Tell whether the node holds a control channel."""
    target = call.params["Target"]
    up = target in call.channels.connected()
    return {"Target": target, "Status": "connected" if up
            else "notconnected"}
