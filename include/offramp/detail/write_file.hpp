// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// A new file beside `path` that takes its place when all of it is on disk. Destroyed before, it leaves `path` as it
/// was.
class replacement_file {
 public:
  explicit replacement_file(std::filesystem::path path)
      : path_(std::move(path)),
        temporary_(path_.string() + ".XXXXXX"),
        number_(::mkostemp(temporary_.data(), O_CLOEXEC)) {
    if (number_ < 0) {
      fail(path_.string(), "cannot be written");
    }
  }
  replacement_file(const replacement_file&) = delete;
  replacement_file& operator=(const replacement_file&) = delete;
  ~replacement_file() {
    if (number_ >= 0) {
      ::close(number_);
      ::unlink(temporary_.c_str());
    }
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ::ssize_t count = ::write(number_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0) {
        fail(temporary_, "cannot be written");
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  /// Throws `io` when the content did not reach the disk; `path` is unchanged then.
  void commit() {
    // mkostemp makes files for the owner alone; a model is for whoever the umask lets in.
    const ::mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(number_, 0666 & ~mask) != 0 || ::fsync(number_) != 0 ||
        ::rename(temporary_.c_str(), path_.c_str()) != 0) {
      fail(path_.string(), "cannot be replaced");
    }
    ::close(number_);
    number_ = -1;
  }

 private:
  [[noreturn]] static void fail(const std::string& name, const char* what) {
    throw error(error_kind::io, name + ": " + what + ": " + std::strerror(errno));
  }

  std::filesystem::path path_;
  std::string temporary_;
  int number_;
};

/// Gives the file `path` this content, all of it or (when interrupted) nothing. Throws `io`.
inline void write_file(const std::filesystem::path& path, std::string_view content) {
  replacement_file file(path);
  file.write(content);
  file.commit();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
