// SPDX-License-Identifier: Apache-2.0
#include "data_lines.hpp"
#include "data_objects.hpp"

#include <offramp/error.hpp>
#include <offramp/study/data_description.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

[[noreturn]] void refuse_row(const std::filesystem::path& path, std::size_t line, const std::string& what) {
  throw error(error_kind::bad_data, path.string() + ":" + std::to_string(line) + ": " + what);
}

}  // namespace
}  // namespace detail

data_description describe_data(const std::filesystem::path& path, const field_names& names) {
  const std::string content = detail::read_data(path);
  std::set<std::string> labels;
  bool is_pair = false;
  const auto add = [&](const std::string& label, bool has_second) {
    is_pair = labels.empty() ? has_second : is_pair;
    labels.insert(label);
  };
  if (detail::has_named_fields(path)) {
    detail::for_each_object(path, content, [&](const detail::data_object& row) {
      const std::optional<std::string> label = detail::text_of(row.fields, names.label);
      if (!label || label->empty()) {
        detail::refuse_row(path, row.line, "no string \"" + names.label + "\"");
      }
      add(*label, row.fields.contains(names.text_pair));
    });
  } else {
    detail::for_each_line(content, [&](std::string_view line, std::size_t number) {
      const std::size_t end = line.find('\t');
      if (end == std::string_view::npos || end == 0) {
        detail::refuse_row(path, number, "no label, expected one before a tab");
      }
      add(std::string(line.substr(0, end)), line.find('\t', end + 1) != std::string_view::npos);
    });
  }
  if (labels.empty()) {
    throw error(error_kind::bad_data, path.string() + ": is empty, expected labelled texts");
  }
  return {{labels.begin(), labels.end()}, is_pair ? input_kind::pair : input_kind::single};
}

input_kind find_input_of_texts(const std::filesystem::path& path, const field_names& names) {
  std::string content = detail::read_data(path);
  if (path.extension() == ".csv") {
    const std::vector<std::string> header = detail::csv_reader(content, path.string()).next();
    return std::ranges::find(header, names.text_pair) == header.end() ? input_kind::single : input_kind::pair;
  }
  const std::string_view line = std::string_view(content).substr(0, content.find('\n'));
  if (path.extension() == ".jsonl") {
    const bool is_pair = detail::parse_json_line(line, path.string() + ":1").contains(names.text_pair);
    return is_pair ? input_kind::pair : input_kind::single;
  }
  if (line.find('\t') != std::string_view::npos) {
    detail::refuse_row(path, 1, "has a tab, which may divide a pair or not: expected to be told which");
  }
  return input_kind::single;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
