// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/replay.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// How many texts of each right label are given each label, [right][given]; for labels that exclude each other.
[[nodiscard]] inline std::vector<std::vector<std::size_t>> count_confusion(const replay& texts,
                                                                           std::span<const exit_answer> answers) {
  std::vector<std::vector<std::size_t>> confusion(texts.num_labels(), std::vector<std::size_t>(texts.num_labels()));
  for (std::size_t text = 0; text < answers.size(); ++text) {
    ++confusion[static_cast<std::size_t>(texts.label_ids()[text])][static_cast<std::size_t>(answers[text].label_id)];
  }
  return confusion;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
