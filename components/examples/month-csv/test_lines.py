"""python3 -m unittest"""

import types
import unittest

from lines import months

NOVEMBER = 1793491200


def vm(uuid, measured_at, **fields):
    known = {
        "fqan": "vo",
        "global_user_name": None,
        "status": "started",
        "start": 0,
        "end": None,
        "wall_seconds": 60,
        "cpu_seconds": None,
        "cpu_count": 0.5,
        "memory_mib": 1024,
    }
    head = types.SimpleNamespace(measured_at=measured_at)
    return types.SimpleNamespace(head=head, vm_uuid=uuid, **{**known, **fields})


class Months(unittest.TestCase):
    def test_each_month_is_a_table_of_its_own(self):
        found = months([vm("b", NOVEMBER + 1), vm("a", NOVEMBER + 1, global_user_name='x "y", z'), vm("c", NOVEMBER)])
        self.assertEqual(list(found), ["2026-10", "2026-11"])
        self.assertEqual(
            found["2026-11"],
            "month,vo,vm,user,status,start,end,wall_seconds,cpu_seconds,cpus,memory_mib\n"
            '2026-11,vo,a,"x ""y"", z",started,1970-01-01 00:00:00,,60,,0.5,1024\n'
            "2026-11,vo,b,,started,1970-01-01 00:00:00,,60,,0.5,1024\n",
        )
        self.assertEqual(months([]), {})


if __name__ == "__main__":
    unittest.main()
