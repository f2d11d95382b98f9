# SPDX-License-Identifier: MIT
"""What ssm-activate costs: size, memory, and processor time against the AWS
CLI and curl on the same local server."""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

import place
import procfs
import tracer
from container import Container, environment
from roots import Root

ROLE = "SSMServiceRole"
BODY = json.dumps({"IamRole": ROLE, "RegistrationLimit": 1})
PEAK_LIMIT = 1024  # KiB, of each process of one `up`
RATIO_LIMIT = 200
RUNS = {"ssm-activate": 101, "aws": 9, "curl": 31}
IDLE_LIMIT = 300  # KiB
IDLE_SECONDS, QUICK_SECONDS = 180, 10
SETTLE = 3
IDLE = {"run": ["/usr/local/bin/ssm-activate", "run", "--", "/bin/sleep",
                "600"],
        "up": ["/bin/sh", "-c", "ssm-activate up; sleep 600 & wait"]}
ROUNDS, QUICK_ROUNDS = 500, 50
START_LIMITS = {"gate on": " (wanted: at most +1)",
                "gate off": " (wanted: nothing)"}
UP = ["/bin/sh", "-c", "ssm-activate up && ssm-activate down"]


def heading(text):
    """Begin a part."""
    print("\n" + text, flush=True)


def cpu(argv, env, **options):
    """Run a command; return its user and system time, and how it ended."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, env=env, capture_output=True, timeout=60,
                          check=False, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime
            + after.ru_stime - before.ru_stime), done


def seconds(argv, env):
    """Make an activation and take its id out of the answer, as a script
    would; return the user and system time of both."""
    spent, done = cpu(argv, env, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError("status %d: %s" % (
            done.returncode,
            (done.stdout + done.stderr).decode("utf-8", "replace")[-300:]))
    more, shown = cpu(["/usr/bin/jq", "-r", ".ActivationId"], env,
                      input=done.stdout)
    if len(shown.stdout.strip()) != 36:
        raise RuntimeError("no id in the answer")
    return spent if argv[0] == place.program() else spent + more


def instructions(argv, env):
    """Return how many instructions one run takes, or None."""
    if shutil.which("perf") is None:
        return None
    done = subprocess.run(
        ["perf", "stat", "-x", ",", "-e", "instructions"] + argv, env=env,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        check=False)
    for line in done.stderr.splitlines():
        count = line.split(",")[0]
        if "instructions" in line and count.isdigit():
            return int(count)
    return None


def rivals(aws):
    """Return {name: (what it is, command, environment)}."""
    env = dict(aws.environment(), PATH=os.environ["PATH"])
    url = env["AWS_ENDPOINT_URL"]
    keys = "%s:%s" % (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    return {
        "ssm-activate": ("ssm-activate api", [
            place.program(), "api", "ssm", "CreateActivation", "--body",
            BODY], env),
        "aws": ("aws ssm create-activation | jq", [
            "/usr/bin/aws", "ssm", "create-activation", "--endpoint-url", url,
            "--iam-role", ROLE, "--registration-limit", "1", "--output",
            "json"], env),
        "curl": ("curl --aws-sigv4 | jq", [
            "/usr/bin/curl", "-sS", "--fail-with-body", "--cacert",
            env["AWS_CA_BUNDLE"], "--aws-sigv4",
            "aws:amz:%s:ssm" % place.REGION, "--user", keys, "-H",
            "Content-Type: application/x-amz-json-1.1", "-H",
            "X-Amz-Target: AmazonSSM.CreateActivation", "-d", BODY, url],
            env)}


def show_times(aws):
    """Print the processor time of one CreateActivation by each of them."""
    heading("CPU of one CreateActivation (user and system, median)")
    env = {"PATH": os.environ["PATH"]}
    times = [cpu(["/bin/true"], env)[0] for _ in range(RUNS["curl"])]
    print("  %-34s %9.2f ms" % ("(a program that does nothing)",
                                1000 * statistics.median(times)))
    ours = None
    for name, (title, argv, env) in rivals(aws).items():
        if not os.path.exists(argv[0]):
            print("  %-34s not installed" % title)
            continue
        try:
            seconds(argv, env)
            times = [seconds(argv, env) for _ in range(RUNS[name])]
        except RuntimeError as error:
            print("  %-34s cannot do it: %s" % (title, error))
            continue
        median = statistics.median(times)
        ours = ours or median
        line = "  %-34s %9.2f ms" % (title, 1000 * median)
        if median is not ours:
            line += "   %.0f times ours" % (median / ours)
        print(line, flush=True)
    show_instructions(aws)


def show_instructions(aws):
    """Print the instructions of each, where the machine counts them."""
    ours = None
    for title, argv, env in rivals(aws).values():
        if not os.path.exists(argv[0]):
            continue
        count = instructions(argv, env)
        if count is None:
            print("  (instructions are not counted on this machine)")
            return
        ours = ours or count
        print("  %-34s %9.1f million instructions, %.0f times ours"
              % (title, count / 1e6, count / ours))
    print("  (wanted: aws takes at least %d times ours)" % RATIO_LIMIT)


def label(process, keeper):
    """Say what a process of ours was."""
    if process["pid"] == keeper:
        return "the keeper"
    if process["argv"][1:2] == ["down"]:
        return "down"
    if process["parent"] != keeper:
        return "up"
    return ("worker, uid %d" % process["uid"]
            + (", with the network" if process["uid"] else ""))


def find_keeper(processes):
    """Return the pid of the one with the most children."""
    parents = [one["parent"] for one in processes]
    return statistics.mode(parents)


def show_peaks():
    """Print the memory of each process of one `up` and `down`."""
    heading("Peak memory (VmHWM at its end) of each process of one up, down")
    root = Root("alpine")
    place.mount("-t", "proc", "proc", root.inside("/proc"))
    root.mounts.append(root.inside("/proc"))
    ended = tracer.trace(UP, environment(SSM_ACTIVATE_LOG="error"),
                         root.path)
    ours = [one for one in ended if one["exe"] == "ssm-activate"]
    keeper = find_keeper(ours)
    for one in ours:
        print("  %-34s %9d KiB" % (label(one, keeper), one["peak"]))
    print("  %-34s %9d KiB (wanted: at most %d)" % (
        "the largest of %d" % len(ours), max(one["peak"] for one in ours),
        PEAK_LIMIT))
    root.remove()


def show_idle(seconds):
    """Print the memory of the keeper when nothing happens for some seconds,
    after `up` and under `run`, and how often it wakes up."""
    heading("The idle keeper (smaps_rollup)")
    keepers = {}
    for name, argv in IDLE.items():
        root = Root("alpine")
        held = Container(root, argv).start()
        held.wait_line("is online", 60)
        keepers[name] = (held, root)
    time.sleep(SETTLE)
    before = {name: idle_counts(keeper(held))
              for name, (held, _) in keepers.items()}
    time.sleep(seconds)
    for name, (held, root) in keepers.items():
        show_keeper(name, keeper(held), before[name], seconds)
        held.kill()
        root.remove()


def keeper(held):
    """Return the pid of the keeper in a container."""
    if procfs.program(held.pid1) == "ssm-activate":
        return held.pid1
    return held.keepers()[0]


def show_keeper(name, pid, before, seconds):
    """Print what one keeper holds and did."""
    rollup = dict(line.split(":", 1) for line in
                  procfs.read(pid, "smaps_rollup").decode().splitlines()[1:])
    for field in ("Rss", "Private_Clean", "Private_Dirty"):
        print("  %-34s %9d KiB" % (name + ", " + field,
                                   int(rollup[field].split()[0])))
    private = sum(int(rollup[field].split()[0])
                  for field in ("Private_Clean", "Private_Dirty"))
    print("  %-34s %9d KiB (wanted: at most %d)" % (
        name + ", private", private, IDLE_LIMIT))
    ticks, wakes = (now - then for now, then in
                    zip(idle_counts(pid), before))
    print("  %-34s %9d ticks of 10 ms, %d wake-ups in %d s (wanted: at most "
          "%d)" % (name + ", CPU", ticks, wakes, seconds, seconds // 60))


def idle_counts(pid):
    """Return the processor time of a process and how often it slept."""
    return (cpu_ticks(pid),
            int(procfs.status(pid)["voluntary_ctxt_switches"]))


def cpu_ticks(pid):
    """Return user and system time of a process."""
    fields = procfs.read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12])


def show_start(rounds):
    """Print when an application begins, compared with tini."""
    heading("Start of the application: CLOCK_MONOTONIC at its main minus that "
            "at the\nspawn, %d interleaved rounds (median)" % rounds)
    root = Root("debian")
    shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "start.py"), root.inside("/start.py"))
    shutil.copy(place.standin(), root.inside("/clock"))
    held = Container(root, ["/usr/bin/python3", "/start.py", str(rounds),
                            "/clock"],
                     environment(SSM_ACTIVATE_LOG="error")).start()
    if held.wait(600) != 0:
        raise RuntimeError(held.err)
    medians = json.loads(held.out)
    root.remove()
    for name, value in medians.items():
        line = "  %-34s %9.3f ms" % (name, value / 1e6)
        if name in START_LIMITS and "tini" in medians:
            line += "   tini %+.3f ms%s" % ((value - medians["tini"]) / 1e6,
                                            START_LIMITS[name])
        print(line)


def main():
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    path = place.program()
    heading("The binary")
    print("  %-34s %9d bytes (wanted: at most 524288)"
          % (os.path.basename(path), os.path.getsize(path)))
    with place.Place(inspect_peers=False) as here:
        show_peaks()
        show_idle(QUICK_SECONDS if quick else IDLE_SECONDS)
        show_start(QUICK_ROUNDS if quick else ROUNDS)
        show_times(here.aws)
    return 0


if __name__ == "__main__":
    sys.exit(main())
