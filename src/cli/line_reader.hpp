// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace offramp_cli {

/// Lines of an open file, pipe or terminal. Reads with read(2), so that it knows which lines have arrived already.
class line_reader {
 public:
  /// `descriptor` stays the caller's; `name` opens the messages of errors.
  line_reader(int descriptor, std::string name);

  /// The next line without its '\n' and one '\r' before it, as soon as it has arrived; nothing at the end. A last line
  /// without a '\n' keeps its '\r'. Throws std::runtime_error when reading fails.
  std::optional<std::string> next();

  /// Whether `next` would answer without waiting for whoever writes. Throws as `next` does.
  bool has_arrived();

 private:
  enum class waiting { no, yes };

  [[nodiscard]] std::size_t find_line_end();
  bool read_more();
  [[nodiscard]] bool is_readable(waiting wait) const;
  [[noreturn]] void fail(int problem) const;

  int descriptor_;
  std::string name_;
  std::string buffer_;
  std::size_t start_ = 0;     // of the next line
  std::size_t searched_ = 0;  // no line ends between `start_` and here
  bool ended_ = false;
};

}  // namespace offramp_cli
