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

data_description describe_data(const std::filesystem::path& path, const field_names& names, labels_per_text count) {
  const std::string content = detail::read_data(path);
  std::set<std::string> labels;
  std::optional<bool> is_pair;
  const auto add = [&](const std::vector<std::string>& of_row, bool has_second) {
    is_pair = is_pair.value_or(has_second);
    labels.insert(of_row.begin(), of_row.end());
  };
  if (detail::form_of(path) != detail::row_form::line) {
    detail::for_each_object(path, content, [&](const detail::data_object& row) {
      const std::optional<std::vector<std::string>> found = detail::labels_of_row(row.fields, names.label, count);
      if (!found || (found->empty() && count == labels_per_text::one)) {
        detail::refuse_row(path, row.line, "no string \"" + names.label + "\"");
      }
      add(*found, row.fields.contains(names.text_pair));
    });
  } else {
    detail::for_each_line(content, [&](std::string_view line, std::size_t number) {
      const std::size_t end = line.find('\t');
      if (end == std::string_view::npos || (end == 0 && count == labels_per_text::one)) {
        detail::refuse_row(path, number, "no label, expected one before a tab");
      }
      add(detail::split_labels(line.substr(0, end), count), line.find('\t', end + 1) != std::string_view::npos);
    });
  }
  if (labels.empty()) {
    throw error(error_kind::bad_data, path.string() + ": is empty, expected labelled texts");
  }
  return {{labels.begin(), labels.end()}, is_pair.value_or(false) ? input_kind::pair : input_kind::single};
}

input_kind find_input_of_texts(const std::filesystem::path& path, const field_names& names) {
  std::string content = detail::read_data(path);
  const detail::row_form form = detail::form_of(path);
  if (form == detail::row_form::csv) {
    const std::vector<std::string> header = detail::csv_reader(content, path.string()).next();
    return std::ranges::find(header, names.text_pair) == header.end() ? input_kind::single : input_kind::pair;
  }
  const std::string_view line = std::string_view(content).substr(0, content.find('\n'));
  if (form == detail::row_form::json_line) {
    const bool is_pair = detail::parse_json_line(line, path.string() + ":1").contains(names.text_pair);
    return is_pair ? input_kind::pair : input_kind::single;
  }
  if (line.find('\t') != std::string_view::npos) {
    detail::refuse_row(path, 1, "has a tab, which may divide a pair or not: expected to be told which");
  }
  return input_kind::single;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
