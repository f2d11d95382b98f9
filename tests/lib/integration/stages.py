# SPDX-License-Identifier: MIT
"""The points in a node's life at which the tests of ends stop it.

A stage is where the next step waits: a request that the local AWS holds, or a
process that stands at a system call because a file is (or no longer is)
there.  What comes after "up" is reached by `ssm-activate down`.
"""

import contextlib
import glob
import os

LIB = "/var/lib/amazon/ssm/"
OURS = "/var/lib/ssm-activate/"
KEY = OURS + "key"
STATE = OURS + "state.json"
STORE = LIB + "Vault/Store/"
MANIFEST = LIB + "Vault/Manifest"
TEMPORARY = ".ssm-activate.*"
REGION, NODE = '"region"', '"node"'
PRIVATE = "MII"  # how every RSA key begins in base64
MADE = ('"activation"', '"unsettled": false')


class Stage:
    """One point; `hold` is of a request, `files` a condition on a root,
    `after` a stage at which it stands before, and from which it goes on."""

    def __init__(self, name, operation=None, hold=None, files=None,
                 saved=None, removal=False, after=None):
        self.name = name
        self.after = after
        self.operation = operation
        self.hold = hold
        self.files = files
        self.saved = saved
        self.removal = removal

    def prepare(self, aws, brake, root):
        """Order it, before the program comes there."""
        if self.operation is not None:
            aws.fault(operation=self.operation, hold=self.hold)
        if self.files is not None:
            brake.arm(lambda: self.files(root))

    def reached(self, aws, brake, root):
        """Tell whether it stands there."""
        if self.operation is not None and self.operation not in aws.held():
            return False
        if self.files is not None and not brake.stopped.is_set():
            return False
        return self.saved is None or self.saved(root)


def text_of(root, path):
    """Return what a file holds; "" without one."""
    try:
        return root.read(path)
    except FileNotFoundError:
        return ""


def has(path, text=""):
    """Make a condition: the file is there, with this text in it."""
    return lambda root: root.exists(path) and text in text_of(root, path)


def half(folder, text=""):
    """Make a condition: a file is written, but not in its place yet."""
    def look(root):
        names = glob.glob(os.path.join(root.inside(folder), TEMPORARY))
        for name in names:
            # It may just be put in its place.
            with contextlib.suppress(FileNotFoundError):
                with open(name, encoding="utf-8") as file:
                    if text in file.read():
                        return True
        return False
    return look


def lacks(path, other):
    """Make a condition: the one file is gone, the other is still there."""
    return lambda root: root.exists(other) and not root.exists(path)


def saved(*texts):
    """Make a condition: the state is on disk, whole, with all of that."""
    return lambda root: not half(OURS)(root) and all(
        text in text_of(root, STATE) for text in texts)


def asked(operation, *texts):
    """Make the stage at which a request has arrived."""
    return Stage(operation + " asked", operation, "asked",
                 saved=saved(*texts))


def done(operation, *texts):
    """Make the stage at which it is carried out and not answered."""
    return Stage(operation + " done", operation, "done", saved=saved(*texts))


UP = Stage("the agent runs")

FIRST = (
    Stage("agent's configuration written",
          files=has("/etc/amazon/ssm/amazon-ssm-agent.json")),
)
REGISTERING = (
    Stage("state written", files=has(STATE)),
    asked("CreateActivation", REGION),
    done("CreateActivation", REGION),
    asked("RegisterManagedInstance", *MADE),
    done("RegisterManagedInstance", *MADE),
    asked("DeleteActivation", NODE),
    done("DeleteActivation", NODE),
    # The activation is on disk before, and not written with it.
    Stage("state with the node half written", "DeleteActivation", "asked",
          files=half(OURS, NODE),
          after=asked("RegisterManagedInstance", *MADE)),
)
VAULT = (
    Stage("key half written", files=half(STORE)),
    Stage("key written", files=has(STORE + "RegistrationKey")),
    Stage("fingerprint written", files=has(STORE + "InstanceFingerprint")),
    Stage("registration written", files=has(LIB + "registration")),
    Stage("manifest written", files=has(MANIFEST)),
    Stage("certificates written", files=has(OURS + "ca.pem")),
)
OWN_KEY = (
    Stage("own key half written", files=half(OURS, PRIVATE)),
    Stage("own key written", files=has(KEY)),
)
USER = (
    Stage("group written", files=has("/etc/group", "ssm-user")),
    Stage("shadow written", files=has("/etc/shadow", "ssm-user")),
    Stage("passwd written", files=has("/etc/passwd", "ssm-user")),
    Stage("sudoers written", files=has("/etc/sudoers.d/ssm-agent-users")),
    Stage("state complete", files=has(STATE, '"installed": true')),
    UP,
)
DEREGISTERING = (
    Stage("DeregisterManagedInstance asked", "DeregisterManagedInstance",
          "asked", removal=True),
    Stage("DeregisterManagedInstance done", "DeregisterManagedInstance",
          "done", removal=True),
)
FALLING = DEREGISTERING + (
    Stage("manifest removed", removal=True,
          files=lacks(MANIFEST, LIB + "registration")),
    Stage("vault removed", removal=True,
          files=lacks(STORE + "RegistrationKey", STATE)),
)
RISING = FIRST + REGISTERING + VAULT + USER
# With our own agent.
RISING_BUILTIN = REGISTERING + OWN_KEY + USER
FALLING_BUILTIN = DEREGISTERING + (
    Stage("own key removed", removal=True, files=lacks(KEY, STATE)),
)
# On demand: nobody has asked yet; of the others those that may differ.
WAITING = Stage("waiting to be asked")
ON_DEMAND = (WAITING,) + tuple(stage for stage in RISING if stage.name in (
    "state written", "CreateActivation asked", "CreateActivation done",
    "RegisterManagedInstance asked", "RegisterManagedInstance done",
    "DeleteActivation done", "key written", "state complete", UP.name))
ALL = {stage.name: stage for stage in ON_DEMAND + RISING + FALLING
       + RISING_BUILTIN + FALLING_BUILTIN}


def of(way):
    """Return the stages of a way on which a node comes up, and those on which
    it is taken down."""
    if way == "up":
        return RISING, ()
    if way.endswith("builtin"):
        return RISING_BUILTIN, FALLING_BUILTIN
    return ON_DEMAND if way == "demand" else RISING, FALLING


def ends(stage, end, way):
    """Tell whether there is such an end: our own agent has no file that could
    not be started."""
    return (end != "agent dies" or not way.endswith("builtin")
            or stage is UP or stage.removal)
