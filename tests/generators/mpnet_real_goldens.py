# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/mpnet: exits with random heads for the encoder all-mpnet-base-v2, what they say to 50 texts by
transformers, and the texts' token ids. training/join_parts.py makes the encoder's directory, which stays out of the tree.

    pip install transformers==5.24.0
    python tests/generators/mpnet_real_goldens.py all-mpnet-base-v2 tests/data/mpnet
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer

from tiny_models import exit_at, exit_logits, hashlib, loaded, make_heads, stored, write_json

LABELS = ["dull", "fair", "warm"]
EXITS = [exit_at(1), exit_at(3, "mean"), exit_at(6), exit_at(9, "mean"), exit_at(12)]
SENTENCE = "The ferry left at noon, two hours late, and nobody on the quay seemed to mind. "
LIST = "Bring a rope, three lamps, dry socks, the blue map and enough bread for a week; "
TEXTS = [
    "", "Yes.", "?", "a", "Please cancel my order.", "My card was charged twice for the same ticket",
    "How do I reset the password of an account that I no longer have the e-mail address of?", "thanks, that solved it!!!",
    "The parcel arrived on Tuesday, but one of the two mugs was broken.", "NOT WORTH THE MONEY",
    "A quiet film about a lighthouse keeper who learns to dance.", "I laughed twice, and both times at the subtitles.",
    "Turn left after the bridge; the bakery is the second door on the right.", "The recipe wants 250 g of flour and 3 eggs.",
    "Revenue rose 4.7 % to 1,204 million euros in the third quarter of 2019.", "def area(r): return 3.14159 * r ** 2",
    "Caf\u00e9 Z\u00fcrich serves cr\u00e8me br\u00fbl\u00e9e na\u00efvely.", "\u6771\u4eac\u306f\u6674\u308c", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
    "\U0001f642\U0001f642 great \U0001f680",
    "It's the dog's own fault, isn't it?", "e-mail: someone@example.org, call +44 20 7946 0018", "<s> literal </s> [UNK] <mask>",
    "The mitochondrion turns sugar into something the cell can spend.", "Rain again. Rain still. Rain, then snow.",
    "When does the museum close on Sundays, and is there a discount for students?", "unbelievabilitynessification",
    "The committee adjourned without a vote after the third objection from the treasurer.", "ok", "no no no no no no no no",
    "Water boils at a lower temperature in the mountains because the air above presses less.",
    "C++20 has concepts, ranges and modules.",
    "She returned the book she had borrowed from the man she met on the train she took to the town she was born in.",
    "Is this a question", "The error says: segmentation fault (core dumped)", "Sold! To the lady in the green hat.",
    "A contract without consideration is, in most cases, no contract at all.", "Two plus two is four; minus one, that's three.",
    "My flight to Lisbon was moved to 6:40, can I change my seat?", "the the the the", "  spaces   everywhere  ", "UPPER lower MiXeD",
    "The goalkeeper saved a penalty in the last minute, and the stadium forgot that it was raining.",
    "Copper conducts better than iron and worse than silver.", SENTENCE * 2, LIST * 4, SENTENCE * 7, (SENTENCE + LIST) * 5,
    LIST * 14, (LIST + SENTENCE) * 30,
]


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    assert len(TEXTS) == 50
    source, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    model = AutoModel.from_pretrained(source, add_pooling_layer=False).eval()
    tokenizer = AutoTokenizer.from_pretrained(source)
    max_tokens = 512
    generator = torch.Generator().manual_seed(1)
    heads = stored(make_heads(EXITS, 768, len(LABELS), generator), "F16")
    save_file(heads, out / "exits.safetensors", metadata={"format": "pt"})
    golden, tokens = [], []
    for text in TEXTS:
        ids = tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]
        states = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), output_hidden_states=True)
        logits = exit_logits([state[0] for state in states.hidden_states], EXITS, loaded(heads))
        golden.append({"text": text, "logits": [[round(v, 6) for v in row.tolist()] for row in logits]})
        tokens.append({"text": text, "ids": ids})
    write_json(out / "exits.json", {
        "format": 1, "exits_sha256": hashlib.sha256((out / "exits.safetensors").read_bytes()).hexdigest(), "labels": LABELS,
        "input": "single", "max_tokens": max_tokens, "exits": EXITS, "golden": golden})
    write_json(out / "tokens.json", tokens)


if __name__ == "__main__":
    main()
