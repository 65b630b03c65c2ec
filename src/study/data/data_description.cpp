// SPDX-License-Identifier: Apache-2.0
#include "data_lines.hpp"

#include <offramp/error.hpp>
#include <offramp/model/json.hpp>
#include <offramp/study/data_description.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

[[nodiscard]] model::json_document parse_line(std::string_view line, const std::string& place) {
  try {
    return model::parse_json(std::string(line), place);
  } catch (const error& problem) {
    throw error(error_kind::bad_data, problem.what());
  }
}

/// The label of one line, and whether the line holds a pair.
struct label_of_line {
  std::string label;
  bool is_pair = false;
};

[[nodiscard]] label_of_line find_label(std::string_view line, bool is_json, const std::string& place) {
  const auto refuse = [&](const char* what) { throw error(error_kind::bad_data, place + ": " + what); };
  if (!is_json) {
    const std::size_t end = line.find('\t');
    if (end == std::string_view::npos || end == 0) {
      refuse("no label, expected one before a tab");
    }
    return {std::string(line.substr(0, end)), line.find('\t', end + 1) != std::string_view::npos};
  }
  const model::json_document document = parse_line(line, place);
  const nlohmann::json& object = document.root();
  const auto found = object.find("label");
  if (found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    refuse("no string \"label\"");
  }
  return {found->get<std::string>(), object.contains("text_pair")};
}

}  // namespace
}  // namespace detail

data_description describe_data(const std::filesystem::path& path) {
  const bool is_json = path.extension() == ".jsonl";
  data_description description;
  std::set<std::string> labels;
  detail::for_each_line(detail::read_data(path), [&](std::string_view line, std::size_t number) {
    const detail::label_of_line found = detail::find_label(line, is_json, path.string() + ":" + std::to_string(number));
    labels.insert(found.label);
    if (number == 1 && found.is_pair) {
      description.input = input_kind::pair;
    }
  });
  if (labels.empty()) {
    throw error(error_kind::bad_data, path.string() + ": is empty, expected labelled texts");
  }
  description.labels.assign(labels.begin(), labels.end());
  return description;
}

input_kind find_input_of_texts(const std::filesystem::path& path) {
  const std::string content = detail::read_data(path);
  const std::string_view line = std::string_view(content).substr(0, content.find('\n'));
  const std::string place = path.string() + ":1: ";
  if (path.extension() == ".jsonl") {
    const model::json_document document = detail::parse_line(line, path.string() + ":1");
    if (!document.root().is_object()) {
      throw error(error_kind::bad_data, place + "no JSON object");
    }
    return document.root().contains("text_pair") ? input_kind::pair : input_kind::single;
  }
  if (line.find('\t') != std::string_view::npos) {
    throw error(error_kind::bad_data, place + "has a tab, which may divide a pair or not: expected to be told which");
  }
  return input_kind::single;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
