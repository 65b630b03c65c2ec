#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the documentation site from README.md, docs/ and the public headers into build/site/html; needs PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."
cmake/install-packages.sh doxygen python3-venv
python3 -m venv build/site/tools
build/site/tools/bin/pip install --quiet mkdocs-material

pages=build/site/pages
rm -rf $pages build/site/html
mkdir -p $pages
cp -r docs/*.md docs/*.png docs/*.svg docs/*.yaml docs/results $pages
cp README.md $pages/index.md
cp bench/README.md $pages/benchmarks.md
# Links between the pages are as in the tree; what is no page is a file of the tree.
sed -i -e 's#](docs/#](#g' $pages/index.md

headers=$(sed -n '/set(public_headers/,/)/p; /set(study_headers/,/)/p' cmake/headers.cmake | grep -o 'include/[^ )]*\.h[p]*')
mkdir -p $pages/api
doxygen - <<END
PROJECT_NAME = offramp
INPUT = $(tr '\n' ' ' <<<"$headers") README.md
USE_MDFILE_AS_MAINPAGE = README.md
STRIP_FROM_PATH = .
STRIP_FROM_INC_PATH = include
OUTPUT_DIRECTORY = build/site
HTML_OUTPUT = pages/api
GENERATE_LATEX = NO
JAVADOC_AUTOBRIEF = YES
EXTRACT_ALL = YES
HIDE_UNDOC_RELATIONS = YES
EXCLUDE_SYMBOLS = *::detail offramp::detail
MACRO_EXPANSION = YES
EXPAND_ONLY_PREDEF = YES
PREDEFINED = OFFRAMP_API= OFFRAMP_HIDDEN= OFFRAMP_ABI_NAMESPACE=abi
QUIET = YES
WARN_IF_UNDOCUMENTED = NO
WARN_IF_DOC_ERROR = NO
WARNINGS = NO
HAVE_DOT = NO
END
build/site/tools/bin/mkdocs build --quiet --config-file docs/site/mkdocs.yml
echo "built build/site/html/index.html"
