# SPDX-License-Identifier: Apache-2.0
"""Compiles rewriting rules into the bytes of a Precompiled normalizer: the size of a double array trie, the trie, and
the replacements. Every node gets 256 units of its own, so only small sets of rules fit.
"""

import struct

BLOCK = 256


def compile_rules(rules):
    """`rules` maps bytes to the bytes that replace them."""
    root, replacements, starts = {}, b"", {}
    for key, value in rules.items():
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = key
        starts[key] = len(replacements)
        replacements += value + b"\0"

    units = [0] * BLOCK

    def place(node, position, label):
        base = len(units)
        units.extend([0] * BLOCK)
        units[position] = (position ^ base) << 10 | (256 if 0 in node else 0) | label
        for byte, child in node.items():
            if byte == 0:
                units[base] = starts[child] | 1 << 31
            else:
                place(child, base + byte, byte)

    place(root, 0, 0)
    assert len(units) < 1 << 21
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + replacements
