# SPDX-License-Identifier: Apache-2.0
"""Pretrains a small BERT from nothing: a unigram vocabulary, then masked-language modelling on lines of text.

--out gets a Hugging Face directory that train.py --encoder takes. Until all steps are done it also holds checkpoint.pt, from
which the same command goes on.
"""
import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tqdm import tqdm
from transformers import BertConfig, BertForMaskedLM

import data
from training_run import Checkpoint, linear_schedule, parameter_groups

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--texts", nargs="+", required=True, help="files of label<TAB>text or text, one a line")
    p.add_argument("--without", nargs="+", default=[], help="files whose texts are left out, test sets above all")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--pieces", type=int, default=12000)
    p.add_argument("--layers", type=int, default=6)
    p.add_argument("--hidden", type=int, default=256)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--max-tokens", type=int, default=128)
    p.add_argument("--epochs", type=float, default=6)
    p.add_argument("--tokens", type=int, default=4096, help="padded tokens a batch")
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--weight-decay", type=float, default=0.01)
    p.add_argument("--warmup", type=float, default=0.05, help="fraction of all steps")
    p.add_argument("--masked", type=float, default=0.2, help="share of tokens to predict")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--checkpoint-seconds", type=float, default=120)
    p.add_argument("--float32", action="store_true", help="no bfloat16 autocast")
    return p.parse_args()


def text_of(line: str) -> str:
    return line.split("\t", 1)[-1].strip()


def read_texts(files: list[str], without: list[str]) -> list[str]:
    """Each text once, in the order of the files."""
    def texts(names):
        return (text_of(line) for name in names for line in Path(name).read_text(encoding="utf-8").split("\n"))
    left_out = set(texts(without))
    kept = dict.fromkeys(text for text in texts(files) if text and text not in left_out)
    return list(kept)


def train_tokenizer(texts: list[str], a) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=a.pieces, special_tokens=SPECIAL, unk_token="[UNK]", show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    cls, sep = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", cls), ("[SEP]", sep)])
    return tokenizer


def prepare_directory(texts: list[str], a) -> None:
    """The tokenizer and its configuration, once."""
    if (a.out / "tokenizer_config.json").exists():
        return
    a.out.mkdir(parents=True, exist_ok=True)
    train_tokenizer(texts, a).save(str(a.out / "tokenizer.json"))
    (a.out / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": a.max_tokens, "cls_token": "[CLS]",
        "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}, indent=2) + "\n",
        encoding="utf-8")


def make_model(a, vocabulary: int) -> BertForMaskedLM:
    """Without dropout: so small a model on so much text does not overfit, and drawing the masks takes time."""
    return BertForMaskedLM(BertConfig(
        vocab_size=vocabulary, hidden_size=a.hidden, num_hidden_layers=a.layers, num_attention_heads=a.heads,
        intermediate_size=4 * a.hidden, max_position_embeddings=a.max_tokens, pad_token_id=0,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager"))


def masked_loss(model: BertForMaskedLM, batch: dict, a) -> torch.Tensor:
    """Mean cross-entropy over the chosen tokens, of which 80 % are shown as [MASK] and 10 % as any other token (Devlin et al.
    2019). The vocabulary's logits are computed at those places alone."""
    ids = batch["input_ids"]
    chosen = (torch.rand(ids.shape) < a.masked) & (ids >= len(SPECIAL))
    fate = torch.rand(ids.shape)
    shown = torch.where(chosen & (fate < 0.8), SPECIAL.index("[MASK]"), ids)
    anything = torch.randint(len(SPECIAL), model.config.vocab_size, ids.shape)
    shown = torch.where(chosen & (fate >= 0.9), anything, shown)
    with torch.autocast("cpu", torch.bfloat16, enabled=not a.float32):
        states = model.bert(input_ids=shown, attention_mask=batch["attention_mask"]).last_hidden_state
        logits = model.cls(states[chosen])
    return F.cross_entropy(logits.float(), ids[chosen])


def main():
    a = parse_arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    texts = read_texts(a.texts, a.without)
    prepare_directory(texts, a)
    tokenizer = data.load_tokenizer(a.out, a.max_tokens)
    corpus = data.encode(tokenizer, texts, [-1] * len(texts))
    lengths = [len(ids) for ids in corpus.ids]
    model = make_model(a, tokenizer.get_vocab_size())
    optimizer = torch.optim.AdamW(parameter_groups(model, a.lr, a.weight_decay), betas=(0.9, 0.98), fused=True)
    per_epoch = len(data.cut_batches(lengths, a.tokens, a.seed))
    steps = int(per_epoch * a.epochs)
    schedule = linear_schedule(optimizer, steps, a.warmup)
    checkpoint, step = Checkpoint(a.out / "checkpoint.pt", model, optimizer, schedule, a.checkpoint_seconds), 0
    if (stored := checkpoint.load()) is not None:
        step = stored["step"]
    elif (a.out / "model.safetensors").exists():
        raise SystemExit(f"{a.out}: holds a finished model")
    running, epoch, batches = None, -1, []
    bar = tqdm(total=steps, initial=step, desc="pretrain", mininterval=10)
    model.train()
    while step < steps:
        if step // per_epoch != epoch:
            epoch = step // per_epoch
            batches = data.cut_batches(lengths, a.tokens, a.seed * 1000 + epoch)
        loss = masked_loss(model, data.collate(corpus, batches[step % per_epoch]), a)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        step += 1
        bar.update()
        running = loss.item() if running is None else 0.99 * running + 0.01 * loss.item()
        if step % 200 == 0:
            bar.set_postfix(loss=f"{running:.3f}")
        checkpoint.save_if_due(step=step)
    model.config.hidden_dropout_prob = 0.1  # of the fine-tuning that follows
    model.bert.save_pretrained(a.out)
    checkpoint.remove()


if __name__ == "__main__":
    main()
