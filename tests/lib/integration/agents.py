# SPDX-License-Identifier: MIT
"""Tests that hold with either agent: amazon-ssm-agent, which every root of the
tests has, and our own."""

import sys

import procfs
from runner import FULL

BUILTIN = "builtin"
# What our own agent asks AWS for; the rest is asked for by who keeps the node.
OPERATIONS = {
    "CreateControlChannel", "OpenControlChannel", "CreateDataChannel",
    "OpenDataChannel", "RequestManagedInstanceRoleToken",
    "UpdateInstanceInformation", "UpdateManagedInstancePublicKey"}


def with_builtin(*sample):
    """Have a class twice, the second time with our own agent and "Builtin"
    behind its name: these tests of it, all with SSM_ACTIVATE_TEST_FULL=1."""
    def double(cls):
        unknown = [name for name in sample if not hasattr(cls, name)]
        if unknown:
            raise AttributeError("%s has no %s" % (cls.__name__, unknown))
        twin = type(cls.__name__ + "Builtin", (cls,), {
            "agent": BUILTIN, "__module__": cls.__module__,
            "__doc__": cls.__doc__})
        for name in dir(cls):
            if name.startswith("test_") and (
                    getattr(getattr(cls, name), "amazon", False)
                    or not (FULL or name in sample)):
                setattr(twin, name, None)
        setattr(sys.modules[cls.__module__], twin.__name__, twin)
        return cls
    return double


def cores(held):
    """Return the pids of our own agent's cores in a container: below a
    keeper, with a worker of theirs."""
    name = "ssm-activate"
    keepers = ([held.pid1] if procfs.program(held.pid1) == name
               else held.keepers())
    parents = {pid: int(procfs.status(pid).get("PPid", 0))
               for pid in held.find(name)}
    return sorted({core for core in parents.values()
                   if parents.get(core) in keepers})


def amazon(test):
    """Mark a test of what only amazon-ssm-agent does or has."""
    test.amazon = True
    return test
