// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// How many bytes a step makes at most of one, rounded up.
struct step_growth {
  std::size_t operator()(const precompiled_charsmap& rules) const { return std::max<std::size_t>(1, rules.longest()); }
  std::size_t operator()(unicode_form form) const {
    // U+FDFA, 3 bytes, has the longest decomposition, of 33; of canonical ones U+0390, 2 bytes, has 6.
    return form == unicode_form::nfkd || form == unicode_form::nfkc ? 11 : 3;
  }
  std::size_t operator()(const normalizer_options& /*step*/) const { return 6; }  // canonically, in lower case
  std::size_t operator()(const lowercase& /*step*/) const { return 2; }           // U+0130, 2 bytes, becomes 3
  std::size_t operator()(const replace_string& step) const {
    return std::max<std::size_t>(1, (step.content.size() + step.pattern.size() - 1) / step.pattern.size());
  }
  std::size_t operator()(const replace_spaces& step) const { return std::max<std::size_t>(1, step.content.size()); }
  std::size_t operator()(const squeeze_whitespace& step) const { return std::max<std::size_t>(1, step.content.size()); }
  std::size_t operator()(const strip_accents& /*step*/) const { return 1; }
  std::size_t operator()(const strip_ends& /*step*/) const { return 1; }
  std::size_t operator()(const prepend_string& /*step*/) const { return 1; }  // once a text
};

/// How many times as long a text may become, no more than `limit`: the steps' growths multiply.
[[nodiscard]] inline std::size_t growth_of(const std::vector<normalizer_step>& steps, std::size_t limit) {
  std::size_t product = 1;
  for (const normalizer_step& step : steps) {
    product = std::min(limit, product * std::visit(step_growth(), step));
  }
  return product;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
