import unittest

import app


class Double(unittest.TestCase):
    def test_double(self):
        self.assertEqual(app.double(4), 8)
