// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// How many bytes steps make at most of a byte, by its value, found from the last step to the first. No number is above
/// a limit, which stands for all there are.
class byte_growth {
 public:
  explicit byte_growth(std::size_t limit) : limit_(limit) { bytes_.fill(1); }

  /// Of any byte.
  [[nodiscard]] std::size_t largest() const { return *std::max_element(bytes_.begin(), bytes_.end()); }

  /// The step that comes before those so far.
  void operator()(const precompiled_charsmap& rules) { multiply(rules.longest()); }
  void operator()(unicode_form form) {
    // U+FDFA, 3 bytes, has the longest decomposition, of 33; of canonical ones U+0390, 2 bytes, has 6.
    multiply(form == unicode_form::nfkd || form == unicode_form::nfkc ? 11 : 3);
  }
  void operator()(const normalizer_options& /*step*/) { multiply(6); }  // canonically, in lower case
  void operator()(const lowercase& /*step*/) { multiply(2); }           // U+0130, 2 bytes, becomes 3
  void operator()(const replace_string& step) {
    const std::size_t share = share_of(step.content, step.pattern.size());
    for (const char byte : step.pattern) {
      std::size_t& growth = bytes_[static_cast<unsigned char>(byte)];
      growth = std::max(growth, share);
    }
  }
  void operator()(const replace_spaces& step) {
    std::size_t& growth = bytes_[static_cast<unsigned char>(' ')];
    growth = std::max(growth, share_of(step.content, 2));
  }
  void operator()(const squeeze_whitespace& step) {
    const std::size_t one = share_of(step.content, 1);  // whitespace has many bytes
    for (std::size_t& growth : bytes_) {
      growth = std::max(growth, one);
    }
  }
  void operator()(const strip_accents& /*step*/) const {}
  void operator()(const strip_ends& /*step*/) const {}
  void operator()(const prepend_string& /*step*/) const {}  // once a text

 private:
  void multiply(std::size_t factor) { bytes_.fill(std::min(limit_, largest() * std::max<std::size_t>(1, factor))); }
  /// Of a byte, where so many are replaced.
  [[nodiscard]] std::size_t share_of(std::string_view content, std::size_t replaced) const {
    std::size_t total = replaced - 1;
    for (const char byte : content) {
      total += bytes_[static_cast<unsigned char>(byte)];
    }
    return std::min(limit_, total / replaced);
  }

  std::size_t limit_;
  std::array<std::size_t, 256> bytes_{};
};

/// How many times as long a text may become at most, or `limit` for more.
[[nodiscard]] inline std::size_t growth_of(const std::vector<normalizer_step>& steps, std::size_t limit) {
  byte_growth growth(limit);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    std::visit(growth, *step);
  }
  return growth.largest();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
