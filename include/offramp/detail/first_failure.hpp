// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <atomic>
#include <exception>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// The first exception of bodies that run on several threads, which it may not unwind.
class first_failure {
 public:
  /// Calls body(), and keeps what it throws if that is the first.
  template <class Body>
  void guard(const Body& body) noexcept {
    try {
      body();
    } catch (...) {
      if (!has_failed_.exchange(true)) {
        failure_ = std::current_exception();
      }
    }
  }

  /// Throws what was kept, once. Only when every guarded body has ended, and its thread said so to this one.
  void rethrow() {
    if (failure_) {
      has_failed_ = false;
      std::rethrow_exception(std::exchange(failure_, nullptr));
    }
  }

 private:
  std::atomic<bool> has_failed_{false};
  std::exception_ptr failure_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
