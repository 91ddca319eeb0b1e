"""python3 -m unittest"""

import types
import unittest

from lines import lines


def record(uuid, wall_seconds):
    return types.SimpleNamespace(vm_uuid=uuid, fqan="vo.example.org", wall_seconds=wall_seconds)


class Lines(unittest.TestCase):
    def test_a_line_each_and_nothing_for_what_is_not_known(self):
        records = [record("a", 60), record("b\nc", None)]
        self.assertEqual(lines(records, ";"), "a;vo.example.org;60\nb c;vo.example.org;\n")
        self.assertEqual(lines([], ";"), "")


if __name__ == "__main__":
    unittest.main()
