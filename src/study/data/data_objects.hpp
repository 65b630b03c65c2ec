// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data_lines.hpp"

#include <offramp/detail/ascii.hpp>
#include <offramp/error.hpp>
#include <offramp/model/json.hpp>
#include <offramp/study/dataset.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Files whose rows name their fields: JSON Lines, and CSV with a header (RFC 4180), whose records are read as objects
/// of strings.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

enum class row_form { line, json_line, csv };

/// By the file's extension, in upper or lower case. Throws `bad_data` for .json, which is one value and no row.
[[nodiscard]] inline row_form form_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), offramp::detail::ascii_lowercase);
  if (extension == ".json") {
    throw error(error_kind::bad_data,
                path.string() + ": is JSON, expected JSON Lines (.jsonl), an object in each line");
  }
  return extension == ".jsonl" || extension == ".ndjson" ? row_form::json_line
         : extension == ".csv"                           ? row_form::csv
                                                         : row_form::line;
}

/// One row: its fields, and the line that it begins on.
struct data_object {
  nlohmann::json fields;
  std::size_t line = 0;
};

/// Reads the records of a CSV file one after the other.
class csv_reader {
 public:
  csv_reader(std::string_view content, std::string name) : rest_(content), name_(std::move(name)) {}

  [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::size_t line() const noexcept { return line_; }

  /// Throws `bad_data` for a quotation mark that nothing ends, or that stands inside a plain field.
  [[nodiscard]] std::vector<std::string> next() {
    std::vector<std::string> fields;
    do {
      fields.push_back(rest_.starts_with('"') ? quoted_field() : plain_field());
    } while (take(','));
    const bool has_return = take('\r');
    if (!rest_.empty() && !take('\n')) {
      refuse(has_return ? "a carriage return inside a field, expected the field to be quoted"
                        : "text after a quoted field, expected a comma or the end of the line");
    }
    ++line_;
    return fields;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw error(error_kind::bad_data, name_ + ":" + std::to_string(line_) + ": " + what);
  }

 private:
  bool take(char expected) {
    const bool is_there = rest_.starts_with(expected);
    rest_.remove_prefix(is_there ? 1 : 0);
    return is_there;
  }

  [[nodiscard]] std::string plain_field() {
    const std::size_t end = std::min(rest_.find_first_of(",\r\n\""), rest_.size());
    std::string field(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (rest_.starts_with('"')) {
      refuse("a quotation mark inside a field, expected the field to be quoted and the mark to stand twice");
    }
    return field;
  }

  [[nodiscard]] std::string quoted_field() {
    std::string field;
    const std::size_t first_line = line_;
    rest_.remove_prefix(1);
    for (;;) {
      const std::size_t end = rest_.find('"');
      if (end == std::string_view::npos) {
        line_ = first_line;
        refuse("a quotation mark that nothing ends");
      }
      for (const char byte : rest_.substr(0, end)) {
        line_ += byte == '\n' ? 1U : 0U;
      }
      field += rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      if (!take('"')) {
        return field;
      }
      field += '"';
    }
  }

  std::string_view rest_;
  std::string name_;
  std::size_t line_ = 1;
};

[[nodiscard]] inline nlohmann::json parse_json_line(std::string_view line, const std::string& place) {
  try {
    nlohmann::json fields = model::parse_json(std::string(line), place).root();
    if (!fields.is_object()) {
      throw error(error_kind::bad_data, place + ": no JSON object");
    }
    return fields;
  } catch (const error& problem) {
    throw error(error_kind::bad_data, problem.what());
  }
}

/// Calls `visit(data_object)` for every row of a file with named fields. Throws `bad_data`, naming file and line.
template <class Visit>
void for_each_object(const std::filesystem::path& path, std::string_view content, const Visit& visit) {
  if (form_of(path) == row_form::json_line) {
    for_each_line(content, [&](std::string_view line, std::size_t number) {
      const std::string place = path.string() + ":" + std::to_string(number);
      if (line.empty()) {
        throw error(error_kind::bad_data, place + ": an empty line");
      }
      visit(data_object{parse_json_line(line, place), number});
    });
    return;
  }
  csv_reader reader(content, path.string());
  if (reader.is_at_end()) {
    return;
  }
  const std::vector<std::string> names = reader.next();
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) {
      throw error(error_kind::bad_data, path.string() + ":1: the header names \"" + *name + "\" twice");
    }
  }
  while (!reader.is_at_end()) {
    data_object row{nlohmann::json::object(), reader.line()};
    std::vector<std::string> fields = reader.next();
    if (fields.size() != names.size()) {
      throw error(error_kind::bad_data, path.string() + ":" + std::to_string(row.line) + ": " +
                                            std::to_string(fields.size()) + " fields, expected " +
                                            std::to_string(names.size()) + " as the header has");
    }
    for (std::size_t column = 0; column < names.size(); ++column) {
      row.fields[names[column]] = std::move(fields[column]);
    }
    visit(std::move(row));
  }
}

/// The value as text, a whole number in its digits; nothing for something else.
[[nodiscard]] inline std::optional<std::string> text_of(const nlohmann::json& value) {
  if (!(value.is_string() || value.is_number_integer())) {
    return std::nullopt;
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// The same of a field; nothing where there is none.
[[nodiscard]] inline std::optional<std::string> text_of(const nlohmann::json& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::nullopt : text_of(*found);
}

/// The labels of a column: one, or any number of them divided by commas; none in an empty one.
[[nodiscard]] inline std::vector<std::string> split_labels(std::string_view field, labels_per_text count) {
  std::vector<std::string> names;
  if (count == labels_per_text::one && !field.empty()) {
    names.emplace_back(field);
    return names;
  }
  for (std::size_t begin = 0; !field.empty() && begin <= field.size();) {
    const std::size_t end = std::min(field.find(',', begin), field.size());
    names.emplace_back(field.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

/// Those of a field, which may be an array where there may be any number; nothing for something else.
[[nodiscard]] inline std::optional<std::vector<std::string>> labels_of_row(const nlohmann::json& fields,
                                                                           const std::string& name,
                                                                           labels_per_text count) {
  const auto found = fields.find(name);
  if (found == fields.end() || !found->is_array() || count == labels_per_text::one) {
    const std::optional<std::string> text = text_of(fields, name);
    return text ? std::optional(split_labels(*text, count)) : std::nullopt;
  }
  std::vector<std::string> names;
  for (const nlohmann::json& element : *found) {
    const std::optional<std::string> text = text_of(element);
    if (!text) {
      return std::nullopt;
    }
    names.push_back(*text);
  }
  return names;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
