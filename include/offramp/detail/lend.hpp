// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/first_failure.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/runner.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// Calls body(0..n-1) through `run`, or here one after another without one. The first exception of a body is rethrown
/// when all have ended, since it may not unwind the caller's threads. Bodies compute in the default floating-point
/// environment; `run` itself, which may do other work meanwhile, has its own.
template <class Body>
void lend(const runner& run, std::size_t n, const Body& body) {
  if (!run || n < 2) {
    const default_floating_point environment;
    for (std::size_t i = 0; i < n; ++i) {
      body(i);
    }
    return;
  }
  // Bodies are claimed, not taken by the caller's index, so that a runner which repeats one cannot run it twice.
  std::atomic<std::size_t> calls{0};
  first_failure failure;
  const auto claim = [&](std::size_t /*index*/) {
    const std::size_t claimed = calls.fetch_add(1);
    if (claimed >= n) {
      return;
    }
    failure.guard([&] {
      const default_floating_point environment;
      body(claimed);
    });
  };
  run(n, std::ref(claim));  // a reference fits into a std::function, what it refers to would be allocated
  if (calls.load() != n) {
    throw error(error_kind::invalid_argument,
                "run called " + std::to_string(calls.load()) + " bodies, expected " + std::to_string(n));
  }
  failure.rethrow();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
