# SPDX-License-Identifier: MIT
"""Activations that somebody else made."""

import json
import subprocess

import place


def make(limit=1):
    """Make one with the user's keys; return its id and code."""
    body = {"IamRole": "SSMServiceRole", "RegistrationLimit": limit}
    words = ["api", "ssm", "CreateActivation", "--body", json.dumps(body)]
    done = subprocess.run(
        place.command() + words, env=place.current.aws.environment(),
        capture_output=True, text=True, timeout=30, check=True)
    made = json.loads(done.stdout)
    return made["ActivationId"], made["ActivationCode"]
