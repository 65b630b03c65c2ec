// SPDX-License-Identifier: Apache-2.0
#include "data_lines.hpp"
#include "data_objects.hpp"

#include <offramp/error.hpp>
#include <offramp/model/sha256.hpp>
#include <offramp/study/dataset.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Turns the lines of one file into labelled texts.
class dataset_parser {
 public:
  dataset_parser(std::string name, std::span<const std::string> labels, input_kind input, const field_names& names,
                 labels_per_text count = labels_per_text::one)
      : name_(std::move(name)), labels_(labels), input_(input), names_(names), count_(count) {}

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
    labelled_text text{std::string(columns[1]), {}, no_label, number};
    set_labels(split_labels(columns[0], count_), text);
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

  [[nodiscard]] labelled_text parse_object(const data_object& row) const {
    const auto text_named = [&](const std::string& name) {
      const auto found = row.fields.find(name);
      if (found == row.fields.end() || !found->is_string()) {
        refuse(row.line, "no string \"" + name + "\"");
      }
      return found->get<std::string>();
    };
    labelled_text text{{}, {}, no_label, row.line};
    if (!labels_.empty()) {
      const std::optional<std::vector<std::string>> found = labels_of_row(row.fields, names_.label, count_);
      if (!found) {
        refuse(row.line, (count_ == labels_per_text::any ? "no string or array of strings \"" : "no string \"") +
                             names_.label + "\"");
      }
      set_labels(*found, text);
    }
    text.first = text_named(names_.text);
    if (input_ == input_kind::pair) {
      text.second = text_named(names_.text_pair);
    } else if (row.fields.contains(names_.text_pair)) {
      refuse(row.line, "\"" + names_.text_pair + "\" was not expected: the model reads single texts");
    }
    return text;
  }

  [[noreturn]] void refuse(std::size_t number, const std::string& what) const {
    throw error(error_kind::bad_data, name_ + ":" + std::to_string(number) + ": " + what);
  }

 private:
  void set_labels(const std::vector<std::string>& names, labelled_text& text) const {
    if (count_ == labels_per_text::one) {
      text.label_id = label_id(names.empty() ? "" : names.front(), text.line);
      return;
    }
    text.label_id = label_set;
    for (const std::string& name : names) {
      text.label_ids.push_back(label_id(name, text.line));
    }
    std::ranges::sort(text.label_ids);
    if (const auto twice = std::ranges::adjacent_find(text.label_ids); twice != text.label_ids.end()) {
      refuse(text.line, "label \"" + labels_[static_cast<std::size_t>(*twice)] + "\" stands twice");
    }
  }

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
  const field_names& names_;
  labels_per_text count_;
};

/// Throws `invalid_argument` for names that a row of columns could not keep apart.
void check_names(const std::filesystem::path& path, std::span<const std::string> labels, labels_per_text count) {
  const auto has_comma = [](const std::string& label) { return label.find(',') != std::string::npos; };
  const auto label = std::ranges::find_if(labels, has_comma);
  if (count == labels_per_text::any && form_of(path) != row_form::json_line && label != labels.end()) {
    throw error(error_kind::invalid_argument, path.string() + ": the label \"" + *label +
                                                  "\" has a comma, which divides labels; expected .jsonl with arrays");
  }
}

}  // namespace
}  // namespace detail

dataset read_dataset(const std::filesystem::path& path, std::span<const std::string> labels, input_kind input,
                     const field_names& names, labels_per_text count) {
  if (labels.empty()) {
    throw error(error_kind::invalid_argument, "read_dataset: no labels, expected at least one");
  }
  detail::check_names(path, labels, count);
  const std::string content = detail::read_data(path);
  const detail::dataset_parser parser(path.string(), labels, input, names, count);
  dataset data{path.string(), model::sha256_hex(content), {}};
  if (detail::form_of(path) != detail::row_form::line) {
    detail::for_each_object(path, content,
                            [&](const detail::data_object& row) { data.texts.push_back(parser.parse_object(row)); });
  } else {
    detail::for_each_line(content, [&](std::string_view line, std::size_t number) {
      if (line.empty()) {
        parser.refuse(number, "an empty line");
      }
      data.texts.push_back(parser.parse_columns(line, number));
    });
  }
  if (data.texts.empty()) {
    throw error(error_kind::bad_data, data.name + ": is empty, expected labelled texts");
  }
  return data;
}

dataset read_texts(const std::filesystem::path& path, input_kind input, const field_names& names) {
  const std::string content = detail::read_data(path);
  const detail::dataset_parser parser(path.string(), {}, input, names);
  dataset data{path.string(), model::sha256_hex(content), {}};
  if (detail::form_of(path) != detail::row_form::line) {
    detail::for_each_object(path, content,
                            [&](const detail::data_object& row) { data.texts.push_back(parser.parse_object(row)); });
  } else {
    detail::for_each_line(content, [&](std::string_view line, std::size_t number) {
      data.texts.push_back(parser.parse_unlabelled(line, number));
    });
  }
  if (data.texts.empty()) {
    throw error(error_kind::bad_data, data.name + ": is empty, expected texts");
  }
  return data;
}

std::vector<std::size_t> count_labels(const dataset& data, std::size_t num_labels) {
  std::vector<std::size_t> counts(num_labels);
  for (const labelled_text& text : data.texts) {
    for (const int label : text.label_ids) {
      ++counts.at(static_cast<std::size_t>(label));
    }
    if (text.label_id >= 0) {
      ++counts.at(static_cast<std::size_t>(text.label_id));
    }
  }
  return counts;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
