// SPDX-License-Identifier: Apache-2.0
// Labelled texts and what every exit says to them: the same text as the headers.
#include <offramp/detail/study/dataset.hpp>
#include <offramp/detail/study/exit_logits.hpp>
#include <offramp/detail/study/replay.hpp>
