// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// One open file of a model, on disk or in the caller's memory, read by position. Reading never maps the file, so a
/// file that shrinks while it is read is an `io` error and not a signal. Const members are safe from several threads.
class file {
 public:
  file(std::string name, std::span<const std::byte> bytes)
      : name_(std::move(name)), source_(bytes), size_(bytes.size()) {}

  /// Opens a regular file. Throws `io`.
  explicit file(const std::filesystem::path& path) : name_(path.string()), source_(descriptor(path)) {
    struct stat status {};
    if (::fstat(std::get<descriptor>(source_).number(), &status) != 0 || !S_ISREG(status.st_mode)) {
      throw error(error_kind::io, name_ + ": not a regular file");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  /// As it stands in error messages.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Fills `target` with the bytes from `offset` on. Throws `io` when the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> target) const {
    if (offset > size_ || target.size() > size_ - offset) {
      throw error(error_kind::io, name_ + ": ends at byte " + std::to_string(size_) + ", expected " +
                                      std::to_string(target.size()) + " bytes from byte " + std::to_string(offset));
    }
    if (const auto* bytes = std::get_if<std::span<const std::byte>>(&source_)) {
      std::memcpy(target.data(), bytes->data() + offset, target.size());
      return;
    }
    read_from_disk(offset, target);
  }

  /// The whole content. Throws `io`, and `bad_model` when the file is larger than `limit` bytes.
  [[nodiscard]] std::string read_all(std::uint64_t limit) const {
    if (size_ > limit) {
      throw error(error_kind::bad_model,
                  name_ + ": has " + std::to_string(size_) + " bytes, expected at most " + std::to_string(limit));
    }
    std::string content(static_cast<std::size_t>(size_), '\0');
    read(0, std::as_writable_bytes(std::span(content)));
    return content;
  }

 private:
  class descriptor {
   public:
    explicit descriptor(const std::filesystem::path& path) : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
      if (number_ < 0) {
        throw error(error_kind::io, path.string() + ": cannot be opened: " + std::strerror(errno));
      }
    }
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
      std::swap(number_, other.number_);
      return *this;
    }
    ~descriptor() {
      if (number_ >= 0) {
        ::close(number_);
      }
    }
    [[nodiscard]] int number() const noexcept { return number_; }

   private:
    int number_;
  };

  void read_from_disk(std::uint64_t offset, std::span<std::byte> target) const {
    const int number = std::get<descriptor>(source_).number();
    while (!target.empty()) {
      const ::ssize_t count = ::pread(number, target.data(), target.size(), static_cast<::off_t>(offset));
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count <= 0) {
        throw error(error_kind::io, name_ + ": cannot be read at byte " + std::to_string(offset) + ": " +
                                        (count == 0 ? "it has become shorter" : std::strerror(errno)));
      }
      target = target.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
  }

  std::string name_;
  std::variant<std::span<const std::byte>, descriptor> source_;
  std::uint64_t size_ = 0;
};

/// The files of one model: a directory, or named blobs in the caller's memory (which must outlive this object).
class file_set {
 public:
  struct blob {
    std::string name;
    std::span<const std::byte> bytes;
  };

  /// Throws `io` when `directory` is not a directory.
  explicit file_set(const std::filesystem::path& directory) : source_(directory) {
    std::error_code failure;
    if (!std::filesystem::is_directory(directory, failure)) {
      throw error(error_kind::io, directory.string() + ": not a directory");
    }
  }
  explicit file_set(std::vector<blob> blobs) : source_(std::move(blobs)) {}

  /// The file of that plain name, or nothing when the model has none. Throws `io` when it exists and cannot be opened.
  [[nodiscard]] std::optional<file> find(std::string_view name) const {
    if (const auto* blobs = std::get_if<std::vector<blob>>(&source_)) {
      for (const blob& candidate : *blobs) {
        if (candidate.name == name) {
          return file(candidate.name, candidate.bytes);
        }
      }
      return std::nullopt;
    }
    const std::filesystem::path path = std::get<std::filesystem::path>(source_) / name;
    std::error_code failure;
    if (!std::filesystem::exists(path, failure)) {
      return std::nullopt;
    }
    return file(path);
  }

  /// As find, but a missing file is an `io` error.
  [[nodiscard]] file open(std::string_view name) const {
    if (std::optional<file> found = find(name)) {
      return std::move(*found);
    }
    throw error(error_kind::io, describe(name) + ": no such file");
  }

  /// As a file of that name would stand in error messages.
  [[nodiscard]] std::string describe(std::string_view name) const {
    const auto* directory = std::get_if<std::filesystem::path>(&source_);
    return directory != nullptr ? (*directory / name).string() : std::string(name);
  }

 private:
  std::variant<std::filesystem::path, std::vector<blob>> source_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
