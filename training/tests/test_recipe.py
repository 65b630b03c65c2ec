# SPDX-License-Identifier: Apache-2.0
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import data
import exit_model
import export
import sentences
import train


class Recipe(unittest.TestCase):
    def test_quantize_is_within_half_a_step_per_row(self):
        weight = torch.randn(7, 11) * torch.logspace(-3, 3, 7)[:, None]
        weight[2] = 0
        q, scale = export.quantize(weight)
        assert ((q.float() * scale[:, None] - weight).abs() <= scale[:, None] * 0.5001).all()
        assert q.min() >= -127 and (q[2] == 0).all()

    def test_an_encoder_in_int8_is_that_of_its_multiplied_out_weights(self):
        bundled = Path(__file__).resolve().parents[2] / "models" / "sentiment-ko"
        encoder = exit_model.load_encoder(str(bundled), attention_probs_dropout_prob=0.0)
        stored = load_file(bundled / "model.safetensors")
        name = "encoder.layer.0.attention.self.query.weight"
        stored_name = next(key for key in stored if key.endswith(name))
        expected = stored[stored_name].float() * stored[stored_name + ".scale"][:, None]
        assert stored[stored_name].dtype == torch.int8
        assert torch.equal(encoder.state_dict()[name], expected)
        assert encoder.config.attention_probs_dropout_prob == 0.0

    def test_batches_hold_every_text_once_within_the_budget(self):
        lengths = [1 + i * 7 % 40 for i in range(300)]
        batches = data.cut_batches(lengths, 100, 5)
        assert sorted(i for b in batches for i in b) == list(range(300))
        assert all(len(b) * max(lengths[i] for i in b) <= 100 for b in batches)

    def test_unlabelled_rows_learn_from_the_teacher_alone(self):
        a = SimpleNamespace(loss_weights=None, teacher_weight=0.3, self_distillation=0.0)
        logits, teacher = torch.randn(2, 1, 2), torch.tensor([[0.25, 0.75]])
        expected = -(teacher * torch.log_softmax(logits, -1)).sum()
        assert torch.allclose(train.loss_of(logits, torch.tensor([-1]), teacher, a), expected)

    def test_what_nothing_answers_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "config.json").write_text('{"num_hidden_layers": 2}')
            given = ["train.py", "--encoder", folder, "--train", "t.tsv", "--dev", "d.tsv", "--out", folder + "/out", "--labels", "0", "1"]
            for wrong, part in ((["--unlabelled", "u.txt"], "--teacher"), (["--loss-weights", "1"], "each of 2 exits"),
                                (["--label-names", "no"], "each of 2 labels")):
                with mock.patch.object(sys, "argv", [*given, *wrong]), self.assertRaisesRegex(SystemExit, part):
                    train.main()

    def test_a_log_ends_where_the_training_goes_on(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.jsonl"
            train.keep_log(log, 5)
            assert not log.exists()
            log.write_text('{"step": 4}\n{"step": 8}\n')
            train.keep_log(log, 8)
            assert log.read_text() == '{"step": 4}\n{"step": 8}\n'
            train.keep_log(log, 7)
            assert log.read_text() == '{"step": 4}\n'

    def test_an_offramp_model_teaches_what_its_last_exit_says(self):
        with tempfile.TemporaryDirectory() as folder:
            command = Path(folder) / "offramp"
            command.write_text("""#!/bin/sh
            while read -r line; do printf '{"exits":[{"logits":[9,0]},{"logits":[%s,2]}]}\\n' "${#line}"; done
            """)
            command.chmod(0o700)
            (Path(folder) / "exits.json").write_text('{"labels": ["no", "yes"]}')
            a = SimpleNamespace(offramp=str(command), labels=["0", "1"], label_names=["no", "yes"])
            assert train.teacher_logits(a, Path(folder), ["abc", ("a", "bcd")]).tolist() == [[3, 2], [5, 2]]
            a.label_names = None
            with self.assertRaisesRegex(SystemExit, "its labels are"):
                train.teacher_logits(a, Path(folder), ["abc"])

    def test_answers_are_kept_for_the_same_texts_and_teachers_alone(self):
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.object(train, "teacher_logits", lambda a, d, texts: torch.tensor([[len(t), 1.0] for t in texts])):
            for name in ("t", "u"):
                (Path(folder) / name).mkdir()
                (Path(folder) / name / "final.pt").write_text(name)
            a = SimpleNamespace(out=folder, labels=["0", "1"], label_names=None, teacher=[folder + "/t"], teacher_temperature=2.0)
            answers = train.soft_labels(a, ["abc", "d"])
            assert torch.allclose(answers, torch.softmax(torch.tensor([[3, 1.0], [1, 1.0]]) / 2, -1))
            with mock.patch.object(train, "teacher_logits", None):
                assert torch.equal(train.soft_labels(a, ["abc", "d"]), answers)
            with mock.patch.object(train, "teacher_logits", None):
                assert torch.equal(train.soft_labels(SimpleNamespace(**{**vars(a), "teacher": [folder + "/t/"]}), ["abc", "d"]), answers)
            for change, texts in (({}, ["abd", "d"]), ({"teacher": [folder + "/u"]}, ["abc", "d"]), ({"labels": ["1", "0"]}, ["abc", "d"]),
                                  ({"teacher_temperature": 1.0}, ["abc", "d"])):
                with self.assertRaisesRegex(SystemExit, "these teachers to these texts"):
                    train.soft_labels(SimpleNamespace(**{**vars(a), **change}), texts)

    def test_a_label_that_is_unknown_is_told_with_its_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "t.tsv"
            path.write_text("0\ta\n\n2\tb\n")
            with self.assertRaisesRegex(SystemExit, "t.tsv:3: unknown label '2'"):
                data.read_labelled([str(path)], {"input": "single"}, ["0", "1"])

    def test_sentences_are_tokenized_like_sst(self):
        assert sentences.sentences("It's fun.<br />Don't (ever) miss it!") == ["it 's fun .", "do n't ( ever ) miss it !"]


if __name__ == "__main__":
    unittest.main()
