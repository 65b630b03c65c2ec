# SPDX-License-Identifier: Apache-2.0
import collections
import json
import pickle
import sys
import tempfile
import unittest
from pathlib import Path

import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import convert


def weights():
    torch.manual_seed(1)
    table = torch.randn(5, 4)
    return collections.OrderedDict([("a.weight", table), ("tied.weight", table), ("view", table[1:3].t()),
                                    ("half", torch.randn(3).half()), ("double", torch.randn(2).double()),
                                    ("position_ids", torch.arange(4)[None]), ("scalar", torch.tensor(2.5))])


class Harmful:
    """What a pickle runs when it is loaded without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


class Convert(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.root = Path(self.scratch.name)
        self.out = self.root / "out"

    def tearDown(self):
        self.scratch.cleanup()

    def expect_refusal(self, source, *parts):
        with self.assertRaises(convert.Refused) as caught:
            convert.convert(source, self.out)
        for part in parts:
            self.assertIn(part, str(caught.exception))
        self.assertFalse(list(self.out.glob("*.safetensors*")))

    def expect_same(self, found, expected):
        self.assertEqual(found.keys(), expected.keys())
        for name, value in expected.items():
            value = value.float() if value.dtype == torch.float64 else value
            self.assertEqual(found[name].dtype, value.dtype)
            self.assertTrue(torch.equal(found[name], value), name)

    def test_both_containers_of_every_ending(self):
        for zipped in (True, False):
            for ending in ("bin", "th", "pt"):
                source = self.root / f"weights.{ending}"
                torch.save(weights(), source, _use_new_zipfile_serialization=zipped)
                out = self.root / f"out-{zipped}-{ending}"
                convert.convert(source, out)
                self.expect_same(load_file(out / "model.safetensors"), weights())

    def test_parameters_and_what_training_loops_wrap_around_them(self):
        state = torch.nn.Linear(3, 2).state_dict(keep_vars=True)
        for i, content in enumerate((state, {"state_dict": state, "epoch": 3}, {"model": state, "optimizer": {"lr": 0.1}},
                                     {"module." + name: value for name, value in state.items()})):
            torch.save(content, self.root / "x.pt")
            convert.convert(self.root / "x.pt", self.root / f"out{i}")
            self.expect_same(load_file(self.root / f"out{i}" / "model.safetensors"), state)

    def test_a_directory_with_its_other_files(self):
        source = self.root / "model"
        (source / "vocabulary").mkdir(parents=True)
        torch.save(weights(), source / "weights.th")
        for name in ("config.json", "vocab.txt", "vocabulary/labels.txt"):
            (source / name).write_text(name)
        convert.convert(source, self.out)
        self.assertEqual({str(p.relative_to(self.out)) for p in self.out.rglob("*") if p.is_file()},
                         {"model.safetensors", "config.json", "vocab.txt", "vocabulary/labels.txt"})
        convert.convert(source, source)
        self.expect_same(load_file(source / "model.safetensors"), weights())

    def shards(self, names):
        source = self.root / "sharded"
        source.mkdir()
        for i, part in enumerate(names, 1):
            torch.save({name: weights()[name] for name in part}, source / f"pytorch_model-0000{i}-of-00002.bin")
        return source

    def write_index(self, source, weight_map):
        (source / convert.INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))

    def test_shards_keep_their_index(self):
        parts = (["a.weight", "half"], ["tied.weight", "scalar"])
        source = self.shards(parts)
        self.write_index(source, {name: f"pytorch_model-0000{i}-of-00002.bin" for i, part in enumerate(parts, 1) for name in part})
        convert.convert(source, self.out)
        index = json.loads((self.out / "model.safetensors.index.json").read_text())["weight_map"]
        self.assertEqual(index, {name: f"model-0000{i}-of-00002.safetensors" for i, part in enumerate(parts, 1) for name in part})
        for name, file in index.items():
            self.assertTrue(torch.equal(load_file(self.out / file)[name], weights()[name]))
        self.assertFalse((self.out / convert.INDEX).exists())

    def test_wrong_shards(self):
        source = self.shards((["half"], ["scalar"]))
        self.write_index(source, {"half": "pytorch_model-00001-of-00002.bin", "other": "pytorch_model-00001-of-00002.bin"})
        self.expect_refusal(source, "tensor other is missing")
        for name in ("../x.bin", "/x.bin", "x.pt", 3):
            self.write_index(source, {"half": name})
            self.expect_refusal(source, convert.INDEX, repr(name))

    def test_wrong_indices(self):
        source = self.shards((["half"], ["scalar"]))
        for content in ("", "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}'):
            (source / convert.INDEX).write_text(content)
            self.expect_refusal(source, convert.INDEX, "weight_map")

    def test_a_tensor_in_two_shards(self):
        source = self.shards((["half"], ["half"]))
        self.write_index(source, {"half": "pytorch_model-00002-of-00002.bin", "x": "pytorch_model-00001-of-00002.bin"})
        with self.assertRaises(convert.Refused):
            convert.convert(source, self.out)

    def test_code_in_a_pickle_is_not_run(self):
        mark = self.root / "run"
        for zipped in (True, False):
            torch.save({"a": torch.ones(1), "b": Harmful(mark)}, self.root / "x.bin", _use_new_zipfile_serialization=zipped)
            self.expect_refusal(self.root / "x.bin", "x.bin", "weights alone")
        (self.root / "x.bin").write_bytes(pickle.dumps(Harmful(mark), protocol=2))
        self.expect_refusal(self.root / "x.bin", "x.bin", "weights alone")
        self.assertFalse(mark.exists())

    def test_what_is_no_checkpoint(self):
        whole = self.root / "whole.bin"
        torch.save(weights(), whole)
        torch.save(weights(), self.root / "old.bin", _use_new_zipfile_serialization=False)
        old = (self.root / "old.bin").read_bytes()
        cut = [content[:len(content) * i // 12] for content in (old, whole.read_bytes()) for i in range(12)]
        for content in (b"", b"PK", b"no pickle at all", *cut):
            (self.root / "x.bin").write_bytes(content)
            self.expect_refusal(self.root / "x.bin", "x.bin")
        for content in ([torch.ones(1)], {"epoch": 1}, {}, {"a": torch.ones(1), "b": 2}, {3: torch.ones(1)}):
            torch.save(content, self.root / "x.bin")
            self.expect_refusal(self.root / "x.bin", "expected tensors by name")
        torch.save({"s": torch.eye(3).to_sparse()}, self.root / "x.bin")
        self.expect_refusal(self.root / "x.bin", "tensor s is sparse")
        self.expect_refusal(self.root / "absent.bin", "absent.bin")
        self.expect_refusal(self.root, "expected one of them")

    def test_nothing_is_overwritten(self):
        torch.save(weights(), self.root / "x.bin")
        convert.convert(self.root / "x.bin", self.out)
        before = (self.out / "model.safetensors").read_bytes()
        with self.assertRaises(convert.Refused):
            convert.convert(self.root / "x.bin", self.out)
        self.assertEqual((self.out / "model.safetensors").read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
