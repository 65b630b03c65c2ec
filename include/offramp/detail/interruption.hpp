// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <chrono>
#include <optional>
#include <stop_token>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// What work on one input asks from time to time: shall it stop? Work that stops returns at once, and whoever gave it
/// the interruption throws its result away.
struct interruption {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token token;

  /// Whether the token was asked to stop or the deadline has passed. Costs a few nanoseconds without a deadline, about
  /// 30 with one.
  [[nodiscard]] bool requested() const {
    return token.stop_requested() || (deadline && std::chrono::steady_clock::now() >= *deadline);
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
