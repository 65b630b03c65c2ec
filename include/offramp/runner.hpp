// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/export.hpp>
#include <offramp/version.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Threads that this process can keep busy: the CPUs that the calling thread may run on, or fewer where the process's
/// cgroup has a CPU quota (rounded down). At least 1. Asked of the system once, the first time; any thread may call.
[[nodiscard]] OFFRAMP_API int usable_threads();

class runner;

/// A function that a runner calls.
template <class Function>
concept lends_threads =
    !std::same_as<Function, runner> && std::invocable<Function&, std::size_t, const std::function<void(std::size_t)>&>;

/// Lends the caller's threads to the library:
///
///     const offramp::runner run = {[](std::size_t n, const std::function<void(std::size_t)>& body) {
///                                    for (std::size_t i = 0; i < n; ++i) body(i);
///                                  }, 1};
///
/// The function calls body(0) to body(n - 1), each once, in any order, on any threads, also all on one thread, and
/// returns when all have ended. `body` does not throw. No body waits for one that has not started.
class runner {
 public:
  /// Lends no thread: the one that calls the library works alone.
  runner() = default;

  /// `width` is how many threads `function` works on: work is cut for so many, and waits where there are fewer. Throws
  /// `invalid_argument` below 1. More than most_width are used as so many.
  template <lends_threads Function>
  runner(Function function, int width) : function_(std::move(function)), width_(checked(width)) {}

  /// A function that does not say how many threads it works on counts as usable_threads().
  template <lends_threads Function>
  explicit(false) runner(Function function) : runner(std::move(function), usable_threads()) {}

  static constexpr int most_width = 1024;

  /// Threads that take part; 1 where none are lent.
  [[nodiscard]] std::size_t width() const noexcept { return function_ ? width_ : 1; }
  /// Whether threads are lent.
  explicit operator bool() const noexcept { return static_cast<bool>(function_); }

  /// Only where threads are lent.
  void operator()(std::size_t n, const std::function<void(std::size_t)>& body) const { function_(n, body); }

 private:
  static std::size_t checked(int width) {
    if (width < 1) {
      throw error(error_kind::invalid_argument,
                  "runner: a width of " + std::to_string(width) + " threads, expected at least 1");
    }
    return static_cast<std::size_t>(width < most_width ? width : most_width);
  }

  std::function<void(std::size_t n, const std::function<void(std::size_t)>& body)> function_;
  std::size_t width_ = 1;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/detail/usable_threads.hpp>
#endif
