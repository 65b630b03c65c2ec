// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/descriptor.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// Names beside `path` for `make(name)` to make a file of, until it makes one or fails for another reason than that the
/// name is taken, by another process or by one that was interrupted. The name; errno is that of the last call.
template <class Make>
[[nodiscard]] std::string make_beside(const std::filesystem::path& path, const Make& make) {
  static std::atomic<unsigned> made{0};
  const std::string start = path.string() + "." + std::to_string(::getpid()) + "-";
  std::string name;
  do {
    name = start + std::to_string(made.fetch_add(1)) + ".tmp";
  } while (!make(name.c_str()) && errno == EEXIST);
  return name;
}

/// What is done with a symbolic link that stands where a file is to be.
enum class links { replaced, followed };

/// A new file beside `path` that takes its place when all of it is on disk. Destroyed before, it leaves `path` as it
/// was. A file that is replaced hands on its permissions, another gets those that the process gives new files. What is
/// there and no regular file, such as a pipe or /dev/null, is written to as it is, and where links are followed what a
/// symbolic link names, such as /dev/stdout.
class replacement_file {
 public:
  explicit replacement_file(std::filesystem::path path, links treatment = links::replaced) : path_(std::move(path)) {
    struct stat status {};
    const bool is_followed =
        treatment == links::followed && ::lstat(path_.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    const bool is_there = ::stat(path_.c_str(), &status) == 0;
    const bool replaces = is_there && S_ISREG(status.st_mode) && !is_followed;
    if (is_there && !replaces) {
      opened_ = open_at(AT_FDCWD, path_.c_str(), O_WRONLY | O_TRUNC);
      if (!opened_.is_open()) {
        fail(path_.string(), "cannot be written", opened_.failure());
      }
      return;
    }
    constexpr ::mode_t permissions = 0777;
    create(replaces ? status.st_mode & permissions : 0666);
    if (replaces && ::fchmod(opened_.number(), status.st_mode & permissions) != 0) {  // what the umask took away
      const int reason = errno;
      remove();
      fail(path_.string(), "cannot be written", reason);
    }
  }
  replacement_file(const replacement_file&) = delete;
  replacement_file& operator=(const replacement_file&) = delete;
  ~replacement_file() { remove(); }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ::ssize_t count = uninterrupted([&] { return ::write(opened_.number(), bytes.data(), bytes.size()); });
      if (count < 0) {
        fail(temporary_.empty() ? path_.string() : temporary_, "cannot be written", errno);
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  /// All that was written is on disk afterwards. Throws `io`.
  void sync() {
    if (!temporary_.empty() && uninterrupted([&] { return ::fsync(opened_.number()); }) != 0) {
      fail(path_.string(), "cannot be written", errno);
    }
  }

  /// Throws `io` when the content did not reach the disk; `path` is unchanged then.
  void commit() {
    sync();
    if (!temporary_.empty() && ::rename(temporary_.c_str(), path_.c_str()) != 0) {
      fail(path_.string(), "cannot be replaced", errno);
    }
    temporary_.clear();
  }

 private:
  void create(::mode_t mode) {
    temporary_ = make_beside(path_, [&](const char* name) {
      opened_ = open_at(AT_FDCWD, name, O_WRONLY | O_CREAT | O_EXCL, mode);
      return opened_.is_open();
    });
    if (!opened_.is_open()) {
      fail(path_.string(), "cannot be written", opened_.failure());
    }
  }

  void remove() noexcept {
    if (!temporary_.empty()) {
      ::unlink(temporary_.c_str());
    }
  }

  [[noreturn]] static void fail(const std::string& name, const char* what, int reason) {
    throw error(error_kind::io, name + ": " + what + ": " + std::strerror(reason));
  }

  std::filesystem::path path_;
  std::string temporary_;  // its name; empty once it has taken its place, and where there is none
  descriptor opened_{-EBADF};
};

/// What stands under a name, for as long as this lives, should what takes its place have to go again.
class kept_file {
 public:
  explicit kept_file(const std::filesystem::path& path) : path_(path) {
    second_ = make_beside(path, [&](const char* name) {
      is_kept_ = ::link(path_.c_str(), name) == 0;
      was_there_ = is_kept_ || errno != ENOENT;
      return is_kept_;
    });
  }
  kept_file(const kept_file&) = delete;
  kept_file& operator=(const kept_file&) = delete;
  ~kept_file() {
    if (is_kept_) {
      ::unlink(second_.c_str());
    }
  }

  /// Where the file system has no second names, only what was not there goes.
  void restore() const noexcept {
    if (is_kept_) {
      static_cast<void>(::rename(second_.c_str(), path_.c_str()) == 0);
    } else if (!was_there_) {
      ::unlink(path_.c_str());
    }
  }

 private:
  std::filesystem::path path_;
  std::string second_;
  bool is_kept_ = false;
  bool was_there_ = false;
};

/// Gives the file `path` this content, all of it or (when interrupted) nothing. Throws `io`.
inline void write_file(const std::filesystem::path& path, std::string_view content, links treatment = links::replaced) {
  replacement_file file(path, treatment);
  file.write(content);
  file.commit();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
