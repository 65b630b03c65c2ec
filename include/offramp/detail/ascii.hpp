// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// A letter of ASCII in lower case, any other byte as it is, whatever the locale.
[[nodiscard]] constexpr char ascii_lowercase(char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
