// SPDX-License-Identifier: Apache-2.0
#include "thread_runner.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace offramp_cli {

offramp::runner thread_runner(int threads) {
  if (threads <= 1) {
    return {};
  }
  return [threads](std::size_t n, const std::function<void(std::size_t)>& body) {
    std::atomic<std::size_t> next = 0;
    const auto work = [&next, &body, n] {
      for (std::size_t i = next++; i < n; i = next++) {
        body(i);
      }
    };
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t i = 1; i < std::min(n, static_cast<std::size_t>(threads)); ++i) {
        helpers.emplace_back(work);
      }
    } catch (const std::system_error&) {
      // Fewer threads than asked for are slower, not wrong.
    }
    work();
  };
}

}  // namespace offramp_cli
