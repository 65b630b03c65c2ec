// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/layout.hpp>
#include <offramp/nn/packed_rows.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Some of the texts of a call, borrowed: text t has the rows offsets[t] - offsets.front() to offsets[t + 1] -
/// offsets.front() - 1 of the part's own.
struct text_part {
  std::size_t first_text;  // in the call
  std::span<const std::size_t> offsets;
  bool is_last;

  [[nodiscard]] std::size_t texts() const noexcept { return offsets.size() - 1; }
  [[nodiscard]] std::size_t first_row() const noexcept { return offsets.front(); }
  [[nodiscard]] std::size_t rows() const noexcept { return offsets.back() - offsets.front(); }
  [[nodiscard]] std::size_t begin(std::size_t text) const noexcept { return offsets[text] - offsets.front(); }
  [[nodiscard]] std::size_t end(std::size_t text) const noexcept { return begin(text + 1); }
};

/// The most rows of a part of these texts, or of any that are left of them later.
[[nodiscard]] inline std::size_t most_rows_of_part(std::span<const std::size_t> offsets) {
  std::size_t longest = packed_rows::most_rows_of_group;
  for (std::size_t text = 1; text < offsets.size(); ++text) {
    longest = std::max(longest, offsets[text] - offsets[text - 1]);
  }
  return std::min(longest, offsets.back() - offsets.front());
}

/// Calls body(text_part) for consecutive texts, text t of which has the rows offsets[t] to offsets[t + 1] - 1: as many
/// together as packed_rows holds in one group, in parts of about the same size, so that what a layer leaves for its
/// next step is still in the second-level cache. A longer text is a part of its own.
template <class Body>
void for_each_text_part(std::span<const std::size_t> offsets, const Body& body) {
  const std::size_t texts = offsets.size() - 1;
  const std::size_t rows = offsets.back() - offsets.front();
  const std::size_t parts = layout::ceil_divide(rows, packed_rows::most_rows_of_group);
  std::size_t first = 0;
  for (std::size_t text = 1; text <= texts; ++text) {
    if (text < texts) {
      const std::size_t with_next = offsets[text + 1] - offsets[first];
      const bool has_its_share = (offsets[text] - offsets[first]) * parts >= rows;
      if (!has_its_share && with_next <= packed_rows::most_rows_of_group) {
        continue;
      }
    }
    body(text_part{first, offsets.subspan(first, text - first + 1), text == texts});
    first = text;
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
