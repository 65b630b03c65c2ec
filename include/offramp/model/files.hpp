// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/descriptor.hpp>
#include <offramp/model/placeholder.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// One open file of a model, on disk or in the caller's memory, read by position. Reading never maps the file, so a
/// file that shrinks while it is read is an `io` error and not a signal. A copy reads the same open file. Const members
/// are safe from several threads.
class file {
 public:
  file(std::string name, std::span<const std::byte> bytes)
      : name_(std::move(name)), source_(bytes), size_(bytes.size()) {}

  /// Opens a regular file. Throws `io`.
  explicit file(const std::filesystem::path& path) : file(path.string(), open(AT_FDCWD, path.c_str())) {}

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
      std::ranges::copy(bytes->subspan(static_cast<std::size_t>(offset), target.size()), target.begin());
      return;
    }
    read_from_disk(offset, target);
  }

  /// Throws `bad_model` where something else was stored in the place of the file.
  void refuse_placeholder() const {
    std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(size_, placeholder_head)), '\0');
    read(0, std::as_writable_bytes(std::span(head)));
    model::refuse_placeholder(name_, head);
  }

  /// The whole content. Throws `io`, and `bad_model` when the file is larger than `limit` bytes or a placeholder.
  [[nodiscard]] std::string read_all(std::uint64_t limit) const {
    if (size_ > limit) {
      throw error(error_kind::bad_model,
                  name_ + ": has " + std::to_string(size_) + " bytes, expected at most " + std::to_string(limit));
    }
    std::string content(static_cast<std::size_t>(size_), '\0');
    read(0, std::as_writable_bytes(std::span(content)));
    model::refuse_placeholder(name_, std::string_view(content).substr(0, placeholder_head));
    return content;
  }

  /// Whether both hold the same bytes. Throws `io`.
  [[nodiscard]] bool has_content_of(const file& other) const {
    std::vector<std::byte> here(std::size_t{1} << 16U);
    std::vector<std::byte> there(here.size());
    bool is_same = size_ == other.size_;
    for (std::uint64_t offset = 0; is_same && offset < size_; offset += here.size()) {
      here.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size_ - offset, here.size())));
      there.resize(here.size());
      read(offset, here);
      other.read(offset, there);
      is_same = here == there;
    }
    return is_same;
  }

 private:
  friend class file_set;
  using descriptor = offramp::detail::descriptor;

  /// Of what may be anything: opening a FIFO must not wait for a writer.
  [[nodiscard]] static descriptor open(int directory, const char* name) {
    return offramp::detail::open_at(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  }

  file(std::string name, descriptor opened) : name_(std::move(name)) {
    if (!opened.is_open() && opened.failure() != ENXIO) {  // ENXIO: a socket
      throw error(error_kind::io, name_ + ": cannot be opened: " + std::strerror(opened.failure()));
    }
    struct stat status {};
    if (!opened.is_open() || ::fstat(opened.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
      throw error(error_kind::io, name_ + ": not a regular file");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    source_ = std::make_shared<const descriptor>(std::move(opened));
  }

  void read_from_disk(std::uint64_t offset, std::span<std::byte> target) const {
    const int number = std::get<std::shared_ptr<const descriptor>>(source_)->number();
    while (!target.empty()) {
      const ::ssize_t count = offramp::detail::uninterrupted(
          [&] { return ::pread(number, target.data(), target.size(), static_cast<::off_t>(offset)); });
      if (count <= 0) {
        throw error(error_kind::io, name_ + ": cannot be read at byte " + std::to_string(offset) + ": " +
                                        (count == 0 ? "it has become shorter" : std::strerror(errno)));
      }
      target = target.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
  }

  std::string name_;
  std::variant<std::span<const std::byte>, std::shared_ptr<const descriptor>> source_;
  std::uint64_t size_ = 0;
};

/// The files of one model: a directory, or named blobs in the caller's memory (which must outlive this object). The
/// directory is opened once, and every file in it once and relative to it: all that is read belongs together, wherever
/// the path leads by then. Not for several threads at once.
class file_set {
 public:
  struct blob {
    std::string name;
    std::span<const std::byte> bytes;
  };

  /// Throws `io` when `directory` cannot be opened as a directory.
  explicit file_set(const std::filesystem::path& directory)
      : path_(directory), directory_(offramp::detail::open_at(AT_FDCWD, directory.c_str(), search_only | O_DIRECTORY)) {
    if (!directory_.is_open()) {
      fail("not a directory that can be opened", directory_.failure());
    }
  }
  explicit file_set(const std::vector<blob>& blobs) {
    for (const blob& one : blobs) {
      opened_.try_emplace(one.name, file(one.name, one.bytes));
    }
  }

  /// The file of that name, or nothing when the model has none. Throws `io` when there is one that cannot be
  /// opened; so is a link that leads nowhere.
  [[nodiscard]] std::optional<file> find(std::string_view name) const {
    if (const auto found = opened_.find(name); found != opened_.end()) {
      return found->second;
    }
    if (!directory_.is_open()) {
      return std::nullopt;
    }
    const std::string text(name);
    file::descriptor opened = file::open(directory_.number(), text.c_str());
    const bool is_unknown = opened.failure() == ENOENT || opened.failure() == ENOTDIR;
    if (is_unknown && !is_link(text)) {
      return std::nullopt;
    }
    return opened_.try_emplace(text, file(describe(name), std::move(opened))).first->second;
  }

  /// As find, but a missing file is an `io` error.
  [[nodiscard]] file open(std::string_view name) const {
    if (std::optional<file> found = find(name)) {
      return *std::move(found);
    }
    throw error(error_kind::io, describe(name) + ": no such file");
  }

  /// As a file of that name would stand in error messages.
  [[nodiscard]] std::string describe(std::string_view name) const { return (path_ / name).string(); }

  /// Of everything in the directory that is none itself, in order. Throws `io`.
  [[nodiscard]] std::vector<std::string> names() const {
    offramp::detail::descriptor listed = offramp::detail::open_at(directory_.number(), ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(listed.is_open() ? ::fdopendir(listed.number()) : nullptr,
                                                      ::closedir);
    if (!listing) {
      fail("cannot be listed", listed.is_open() ? errno : listed.failure());
    }
    static_cast<void>(listed.release());
    std::vector<std::string> found;
    while (const ::dirent* entry = (errno = 0, ::readdir(listing.get()))) {
      struct stat status {};
      if (::fstatat(directory_.number(), entry->d_name, &status, 0) != 0 || !S_ISDIR(status.st_mode)) {
        found.emplace_back(entry->d_name);
      }
    }
    if (errno != 0) {
      fail("cannot be listed", errno);
    }
    std::ranges::sort(found);
    return found;
  }

 private:
#if defined(O_PATH)
  static constexpr int search_only = O_PATH;
#else
  static constexpr int search_only = O_RDONLY;
#endif

  [[noreturn]] void fail(const std::string& what, int reason) const {
    throw error(error_kind::io, path_.string() + ": " + what + ": " + std::strerror(reason));
  }

  [[nodiscard]] bool is_link(const std::string& name) const {
    struct stat status {};
    return ::fstatat(directory_.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
  }

  std::filesystem::path path_;  // empty for blobs
  offramp::detail::descriptor directory_{-EBADF};
  mutable std::map<std::string, file, std::less<>> opened_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
