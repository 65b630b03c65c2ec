// SPDX-License-Identifier: Apache-2.0
#pragma once

// System calls on files that fail when told to: replaces the C library's functions in the whole process. For one file
// of a program.

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace failing_calls {

/// How a call goes wrong. `short_count`: reads and writes move a part; `end`: reads find the end of the file.
enum class fault { none, io, no_space, interrupted, short_count, end };

inline std::atomic<bool> is_watching{false};
inline std::atomic<std::ptrdiff_t> calls{0};  // while watching
inline std::ptrdiff_t failing = -1;
inline fault kind = fault::none;

/// Whether this call goes wrong.
inline bool fails() noexcept { return is_watching && calls++ == failing; }

/// Whether what goes wrong is that the call says -1; errno is set then.
inline bool refuses() noexcept {
  errno = kind == fault::io ? EIO : kind == fault::no_space ? ENOSPC : EINTR;
  return kind == fault::io || kind == fault::no_space || kind == fault::interrupted;
}

/// Whether a call that no signal interrupts says -1.
inline bool refuses_at_once() noexcept { return fails() && kind != fault::interrupted && refuses(); }

/// The calls of the process while it lives, from 0; that of number `number` goes wrong.
class watch {
 public:
  watch(std::ptrdiff_t number, fault how) {
    calls = 0;
    failing = number;
    kind = how;
    is_watching = true;
  }
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;
  ~watch() { is_watching = false; }
};

template <class Function>
Function* next(const char* name, Function* /*own*/) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

inline ::mode_t mode_of(int flags, std::va_list rest) {
  return (flags & O_CREAT) != 0 ? static_cast<::mode_t>(va_arg(rest, int)) : 0;
}

}  // namespace failing_calls

extern "C" {

int openat(int directory, const char* name, int flags, ...) {
  static auto* const real = failing_calls::next("openat", &openat);
  std::va_list rest;
  va_start(rest, flags);
  const ::mode_t mode = failing_calls::mode_of(flags, rest);
  va_end(rest);
  return failing_calls::fails() && failing_calls::refuses() ? -1 : real(directory, name, flags, mode);
}

::ssize_t pread(int file, void* target, std::size_t size, ::off_t offset) {
  static auto* const real = failing_calls::next("pread", &pread);
  if (failing_calls::fails()) {
    if (failing_calls::kind == failing_calls::fault::end) {
      return 0;
    }
    if (failing_calls::refuses()) {
      return -1;
    }
    size = (size + 1) / 2;
  }
  return real(file, target, size, offset);
}

::ssize_t write(int file, const void* source, std::size_t size) {
  static auto* const real = failing_calls::next("write", &write);
  if (failing_calls::fails()) {
    if (failing_calls::refuses()) {
      return -1;
    }
    size = (size + 1) / 2;
  }
  return real(file, source, size);
}

int fsync(int) {  // no test loses power, and waiting for disks would take most of the time
  return failing_calls::fails() && failing_calls::refuses() ? -1 : 0;
}

int fstat(int file, struct stat* status) noexcept {
  static auto* const real = failing_calls::next("fstat", &fstat);
  return failing_calls::refuses_at_once() ? -1 : real(file, status);
}

int fchmod(int file, ::mode_t mode) noexcept {
  static auto* const real = failing_calls::next("fchmod", &fchmod);
  return failing_calls::refuses_at_once() ? -1 : real(file, mode);
}

int link(const char* from, const char* to) noexcept {
  static auto* const real = failing_calls::next("link", &link);
  return failing_calls::refuses_at_once() ? -1 : real(from, to);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = failing_calls::next("rename", &rename);
  return failing_calls::refuses_at_once() ? -1 : real(from, to);
}

/// Linux closes the file even where it says that it was interrupted.
int close(int file) {
  static auto* const real = failing_calls::next("close", &close);
  const int result = real(file);
  return failing_calls::fails() && failing_calls::refuses() ? -1 : result;
}

}  // extern "C"
