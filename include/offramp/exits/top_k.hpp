// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/prediction.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

OFFRAMP_INLINE std::vector<ranked_label> top_k(const prediction& answer, std::size_t count) {
  std::vector<ranked_label> ranking;
  for (std::size_t label = 0; label < answer.probabilities.size(); ++label) {
    ranking.push_back({static_cast<int>(label), answer.probabilities[label]});
  }
  const auto end = ranking.begin() + static_cast<std::ptrdiff_t>(std::min(count, ranking.size()));
  std::partial_sort(ranking.begin(), end, ranking.end(), [](const ranked_label& a, const ranked_label& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.label_id < b.label_id;
  });
  ranking.erase(end, ranking.end());
  return ranking;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
