# SPDX-License-Identifier: Apache-2.0
import io
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import join_parts

MODEL = {"encoder/config.json": b"{}", "encoder/1_Pooling/config.json": b"{1}", "encoder/model.safetensors": b"w" * 1000,
         "encoder/pytorch_model.bin": b"a pickle", "encoder/run.py": b"a script", "other/config.json.bak": b""}


def archive(files):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    return memory.getvalue()


class JoinParts(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.root = Path(self.scratch.name)
        self.out = self.root / "out"

    def tearDown(self):
        self.scratch.cleanup()

    def package(self, number, content, name="encoder.zip"):
        path = self.root / f"part_{number}.whl"
        with zipfile.ZipFile(path, "w") as target:
            target.writestr("part/__init__.py", b"")
            target.writestr(f"part/input/{name}.{number:03}", content)
        return path

    def packages(self, content, parts=3):
        size = -(-len(content) // parts)
        return [self.package(i + 1, content[i * size:(i + 1) * size]) for i in range(parts)]

    def expect_refusal(self, packages, *parts):
        with self.assertRaises(join_parts.Refused) as caught:
            join_parts.join(packages, self.out)
        for part in parts:
            self.assertIn(part, str(caught.exception))
        self.assertFalse((self.out / "config.json").exists())

    def test_makes_the_directory_of_a_model_in_any_order_of_packages(self):
        join_parts.join(self.packages(archive(MODEL))[::-1], self.out)
        found = {str(path.relative_to(self.out)): path.read_bytes() for path in self.out.rglob("*") if path.is_file()}
        self.assertEqual(found, {"config.json": b"{}", "1_Pooling/config.json": b"{1}", "model.safetensors": b"w" * 1000})
        self.assertEqual({path.name for path in self.root.iterdir()} - {"out"},
                         {"part_1.whl", "part_2.whl", "part_3.whl"}, "what it needed meanwhile is gone")

    def test_refuses_parts_that_make_no_whole(self):
        packages = self.packages(archive(MODEL))
        self.expect_refusal([packages[0], packages[2]], "part 2 of encoder.zip is missing")
        self.expect_refusal(packages[:2], "zip")
        self.expect_refusal([packages[0], packages[0]], "encoder.zip.001", "too")
        self.expect_refusal([*packages, self.package(4, b"", "another.zip")], "2 archives")
        self.expect_refusal([self.package(1, b"no archive")], "zip")
        self.expect_refusal([self.root / "none.whl"], "none.whl")

    def test_refuses_content_that_was_changed(self):
        content = archive(MODEL)
        self.expect_refusal(self.packages(content.replace(b"w" * 1000, b"w" * 999 + b"v")), "CRC")

    def test_refuses_names_outside_and_archives_without_a_model(self):
        self.expect_refusal(self.packages(archive({"config.json": b"{}", "../evil.json": b""})), "evil.json")
        self.assertFalse((self.root / "evil.json").exists())
        self.expect_refusal(self.packages(archive({"notes.txt": b""})), "config.json")

    def test_overwrites_nothing(self):
        self.out.mkdir()
        self.expect_refusal(self.packages(archive(MODEL)), "exists already")


if __name__ == "__main__":
    unittest.main()
