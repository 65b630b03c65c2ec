// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <stop_token>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// What work on one input asks from time to time: shall it stop? Work that stops returns at once, and whoever gave it
/// the interruption throws its result away. A deadline is none: every text reaches its first exit, even when late.
struct interruption {
  std::stop_token token;

  [[nodiscard]] bool requested() const { return token.stop_requested(); }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
