// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/label_share.hpp>
#include <offramp/study/replay.hpp>

#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// How the texts of each label fare under given answers, [texts], and at full depth.
[[nodiscard]] std::vector<label_share> share_by_label(const replay& texts, std::span<const std::string> labels,
                                                      std::span<const exit_answer> answers);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
