// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// A file descriptor that is closed with its owner, or why there is none.
class descriptor {
 public:
  /// A descriptor, or minus the value of errno.
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -EBADF)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (is_open()) {
      ::close(number_);
    }
  }

  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  [[nodiscard]] int number() const noexcept { return number_; }
  /// The value of errno when opening failed.
  [[nodiscard]] int failure() const noexcept { return is_open() ? 0 : -number_; }
  /// Leaves closing to the caller.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -EBADF); }

 private:
  int number_;
};

/// Repeats a system call until no signal interrupts it.
template <class Call>
[[nodiscard]] auto uninterrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

/// Opens `name` in the open directory `directory` (or AT_FDCWD); no child process inherits the descriptor.
[[nodiscard]] inline descriptor open_at(int directory, const char* name, int flags, ::mode_t mode = 0) {
  const int number = uninterrupted([&] { return ::openat(directory, name, flags | O_CLOEXEC, mode); });
  return descriptor(number < 0 ? -errno : number);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
