# SPDX-License-Identifier: MIT
"""A disk or a machine that is slow: what is late is waited for. With
SSM_ACTIVATE_TEST_FULL=1 also a disk on which each write takes 5 s, and a crowd
on it."""

import os
import signal
import threading
import unittest

import brake
import stages
from case import BIN, SH, Case, environment
from container import Container
from crowd import Crowd
from roots import Root

FULL = os.environ.get("SSM_ACTIVATE_TEST_FULL") == "1"
APP = "trap 'exit 7' TERM; echo started; sleep 300 & wait"
PATIENCE = 90
COUNT, EACH = 20, 5.0


class Slow(Case):
    """One late call a life, longer than anything else may take."""

    def life(self, root, halt, condition, late):
        """Live with one call of `late` seconds once the condition holds;
        return what is wrong."""
        held = Container(root, [BIN, "run", "--", SH, "-c", APP],
                         environment())
        halt.arm(condition)
        try:
            halt.call(held.start)
            halt.stopped.wait(PATIENCE)
            threading.Timer(late, halt.release).start()
            held.wait_line("is online", PATIENCE)
            held.signal(signal.SIGTERM)
            wrong = [] if held.wait(30) == 7 else ["status"]
            for word in ("no end", "no_access", "save", "error: "):
                if word in held.err:
                    wrong.append("said: " + word)
            return wrong + ([] if "started" in held.out else ["no CMD"]), \
                held.err
        except Exception as error:
            return [repr(error)], held.err
        finally:
            held.kill()

    def check(self, rows):
        """Live all at once: each waits most of its time."""
        results = {}

        def work(name, halt, condition, late, root):
            results[name] = self.life(root, halt, lambda: condition(root),
                                      late)

        threads = [threading.Thread(target=work, args=(*row, self.root()))
                   for row in rows]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(len(results), len(rows))
        for name, (wrong, said) in results.items():
            with self.subTest(name):
                self.assertEqual(wrong, [], said)
        self.assert_account_empty()
        return results

    @unittest.skipUnless(brake.usable(), "no notices of system calls here")
    def test_late_write(self):
        """While it prepares, saves what AWS has made, and installs; what takes
        longest is told."""
        results = self.check([
            ("prepare", brake.Brake(), stages.half(stages.OURS), 24),
            ("save", brake.Brake(),
             stages.half(stages.OURS, stages.REGION + ": \"eu"), 12),
            ("install", brake.Brake(), stages.half(stages.STORE), 24),
        ])
        for name, (_, said) in results.items():
            told = said.count("waiting for the disk")
            self.assertEqual(told, int(name != "save"), said)

    @unittest.skipUnless(FULL and brake.usable(), "with all tests")
    def test_late_read(self):
        """A read that takes 30 s."""
        self.check([("read", brake.Reads(), stages.has(stages.STATE), 30)])

    @unittest.skipUnless(FULL and brake.usable(), "with all tests")
    def test_crowd(self):
        """Many on a disk on which each write takes some seconds get there,
        without beginning again."""
        disk = brake.Slow(EACH)
        crowd = disk.call(lambda: Crowd(COUNT))
        self.addCleanup(crowd.end)
        crowd.run(20 * PATIENCE)
        self.assertEqual(len(crowd.account()["nodes"]), COUNT)
        self.assertEqual(crowd.calls()["RegisterManagedInstance"], COUNT)

    @unittest.skipUnless(brake.usable(), "no notices of system calls here")
    def test_interrupted(self):
        """One of three calls is interrupted: nothing is lost by it."""
        held = Container(Root("alpine"), [BIN, "run", "--user", "1000", "--",
                                          SH, "-c", APP], environment())
        self.held.append(held)
        self.roots.append(held.root)
        brake.Interrupting().call(held.start)
        held.wait_line("is online", PATIENCE)
        held.signal(signal.SIGTERM)
        self.assertEqual(held.wait(30), 7)
        self.assertNotIn("warn", held.err)
        self.assert_clean(held.root)
