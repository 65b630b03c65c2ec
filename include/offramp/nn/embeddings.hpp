// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/nn/embedding_table.hpp>
#include <offramp/nn/layer_norm.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// BERT's input: the layer normalization `norm` of word + position + segment, where the encoder has the latter two.
struct embeddings {
  embedding_table word;         // [vocabulary, width]
  std::vector<float> position;  // [max_positions, width]; empty: none
  std::vector<float> type;      // [segments, width]; empty: none
  layer_norm norm;              // [width], or of what the sums are projected to
  /// RoBERTa's positions: this token has the position of its own id, the others count from the next one on.
  std::optional<std::int32_t> padding = {};

  [[nodiscard]] std::size_t width() const noexcept { return word.columns(); }

  /// Writes the sums, not yet normalized, to `rows` [tokens, width]. The encoding was checked: ids and type ids are in
  /// range, and not too many.
  void apply(const encoding& tokens, float* rows) const {
    std::size_t next = padding ? static_cast<std::size_t>(*padding) + 1 : 0;
    for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
      const auto id = static_cast<std::size_t>(tokens.ids[i]);
      const std::size_t place = padding == tokens.ids[i] ? id : next++;
      const std::size_t segment = tokens.type_ids.empty() ? 0 : static_cast<std::size_t>(tokens.type_ids[i]);
      float* row = rows + i * width();
      word.copy_row(id, row);
      add_row(type, segment, row);
      add_row(position, place, row);
    }
  }

 private:
  void add_row(const std::vector<float>& table, std::size_t index, float* row) const {
    if (table.empty()) {
      return;
    }
    const float* from = table.data() + index * width();
    for (std::size_t j = 0; j < width(); ++j) {
      row[j] += from[j];
    }
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
