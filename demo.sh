#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing (Debian or Ubuntu), builds offramp and classifies sentences with the bundled models: film reviews,
# English and Korean, and English news. With arguments, classifies those instead; `./demo.sh --model news-topics-en TEXT` by
# topic. `./demo.sh serve` answers over HTTP, and has a page at http://127.0.0.1:8080/.
set -euo pipefail
cd "$(dirname "$0")"
cmake/install-packages.sh
cmake --preset dev >&2
cmake --build --preset dev --target offramp_command >&2
offramp=build/dev/offramp
if [[ ${1:-} == serve ]]; then
  exec "$offramp" serve --model sentiment-en --model sentiment-ko --model news-topics-en "${@:2}"
fi
if (($#)); then
  exec "$offramp" classify "$@"
fi
# The texts on standard input, each after its label, confidence and layer.
classify() {
  local texts
  texts=$(cat)
  paste <("$offramp" classify "$@" <<<"$texts") <(echo "$texts")
}

echo "label, confidence and the layer (of 6) that answered, 0 before the encoder; the model's own policy:"
classify <<'END'
This film is fun.
The cast deserves better jokes.
A film about grief that somehow leaves you smiling.
Less than the sum of its very good parts.
END
echo
echo "the Korean model:"
classify --model sentiment-ko <<'END'
이 영화 재밌네요
더 나쁠 수도 있었겠지만 어떻게 그럴지는 모르겠네
각본을 12살 짜리 꼬마가 쓴건지, 아카데미 수상자가 쓴건지 모르겠네요
END
echo
echo "topics of news (of 3 layers):"
classify --model news-topics-en <<'END'
Her third title in a row came down to the last putt of the last round.
The new browser blocks pop-ups, and its makers promise an update within the week.
A court has fined the search company for how it ranks the shops of its rivals.
END
echo
echo "every exit that one of them visited:"
"$offramp" classify --trace "A film about grief that somehow leaves you smiling."
