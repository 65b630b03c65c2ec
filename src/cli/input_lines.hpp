// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>

#include <CLI/CLI.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <fstream>
#include <istream>
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

/// The next line of `in` without its '\n' and one '\r' before it; nothing at the end. Throws std::runtime_error when
/// `in` breaks.
std::optional<std::string> next_line(std::istream& in, const std::string& name);

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

/// Hands out the texts in chunks, so that input of any length takes bounded memory.
class input_lines {
 public:
  /// A `model_kind` of nothing reads single texts unless --input-kind says otherwise. Throws offramp::error (io) when
  /// the file cannot be opened.
  input_lines(const input_options& options, std::optional<offramp::input_kind> model_kind);

  /// At most `size` texts (one where a person types them); empty at the end. A bad line is reported by the call
  /// after the one that returned all texts before it.
  std::vector<input_text> next_chunk(std::size_t size);

 private:
  std::optional<input_text> next_text();
  std::istream& stream();

  offramp::input_kind kind_;
  std::deque<std::string> arguments_;
  bool from_arguments_;
  bool interactive_;
  std::string name_;
  std::optional<std::ifstream> file_;
  std::size_t count_ = 0;
  std::exception_ptr pending_;
};

}  // namespace offramp_cli
