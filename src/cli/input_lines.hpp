// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "line_reader.hpp"

#include <offramp/classifier.hpp>

#include <CLI/CLI.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace offramp_cli {

/// One text, or the two of a pair.
struct input_text {
  std::string first;
  std::optional<std::string> second;

  bool operator==(const input_text&) const = default;
};

/// `line` as one text, or for pairs cut at its first tab. `place` ("line 3") opens the message of the
/// std::runtime_error for a pair without a tab.
input_text split_line(std::string_view line, offramp::input_kind kind, const std::string& place);

/// What --input-kind says, "single" or "pair"; where it is empty what the model says, else single.
offramp::input_kind chosen_kind(const std::string& option, std::optional<offramp::input_kind> model_kind);

/// Where texts come from: TEXT arguments, --input FILE or standard input.
struct input_options {
  const CLI::Option* texts = nullptr;
  std::optional<std::string> file;
  std::string kind;

  /// Adds TEXT, --input and --input-kind. `this` must stay where it is until parsing is over.
  void add_to(CLI::App& parser);
};

/// An open file that is closed at the end; standard input is left open.
class input_file {
 public:
  /// Throws offramp::error (io) when the file cannot be opened. Nothing stands for standard input.
  explicit input_file(const std::optional<std::string>& name);
  ~input_file();
  input_file(const input_file&) = delete;
  input_file& operator=(const input_file&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

/// Hands out the texts in chunks, so that input of any length takes bounded memory.
class input_lines {
 public:
  /// A `model_kind` of nothing reads single texts unless --input-kind says otherwise. Throws offramp::error (io) when
  /// the file cannot be opened.
  input_lines(const input_options& options, std::optional<offramp::input_kind> model_kind);

  /// At most `size` texts, at least one unless the input has ended. Waits for the first one only: then takes those that
  /// have arrived already, so that whoever writes a line to a pipe and waits gets its answer. A bad line is reported by
  /// the call after the one that returned all texts before it.
  std::vector<input_text> next_chunk(std::size_t size);

 private:
  std::optional<input_text> next_text();
  [[nodiscard]] bool has_arrived();

  offramp::input_kind kind_;
  std::deque<std::string> arguments_;
  bool from_arguments_;
  std::string name_;
  input_file file_;
  line_reader lines_;
  std::size_t count_ = 0;
  std::exception_ptr pending_;
};

}  // namespace offramp_cli
