// SPDX-License-Identifier: Apache-2.0
#include "thread_runner.hpp"

#include <offramp/thread_pool.hpp>

#include <cstddef>
#include <functional>
#include <memory>

namespace offramp_cli {

offramp::runner thread_runner(int threads) {
  if (threads <= 1) {
    return {};
  }
  const auto pool = std::make_shared<offramp::thread_pool>(threads);
  return {[pool](std::size_t n, const std::function<void(std::size_t)>& body) { pool->run(n, body); }, pool->size()};
}

}  // namespace offramp_cli
