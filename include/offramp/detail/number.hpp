// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <charconv>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// As few digits as tell the number from its neighbours, whatever the locale; std::to_string follows the locale.
template <class Float>
[[nodiscard]] std::string number_text(Float value) {
  char digits[48];  // a long double has up to 21 of them
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
