// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/nn/layer_norm.hpp>

#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// BERT's input: the layer normalization `norm` of word + position + segment.
struct embeddings {
  std::vector<float> word;      // [vocabulary, hidden]
  std::vector<float> position;  // [max_positions, hidden]
  std::vector<float> type;      // [segments, hidden]
  layer_norm norm;

  /// Writes the sums, not yet normalized, to `rows` [tokens, hidden]. The encoding was checked: ids and type ids are in
  /// range, and not too many.
  void apply(const encoding& tokens, float* rows) const {
    const std::size_t hidden = norm.scale.size();
    for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
      const float* from_word = word.data() + static_cast<std::size_t>(tokens.ids[i]) * hidden;
      const float* from_position = position.data() + i * hidden;
      const std::size_t segment = tokens.type_ids.empty() ? 0 : static_cast<std::size_t>(tokens.type_ids[i]);
      const float* from_type = type.data() + segment * hidden;
      float* row = rows + i * hidden;
      for (std::size_t j = 0; j < hidden; ++j) {
        row[j] = from_word[j] + from_type[j] + from_position[j];
      }
    }
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
