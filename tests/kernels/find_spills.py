#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds inner loops of products that keep a vector on the stack.

    find_spills.py OBJDUMP OBJECT

OBJDUMP is GNU's or LLVM's.

The sums of a tile must stay in registers from the first input to the last: one that the compiler spills costs more
than a smaller tile would have. Looks at everything that lies within a loop of a function of tiles, on x86-64. A vector
that a loop only reads from the stack is a constant that found no register, and as good there as elsewhere in memory.
Targets without vector registers are left out. Prints what it finds; exits with 1 if a loop spills, if a function has no
loop, or if there is no function.
"""

import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(?P<name>.*)>:$")
INSTRUCTION = re.compile(r"^ *(?P<address>[0-9a-f]+):\s+(?P<text>.*\S)")
OF_TILES = re.compile(r"\bN_(?!SCALAR|EMU128)\w+::multiply_tile<")
JUMP = re.compile(r"^(?:bnd )?j\w+\s.*?\b(?:0x)?(?P<target>[0-9a-f]+) <")
FRAME_POINTER = re.compile(r"^movq?\s+%rsp,\s*%rbp$")
# Stores of a vector, whose memory operand stands last. GNU's objdump writes 0x40(%rsp), LLVM's 64(%rsp) after a space.
TO_STACK = r"%[xyz]mm\d+,\s*-?(?:0x)?[0-9a-f]*\((?:{})[^)]*\)(?: ?\{{%k\d\}})?$"


def functions(objdump, path):
    """(name, [(address, instruction)]) of every function of tiles."""
    listing = subprocess.run([objdump, "-d", "-C", "--no-show-raw-insn", path], check=True, capture_output=True, text=True)
    name, body = "", []
    for line in listing.stdout.splitlines():
        if header := FUNCTION.match(line):
            if body and OF_TILES.search(name):
                yield name, body
            name, body = header["name"], []
        elif instruction := INSTRUCTION.match(line):
            body.append((int(instruction["address"], 16), instruction["text"]))
    if body and OF_TILES.search(name):
        yield name, body


def loops(body):
    """[first, last] address of every loop: from a jump's target to the jump behind it."""
    first = body[0][0]
    for address, text in body:
        if jump := JUMP.match(text):
            target = int(jump["target"], 16)
            if first <= target <= address:
                yield target, address


def spills(body):
    """The instructions within loops that move a vector to the stack."""
    has_frame_pointer = any(FRAME_POINTER.match(text) for _, text in body)
    to_stack = re.compile(TO_STACK.format("%rsp|%rbp" if has_frame_pointer else "%rsp"))
    ranges = list(loops(body))
    for address, text in body:
        if to_stack.search(text) and any(begin <= address <= end for begin, end in ranges):
            yield f"{address:x}: {text}"


def main():
    objdump, path = sys.argv[1:]
    looked_at = with_loops = spilling = 0
    for name, body in functions(objdump, path):
        looked_at += 1
        with_loops += any(loops(body))
        if found := list(spills(body)):
            spilling += 1
            print(f"{name}: {len(found)} in a loop, first {found[0]}")
    print(f"{looked_at} functions of tiles, {with_loops} with loops, {spilling} of them spill")
    return spilling != 0 or looked_at == 0 or with_loops != looked_at


if __name__ == "__main__":
    sys.exit(main())
