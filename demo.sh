#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing (Debian or Ubuntu), builds offramp and classifies sentences with the bundled model.
# With arguments, classifies those instead.
set -euo pipefail
cd "$(dirname "$0")"
cmake/install-packages.sh
cmake --preset dev >&2
cmake --build --preset dev --target offramp_command >&2
offramp=build/dev/offramp
if (($#)); then
  exec "$offramp" classify -- "$@"
fi
texts='A delight from start to finish.
Too long by half and too clever by a quarter.
Slow, strange and quietly wonderful.
You could do worse, though I am not sure how.
A film about grief that somehow leaves you smiling.
Hardly a masterpiece, yet I would gladly see it again.'
echo "label, confidence and the layer (of 6) that answered; the model's own threshold:"
paste <("$offramp" classify <<<"$texts") <(echo "$texts")
echo
echo "every exit that one of them visited:"
"$offramp" classify --trace "Hardly a masterpiece, yet I would gladly see it again."
