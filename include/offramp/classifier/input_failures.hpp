// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// What went wrong with one input of a batch.
struct input_failure {
  std::size_t input = 0;
  error what;
};

/// The failures of a batch, from several threads.
class input_failures {
 public:
  /// Names the input in the message.
  void add(std::size_t input, const error& what) {
    const std::scoped_lock lock(mutex_);
    all_.push_back({input, error(what.kind(), "input " + std::to_string(input) + ": " + what.what())});
  }

  /// Throws that of the first input that has one: the same whatever the threads. When no thread adds.
  void throw_first() const {
    const auto first = std::min_element(
        all_.begin(), all_.end(), [](const input_failure& a, const input_failure& b) { return a.input < b.input; });
    if (first != all_.end()) {
      throw first->what;
    }
  }

  /// When no thread adds.
  [[nodiscard]] bool has(std::size_t input) const {
    return std::any_of(all_.begin(), all_.end(), [&](const input_failure& one) { return one.input == input; });
  }
  /// When no thread adds.
  [[nodiscard]] const std::vector<input_failure>& all() const noexcept { return all_; }

 private:
  std::mutex mutex_;
  std::vector<input_failure> all_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
