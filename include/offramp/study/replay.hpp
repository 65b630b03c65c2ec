// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What one text would be told, and where.
struct exit_answer {
  std::size_t exit = 0;  ///< index into exit_logits::exits
  int label_id = 0;
  float confidence = 0.0F;

  bool operator==(const exit_answer&) const = default;
};

/// What every exit says of every text, [exits][texts], with the temperatures in `logits`.
[[nodiscard]] std::vector<std::vector<exit_answer>> answers_of_exits(const exit_logits& logits);

/// What classify_batch answers under `policy`, text by text, computed from stored logits: same exit, same label, same
/// confidence bit for bit. Throws `invalid_argument` for a policy that does not fit the model and for one with a
/// deadline, which nobody can replay.
[[nodiscard]] std::vector<exit_answer> replay(const exit_logits& logits, const exit_policy& policy);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/detail/study/replay.hpp>
#endif
