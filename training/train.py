# SPDX-License-Identifier: Apache-2.0
"""Trains an encoder jointly with exits at several layers, optionally on unlabelled text with teachers."""
import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm import tqdm

import data
from every_exit import every_exit
from exit_model import ExitModel
from training_run import Checkpoint, linear_schedule, parameter_groups, save_atomically


def parse_arguments(arguments=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--encoder", required=True, help="Hugging Face directory of the pretrained encoder, or an offramp directory")
    p.add_argument("--initial", help="final.pt of an earlier run to go on from, instead of the encoder's weights")
    p.add_argument("--train", nargs="+", required=True, help="label<TAB>text or label<TAB>premise<TAB>hypothesis")
    p.add_argument("--dev", required=True)
    p.add_argument("--out", required=True, help="directory for final.pt, checkpoint.pt and log.jsonl")
    p.add_argument("--labels", nargs="+", required=True, help="labels as written in the data, in label order")
    p.add_argument("--label-names", nargs="+", help="names the model gives them (default: as in the data)")
    p.add_argument("--layers", nargs="+", type=int, help="1-based layers with an exit (default: all)")
    p.add_argument("--input", choices=["single", "pair"], default="single")
    p.add_argument("--pooling", choices=["cls", "mean"], default="cls")
    p.add_argument("--pooler", choices=["none", "shared", "own"], default="own")
    p.add_argument("--max-tokens", type=int, default=512)
    p.add_argument("--loss-weights", nargs="+", type=float, help="one weight per exit (default: 1 each)")
    p.add_argument("--self-distillation", type=float, default=0.0, help="weight of each exit's cross-entropy to the last exit")
    p.add_argument("--teacher", nargs="+", default=[], help="--out of earlier runs, of any family, or offramp model directories; "
                   "their last exits are averaged")
    p.add_argument("--offramp", default="offramp", help="the built command, which answers for teachers that are offramp model "
                   "directories, in int8: on a CPU several times faster than PyTorch")
    p.add_argument("--teacher-temperature", type=float, default=1.6)
    p.add_argument("--teacher-weight", type=float, default=0.3, help="weight of the teachers on labelled rows")
    p.add_argument("--unlabelled", help="texts, one a line, to train on with the teachers' answers")
    p.add_argument("--epochs", type=float, default=3)
    p.add_argument("--tokens", type=int, default=2048, help="padded tokens a batch")
    p.add_argument("--encoder-lr", type=float, default=1e-4)
    p.add_argument("--head-lr", type=float, default=1e-3)
    p.add_argument("--weight-decay", type=float, default=0.01)
    p.add_argument("--warmup", type=float, default=0.06, help="fraction of all steps")
    p.add_argument("--average", type=float, default=0.0, help="decay of the exponential average of the weights; 0: none")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--checkpoint-seconds", type=float, default=120)
    p.add_argument("--float32", action="store_true", help="no bfloat16 autocast")
    return p.parse_args(arguments)


def is_offramp_model(directory: Path) -> bool:
    return (directory / "exits.json").exists()


def teacher_logits(a, directory: Path, texts: list) -> torch.Tensor:
    """Of the last exit: [texts, labels]."""
    if is_offramp_model(directory):
        labels = json.loads((directory / "exits.json").read_text(encoding="utf-8"))["labels"]
        if labels != (a.label_names or a.labels):
            raise SystemExit(f"{directory}: its labels are {labels}, expected {a.label_names or a.labels}")
        lines = ["\t".join(text) if isinstance(text, tuple) else text for text in texts]
        return torch.tensor([exits[-1]["logits"] for exits in every_exit(a.offramp, directory, lines, "int8")])
    teacher = ExitModel.load(directory / "final.pt")
    tokenizer = data.load_tokenizer(directory, teacher.settings["max_tokens"])
    read = data.encode(tokenizer, texts, [-1] * len(texts))
    return data.predict(teacher, read, autocast=not a.float32, progress=lambda b: tqdm(b, desc="teacher", mininterval=5))[-1]


def weights_of(teacher: Path) -> Path:
    return teacher / ("model.safetensors" if is_offramp_model(teacher) else "final.pt")


def soft_labels(a, texts: list) -> torch.Tensor:
    """Mean over the teachers of softmax(last exit / temperature): [texts, labels]. Kept in the output directory, and for nothing
    else than these texts, teachers and labels."""
    cache = Path(a.out) / "teacher.pt"
    weights = [hashlib.sha256(weights_of(Path(directory)).read_bytes()).hexdigest() for directory in a.teacher]
    names = a.label_names or a.labels
    asked = hashlib.sha256(json.dumps([texts, weights, a.teacher_temperature, names]).encode()).hexdigest()
    if cache.exists():
        kept = torch.load(cache, weights_only=True)
        if not isinstance(kept, dict) or kept["asked"] != asked:
            raise SystemExit(f"{cache}: expected the answers of these teachers to these texts; delete it, or name another --out")
        return kept["answers"]
    total = torch.zeros(len(texts), len(a.labels))
    for directory in a.teacher:
        total += torch.softmax(teacher_logits(a, Path(directory), texts) / a.teacher_temperature, -1)
    answers = total / len(a.teacher)
    save_atomically({"asked": asked, "answers": answers}, cache)
    return answers


def soft_cross_entropy(logits, target):
    return -(target * F.log_softmax(logits, -1)).sum(-1)


def loss_of(logits, labels, teacher, a):
    """Mean over texts of the weighted sum over exits; `labels` -1 marks unlabelled rows, `teacher` may be None."""
    exits, texts, _ = logits.shape
    weights = torch.tensor(a.loss_weights or [1.0] * exits)
    known = labels >= 0
    hard = F.cross_entropy(logits.flatten(0, 1), labels.clamp(min=0).repeat(exits), reduction="none").view(exits, texts)
    if teacher is None:
        loss = hard
    else:
        share = torch.where(known, a.teacher_weight, 1.0)
        loss = (1 - share) * hard + share * soft_cross_entropy(logits, teacher)
    total = (weights[:, None] * loss).sum(0).mean()
    if a.self_distillation:
        last = torch.softmax(logits[-1].detach(), -1)
        total = total + a.self_distillation * (weights[:-1, None] * soft_cross_entropy(logits[:-1], last)).sum(0).mean()
    return total


def depth_of(encoder: str) -> int:
    return json.loads((Path(encoder) / "config.json").read_text())["num_hidden_layers"]


def make_optimizer(model, a) -> torch.optim.Optimizer:
    heads = {"params": list(model.heads.parameters()), "lr": a.head_lr, "weight_decay": a.weight_decay}
    return torch.optim.AdamW([*parameter_groups(model.encoder, a.encoder_lr, a.weight_decay), heads], fused=True)


def train_step(model, optimizer, batch: dict, labels, teacher, a) -> float:
    """One step of the optimizer; returns the loss before it."""
    with torch.autocast("cpu", torch.bfloat16, enabled=not a.float32):
        logits = model(batch)
    loss = loss_of(logits, labels, teacher, a)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def summary(model, texts) -> dict:
    logits = data.predict(model, texts)
    labels = torch.tensor(texts.labels)
    return {
        "accuracy": [round((l.argmax(-1) == labels).float().mean().item(), 4) for l in logits],
        "nll": [round(F.cross_entropy(l, labels).item(), 4) for l in logits],
    }


def keep_log(path: Path, step: int) -> None:
    """Of a log, the lines up to a step: those behind it are written again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if json.loads(line)["step"] <= step), encoding="utf-8")


def main():
    a = parse_arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    settings = {
        "labels": a.label_names or a.labels,
        "layers": a.layers or list(range(1, depth_of(a.encoder) + 1)),
        "input": a.input, "pooling": a.pooling, "pooler": a.pooler, "max_tokens": a.max_tokens,
    }
    if a.loss_weights and len(a.loss_weights) != len(settings["layers"]):
        raise SystemExit(f"--loss-weights: {len(a.loss_weights)} of them, expected one for each of {len(settings['layers'])} exits")
    if a.label_names and len(a.label_names) != len(a.labels):
        raise SystemExit(f"--label-names: {len(a.label_names)} of them, expected one for each of {len(a.labels)} labels")
    if a.unlabelled and not a.teacher:
        raise SystemExit("--unlabelled: only a --teacher says what those texts are to be answered")
    tokenizer = data.load_tokenizer(a.encoder, a.max_tokens)
    shutil.copy(Path(a.encoder) / "tokenizer.json", out)
    texts, labels = data.read_labelled(a.train, settings, a.labels)
    if a.unlabelled:
        unlabelled = data.read_unlabelled(a.unlabelled, settings)
        texts, labels = texts + unlabelled, labels + [-1] * len(unlabelled)
    teacher = soft_labels(a, texts) if a.teacher else None
    train = data.encode(tokenizer, texts, labels)
    dev = data.encode(tokenizer, *data.read_labelled([a.dev], settings, a.labels))
    labels = torch.tensor(labels)
    lengths = [len(i) for i in train.ids]

    torch.manual_seed(a.seed)  # whatever a teacher drew, whose answers an interrupted run may have kept
    model = ExitModel.load(a.initial) if a.initial else ExitModel.from_pretrained(a.encoder, settings)
    if model.settings != settings:
        raise SystemExit(f"{a.initial}: its settings are {model.settings}, expected {settings}")
    optimizer = make_optimizer(model, a)
    per_epoch = len(data.cut_batches(lengths, a.tokens, a.seed))
    steps = int(per_epoch * a.epochs)
    schedule = linear_schedule(optimizer, steps, a.warmup)
    average = {k: v.clone() for k, v in model.state_dict().items()} if a.average else None

    checkpoint, step, running = Checkpoint(out / "checkpoint.pt", model, optimizer, schedule, a.checkpoint_seconds), 0, None
    if (stored := checkpoint.load()) is not None:
        step, average, running = stored["step"], stored["average"], stored["running"]
    keep_log(out / "log.jsonl", step)
    bar = tqdm(total=steps, initial=step, desc="train", mininterval=5)
    batches, epoch = [], -1
    while step < steps:
        if step // per_epoch != epoch:
            epoch = step // per_epoch
            batches = data.cut_batches(lengths, a.tokens, a.seed * 1000 + epoch)
        batch = batches[step % per_epoch]
        model.train()
        loss = train_step(model, optimizer, data.collate(train, batch), labels[batch], None if teacher is None else teacher[batch], a)
        schedule.step()
        step += 1
        bar.update()
        running = loss if running is None else 0.98 * running + 0.02 * loss
        if average is not None and step % 10 == 0:
            decay = min(a.average, step / (step + 100))
            for k, v in model.state_dict().items():
                if v.is_floating_point():
                    average[k].lerp_(v, 1 - decay)
        if step % 100 == 0:
            bar.set_postfix(loss=f"{running:.3f}")
        if step % per_epoch == 0 or step == steps:
            line = {"step": step, "epoch": round(step / per_epoch, 2), "loss": running, **summary(model, dev)}
            print(json.dumps(line), flush=True)
            with open(out / "log.jsonl", "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        checkpoint.save_if_due(step=step, average=average, running=running)
    if average is not None:
        model.save(out / "last.pt")
        model.load_state_dict(average)
        print(json.dumps({"average": True, **summary(model, dev)}), flush=True)
    model.eval()
    model.save(out / "final.pt.tmp")
    os.replace(out / "final.pt.tmp", out / "final.pt")
    checkpoint.remove()


if __name__ == "__main__":
    main()
