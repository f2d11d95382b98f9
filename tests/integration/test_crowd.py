# SPDX-License-Identifier: MIT
"""Many containers at once; tests/tools/bench/crowds.py does it with a thousand."""

from case import Case
from crowd import Crowd, ideal

COUNT = 10
LATE = 10.0  # seconds; 2 on an idle machine
CALLS = 4


class Together(Case):
    """Ten containers, five activations a second."""

    def test_ten(self):
        """All get their node soon, with few calls, and nothing is left."""
        crowd = Crowd(COUNT)
        self.addCleanup(crowd.end)
        self.assertLess(crowd.run(60, True), ideal(COUNT) + LATE)
        state = crowd.account()
        self.assertEqual(state["activations"], [])
        self.assertEqual(len(state["nodes"]), COUNT)
        calls = crowd.calls()
        self.assertGreater(calls["CreateActivation"], COUNT)
        self.assertLessEqual(calls["CreateActivation"], CALLS * COUNT)
        self.assertEqual(calls["DeleteActivation"], COUNT)
        self.assertEqual(crowd.log.odd, [])
