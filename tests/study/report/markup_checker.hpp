// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace offramp_tests {

/// Reads markup tag by tag: what is opened is closed in order, attributes are quoted and unique, `&` starts a known
/// reference. HTML's void elements need no end, and its script and style hold anything up to their end tag.
class markup_checker {
 public:
  enum class language { xml, html };

  explicit markup_checker(std::string_view markup, language kind) : rest_(markup), kind_(kind) {
    while (problem_.empty() && !rest_.empty()) {
      rest_.front() == '<' ? read_tag() : read_text();
    }
    if (problem_.empty() && !open_.empty()) {
      problem_ = "<" + open_.back() + "> is not closed";
    }
  }

  /// Empty for well-formed markup.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// Names of all elements and, as in "href", of all attributes.
  [[nodiscard]] const std::set<std::string>& names() const { return names_; }
  /// Text outside of tags, references as they stand.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void fail(const std::string& what) {
    problem_ = what + " before \"" + std::string(rest_.substr(0, 60)) + "\"";
    rest_ = {};
  }

  void read_text() {
    const std::size_t end = std::min(rest_.find('<'), rest_.size());
    const std::string_view part = rest_.substr(0, end);
    check_references(part);
    if (open_.empty() && part.find_first_not_of(" \n") != std::string_view::npos) {
      fail("text outside of all elements");
      return;
    }
    text_ += part;
    rest_.remove_prefix(std::min(end, rest_.size()));
  }

  void check_references(std::string_view part) {
    for (std::size_t at = part.find('&'); at != std::string_view::npos; at = part.find('&', at + 1)) {
      const std::string_view tail = part.substr(at);
      const auto known = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
      if (std::ranges::none_of(known, [&](std::string_view name) { return tail.starts_with(name); })) {
        fail("unknown reference");
      }
    }
    if (std::ranges::any_of(part,
                            [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; })) {
      fail("control character");
    }
  }

  [[nodiscard]] std::string read_name() {
    std::size_t end = 0;
    while (end < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[end])) != 0 || rest_[end] == '-')) {
      ++end;
    }
    const std::string name(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return name;
  }

  void read_tag() {
    rest_.remove_prefix(1);
    if (kind_ == language::html && rest_.starts_with("!DOCTYPE html>")) {
      rest_.remove_prefix(14);
      return;
    }
    if (rest_.starts_with("/")) {
      rest_.remove_prefix(1);
      const std::string name = read_name();
      if (open_.empty() || open_.back() != name || !rest_.starts_with(">")) {
        fail("</" + name + "> closes nothing");
        return;
      }
      open_.pop_back();
      rest_.remove_prefix(1);
      return;
    }
    read_element();
  }

  void read_element() {
    const std::string name = read_name();
    if (name.empty()) {
      fail("a tag without a name");
      return;
    }
    names_.insert(name);
    std::set<std::string> attributes;
    while (rest_.starts_with(" ") || rest_.starts_with("\n")) {
      rest_.remove_prefix(1);
      if (!read_attribute(attributes)) {
        return;
      }
    }
    if (rest_.starts_with("/>")) {
      rest_.remove_prefix(2);
      return;
    }
    if (!rest_.starts_with(">")) {
      fail("<" + name + " does not end");
      return;
    }
    rest_.remove_prefix(1);
    const std::set<std::string> no_end = {"meta", "br", "input"};
    if (kind_ == language::html && no_end.contains(name)) {
      return;
    }
    open_.push_back(name);
    if (kind_ == language::html && (name == "script" || name == "style")) {
      rest_.remove_prefix(std::min(rest_.find("</" + name), rest_.size()));
    }
  }

  [[nodiscard]] bool read_attribute(std::set<std::string>& attributes) {
    const std::string name = read_name();
    names_.insert(name);
    if (name.empty() || !attributes.insert(name).second) {
      fail("an attribute without a name or given twice");
      return false;
    }
    if (kind_ == language::html && !rest_.starts_with("=")) {
      return true;
    }
    if (!rest_.starts_with("=\"")) {
      fail("attribute " + name + " without quotes");
      return false;
    }
    rest_.remove_prefix(2);
    const std::size_t end = rest_.find_first_of("\"<");
    if (end == std::string_view::npos || rest_[end] == '<') {
      fail("attribute " + name + " does not end");
      return false;
    }
    check_references(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return problem_.empty();
  }

  std::string_view rest_;
  language kind_;
  std::string problem_;
  std::string text_;
  std::set<std::string> names_;
  std::vector<std::string> open_;
};

}  // namespace offramp_tests
