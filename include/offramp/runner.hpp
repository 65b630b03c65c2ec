// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <functional>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Lends the caller's threads: `run(n, body)` calls body(0) to body(n - 1), each once, in any order, on any threads,
/// also all on one thread, and returns when all have ended. `body` does not throw. No body waits for another.
using runner = std::function<void(std::size_t n, const std::function<void(std::size_t)>& body)>;

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
