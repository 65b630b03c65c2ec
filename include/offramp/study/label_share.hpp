// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// How the texts of one label fare under one policy, by their right label, or each of them.
struct label_share {
  std::string label;
  std::size_t texts = 0;
  std::size_t correct = 0;  ///< given that label
  std::size_t correct_at_full_depth = 0;
  double mean_layer = 0.0;
};

/// How the texts of each label fare under `policy`. Throws as replay::decide, and `invalid_argument` for another number
/// of labels than the logits have.
[[nodiscard]] OFFRAMP_API std::vector<label_share> share_by_label(const exit_logits& logits,
                                                                  std::span<const std::string> labels,
                                                                  const exit_policy& policy);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
