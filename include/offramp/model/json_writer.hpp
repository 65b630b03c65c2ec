// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// A string as it stands in JSON. Throws `invalid_argument` when it is not UTF-8.
[[nodiscard]] inline std::string quote_json(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception& problem) {
    throw error(error_kind::invalid_argument, std::string("text cannot be written as JSON: ") + problem.what());
  }
}

/// Writes one JSON value, an element or member a line, as it comes: a tree of nlohmann's values would need memory to be
/// destroyed. The same content gives the same bytes, whatever the locale.
class json_writer {
 public:
  /// `body()` writes the members.
  template <class Body>
  void object(const Body& body) {
    nest("{}", body);
  }

  /// `write(element)` writes each element.
  template <class Elements, class Write>
  void array(const Elements& elements, const Write& write) {
    nest("[]", [&] {
      for (const auto& element : elements) {
        write(element);
      }
    });
  }

  /// The name of the member whose value follows.
  void key(std::string_view name) {
    start_line();
    text_ += quote_json(name) + ": ";
    is_after_key_ = true;
  }

  void value(std::string_view text) { write(quote_json(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(const char* text) { value(std::string_view(text)); }

  /// A boolean, an integer or a double.
  template <class Number>
  requires(std::is_arithmetic_v<Number>) void value(Number number) { write(nlohmann::json(number).dump()); }

  /// The shortest text that gives the float back, as in 0.9.
  void value(float number) {
    std::array<char, 32> text{};
    const char* const end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    double nearest = 0;
    std::from_chars(text.data(), end, nearest);
    value(nearest);
  }

  void null() { write("null"); }

  template <class Value>
  void value(const std::vector<Value>& elements) {
    array(elements, [&](const Value& element) { value(element); });
  }

  template <class Value>
  void member(std::string_view name, const Value& content) {
    key(name);
    value(content);
  }

  /// Nothing where there is no content.
  template <class Value>
  void optional_member(std::string_view name, const std::optional<Value>& content) {
    if (content) {
      member(name, *content);
    }
  }

  [[nodiscard]] std::string finish() && { return std::move(text_); }

 private:
  template <class Body>
  void nest(std::string_view brackets, const Body& body) {
    start_line();
    text_ += brackets.front();
    ++depth_;
    is_first_ = true;
    body();
    --depth_;
    if (!is_first_) {
      end_line();
    }
    is_first_ = false;
    text_ += brackets.back();
  }

  void write(const std::string& text) {
    start_line();
    text_ += text;
  }

  void start_line() {
    if (!std::exchange(is_after_key_, false) && depth_ > 0) {
      text_ += is_first_ ? "" : ",";
      end_line();
    }
    is_first_ = false;
  }

  void end_line() {
    text_ += '\n';
    text_.append(depth_, ' ');
  }

  std::string text_;
  std::size_t depth_ = 0;
  bool is_first_ = true;  // in the innermost object or array
  bool is_after_key_ = false;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
