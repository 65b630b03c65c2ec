// SPDX-License-Identifier: Apache-2.0
#include "data_lines.hpp"

#include <offramp/error.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/sha256.hpp>
#include <offramp/study/dataset.hpp>

#include <algorithm>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Turns the lines of one file into labelled texts.
class dataset_parser {
 public:
  dataset_parser(std::string name, std::span<const std::string> labels, input_kind input)
      : name_(std::move(name)), labels_(labels), input_(input) {}

  [[nodiscard]] labelled_text parse_columns(std::string_view line, std::size_t number) const {
    std::vector<std::string_view> columns;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find('\t', begin), line.size());
      columns.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    const std::size_t expected = input_ == input_kind::pair ? 3 : 2;
    if (columns.size() != expected) {
      refuse(number, std::to_string(columns.size()) + (columns.size() == 1 ? " column" : " columns") + ", expected " +
                         std::to_string(expected) + ", separated by tabs");
    }
    labelled_text text{std::string(columns[1]), {}, label_id(columns[0], number), number};
    if (input_ == input_kind::pair) {
      text.second = std::string(columns[2]);
    }
    return text;
  }

  [[nodiscard]] labelled_text parse_unlabelled(std::string_view line, std::size_t number) const {
    if (input_ == input_kind::single) {
      return {std::string(line), {}, no_label, number};
    }
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) {
      refuse(number, "no tab, expected two texts divided by one");
    }
    return {std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)), no_label, number};
  }

  [[nodiscard]] labelled_text parse_object(std::string_view line, std::size_t number) const {
    const model::json_document document = [&] {
      try {
        return model::parse_json(std::string(line), name_ + ":" + std::to_string(number));
      } catch (const error& problem) {
        throw error(error_kind::bad_data, problem.what());
      }
    }();
    const nlohmann::json& object = document.root();
    const auto member = [&](const char* key) {
      const auto found = object.find(key);
      if (found == object.end() || !found->is_string()) {
        refuse(number, std::string("no string \"") + key + "\"");
      }
      return found->get<std::string>();
    };
    if (!object.is_object()) {
      refuse(number, "no JSON object");
    }
    const int label = labels_.empty() ? no_label : label_id(member("label"), number);
    labelled_text text{member("text"), {}, label, number};
    if (input_ == input_kind::pair) {
      text.second = member("text_pair");
    } else if (object.contains("text_pair")) {
      refuse(number, "\"text_pair\" was not expected: the model reads single texts");
    }
    return text;
  }

  [[noreturn]] void refuse(std::size_t number, const std::string& what) const {
    throw error(error_kind::bad_data, name_ + ":" + std::to_string(number) + ": " + what);
  }

 private:
  [[nodiscard]] int label_id(std::string_view label, std::size_t number) const {
    const auto found = std::ranges::find(labels_, label);
    if (found == labels_.end()) {
      std::string known;
      for (const std::string& name : labels_) {
        known += (known.empty() ? "\"" : ", \"") + name + "\"";
      }
      refuse(number, "label \"" + std::string(label) + "\" is unknown, expected one of " + known);
    }
    return static_cast<int>(found - labels_.begin());
  }

  std::string name_;
  std::span<const std::string> labels_;  // empty: the texts have none
  input_kind input_;
};

}  // namespace
}  // namespace detail

dataset read_dataset(const std::filesystem::path& path, std::span<const std::string> labels, input_kind input) {
  if (labels.empty()) {
    throw error(error_kind::invalid_argument, "read_dataset: no labels, expected at least one");
  }
  const std::string content = detail::read_data(path);
  const detail::dataset_parser parser(path.string(), labels, input);
  const bool is_jsonl = path.extension() == ".jsonl";
  dataset data{path.string(), model::sha256_hex(content), {}};
  detail::for_each_line(content, [&](std::string_view line, std::size_t number) {
    if (line.empty()) {
      parser.refuse(number, "an empty line");
    }
    data.texts.push_back(is_jsonl ? parser.parse_object(line, number) : parser.parse_columns(line, number));
  });
  if (data.texts.empty()) {
    throw error(error_kind::bad_data, data.name + ": is empty, expected labelled texts");
  }
  return data;
}

dataset read_texts(const std::filesystem::path& path, input_kind input) {
  const std::string content = detail::read_data(path);
  const detail::dataset_parser parser(path.string(), {}, input);
  const bool is_jsonl = path.extension() == ".jsonl";
  dataset data{path.string(), model::sha256_hex(content), {}};
  detail::for_each_line(content, [&](std::string_view line, std::size_t number) {
    data.texts.push_back(is_jsonl ? parser.parse_object(line, number) : parser.parse_unlabelled(line, number));
  });
  if (data.texts.empty()) {
    throw error(error_kind::bad_data, data.name + ": is empty, expected texts");
  }
  return data;
}

std::vector<std::size_t> count_labels(const dataset& data, std::size_t num_labels) {
  std::vector<std::size_t> counts(num_labels);
  for (const labelled_text& text : data.texts) {
    ++counts.at(static_cast<std::size_t>(text.label_id));
  }
  return counts;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
