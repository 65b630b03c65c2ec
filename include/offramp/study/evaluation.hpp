// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/export.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/interval.hpp>
#include <offramp/study/label_share.hpp>
#include <offramp/study/operating_point.hpp>
#include <offramp/study/paired_difference.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What one policy costs and gains on texts that chose nothing: the last step before it is used.
struct evaluation {
  operating_point early;     ///< under the policy; without labels its accuracy is agreement with full depth
  operating_point full;      ///< of the same texts at full depth
  interval disagreement_95;  ///< Clopper and Pearson's, of the texts that get another label than at full depth
  std::optional<paired_difference> loss;  ///< accuracy at full depth less that under the policy; nothing without labels
  std::vector<label_share> by_label;      ///< by right label; empty without labels
  std::vector<std::vector<std::size_t>> confusion;  ///< [right label][given label]; empty without, and multi-label
};

/// Answers every text under `policy` and at full depth, from one pass over the data. Throws `invalid_argument` for a
/// policy that does not fit the exits, for a deadline and for another number of labels than the logits have.
[[nodiscard]] OFFRAMP_API evaluation evaluate(const exit_logits& logits, std::span<const std::string> labels,
                                              const exit_policy& policy);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
