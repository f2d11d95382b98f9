# SPDX-License-Identifier: MIT
"""SSM: parameters of Parameter Store, which tests put there."""

import re

from errors import ApiError, validation
from operation import operation
from schema import Anything, Structure, Text

NAME = re.compile(r"/?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")


@operation("ssm", "GetParameter", Structure(
    {"Name": Text(1, 2048), "WithDecryption": Anything()}, ("Name",)),
    resource="parameter")
def get_parameter(call):
    """Tell the newest version of a parameter."""
    name = call.params["Name"]
    if not NAME.fullmatch(name):
        raise validation("Invalid request provided: only a-zA-Z0-9_.-/ may "
                         "be in the name of a parameter")
    held = call.state.parameters.get(name)
    if held is None:
        raise ApiError("ParameterNotFound")
    return {"Parameter": dict(held, ARN=call.arn(
        "parameter/" + name.lstrip("/")))}
