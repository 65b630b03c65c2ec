// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/kernels.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Which keys a query sees: all, or those at most `reach` tokens before or behind it, as in local attention (Beltagy et
/// al. 2020). A head with such a window has no bias of its own.
class attention_window {
 public:
  /// Queries that share the keys that any of them sees. Fewer would copy keys more often, more would see more keys in
  /// vain.
  static constexpr std::size_t queries_at_once = 64;

  /// All keys.
  attention_window() = default;

  /// Scores of keys out of reach begin so low that no product brings them back: their weights are 0.
  explicit attention_window(std::size_t reach) : reach_(reach), bias_(2 * middle() + 1, 0.0F) {
    constexpr float out_of_reach = std::numeric_limits<float>::lowest() / 2;
    const std::size_t beyond = middle() - reach;
    std::fill_n(bias_.begin(), beyond, out_of_reach);
    std::fill_n(bias_.rbegin(), beyond, out_of_reach);
  }

  /// Calls attend(part) for parts of `whole` that together are all of it, each with the keys that its queries may see.
  /// Which part a query is in, and so all of its arithmetic, depends on the text's length and its place in it alone.
  template <class Attend>
  void for_each_part(const attention_head& whole, const Attend& attend) const {
    if (!reach_ || whole.tokens <= *reach_ + 1) {
      attend(whole);
      return;
    }
    // A text that is not much longer than a part would be copied nearly whole for each.
    const std::size_t at_once = whole.tokens <= *reach_ + queries_at_once ? whole.tokens : queries_at_once;
    for (std::size_t first = 0; first < whole.queries; first += at_once) {
      const std::size_t before = std::min(first, *reach_);  // keys before the first query
      attention_head part = whole;
      part.query += first * whole.query_stride;
      part.queries = std::min(at_once, whole.queries - first);
      part.key += (first - before) * whole.key_value_stride;
      part.value += (first - before) * whole.key_value_stride;
      part.tokens = std::min(whole.tokens, first + at_once + *reach_) - (first - before);
      part.context += first * whole.context_stride;
      part.bias = bias_.data() + (middle() - before);
      attend(part);
    }
  }

  /// Keys that a query sees at most, of so many.
  [[nodiscard]] std::size_t visible_keys(std::size_t tokens) const noexcept {
    return reach_ ? std::min(tokens, 2 * *reach_ + 1) : tokens;
  }

 private:
  /// Where the distance 0 stands.
  [[nodiscard]] std::size_t middle() const noexcept { return *reach_ + queries_at_once - 1; }

  std::optional<std::size_t> reach_;
  std::vector<float> bias_;  // by key - query
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
