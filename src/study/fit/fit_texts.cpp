// SPDX-License-Identifier: Apache-2.0
#include "fit_texts.hpp"

#include "study/data/data_lines.hpp"
#include "targets.hpp"

#include <offramp/error.hpp>
#include <offramp/model/json.hpp>
#include <offramp/study/data_description.hpp>
#include <offramp/study/exit_logits.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

namespace {

/// This share of texts without labels chooses and calibrates where no other texts do.
constexpr double dev_share = 0.2;

[[nodiscard]] taught_texts taught_by_labels(dataset data, std::size_t num_labels) {
  std::vector<int> ids(data.texts.size());
  std::ranges::transform(data.texts, ids.begin(), &labelled_text::label_id);
  return {std::move(data), one_hot(ids, num_labels)};
}

[[nodiscard]] taught_texts taught_by(const classifier& teacher, dataset data, const runner& run,
                                     const progress& report) {
  const exit_logits logits = compute_exit_logits(teacher, data, run, report);
  const std::size_t last = logits.exits.size() - 1;
  return {std::move(data), exit_probabilities(logits, last, logits.exits[last].temperature)};
}

[[nodiscard]] taught_texts joined(taught_texts first, taught_texts second) {
  first.data.name += " or " + second.data.name;
  std::ranges::move(second.data.texts, std::back_inserter(first.data.texts));
  first.targets.insert(first.targets.end(), second.targets.begin(), second.targets.end());
  return first;
}

/// Throws unless the file's texts are others than those of dev.
void check_apart(const dataset& learned, const dataset& dev) {
  if (learned.sha256 == dev.sha256) {
    throw error(error_kind::invalid_argument,
                dev.name + ": has the same content as " + learned.name + ", expected texts that training did not see");
  }
}

/// Every label has texts to learn from.
void check_labels_learned(const dataset& train, const std::vector<std::string>& labels) {
  const std::vector<std::size_t> learned = count_labels(train, labels.size());
  for (std::size_t label = 0; label < labels.size(); ++label) {
    if (learned[label] == 0) {
      throw error(error_kind::bad_data, train.name + ": no text has the label \"" + labels[label] + "\"");
    }
  }
}

/// Dev asks for no label that nothing teaches.
void check_labels_asked(const dataset& train, const dataset& dev, const std::vector<std::string>& labels) {
  const std::vector<std::size_t> learned = count_labels(train, labels.size());
  for (const labelled_text& text : dev.texts) {
    if (learned[static_cast<std::size_t>(text.label_id)] == 0) {
      throw error(error_kind::bad_data, dev.name + ":" + std::to_string(text.line) + ": label \"" +
                                            labels[static_cast<std::size_t>(text.label_id)] + "\" does not occur in " +
                                            train.name);
    }
  }
}

/// A warning for each label that dev lacks.
[[nodiscard]] std::vector<std::string> warn_of_labels(const dataset& dev, const std::vector<std::string>& labels) {
  const std::vector<std::size_t> chosen = count_labels(dev, labels.size());
  std::vector<std::string> warnings;
  for (std::size_t label = 0; label < labels.size(); ++label) {
    if (chosen[label] == 0) {
      warnings.push_back(dev.name + ": no text has the label \"" + labels[label] +
                         "\"; nothing was chosen or calibrated with it");
    }
  }
  return warnings;
}

}  // namespace

void check_files(const fit_files& files) {
  if (!files.texts && !(files.train && files.dev)) {
    throw error(error_kind::invalid_argument, "fit_files: expected train and dev, or texts");
  }
}

input_kind find_input(const fit_files& files) {
  for (const auto& labelled : {files.train, files.dev}) {
    if (labelled) {
      return describe_data(*labelled).input;
    }
  }
  const std::filesystem::path& path = files.texts.value();
  const std::string content = read_data(path);
  const std::string_view line = std::string_view(content).substr(0, content.find('\n'));
  if (path.extension() == ".jsonl") {
    return line.find("\"text_pair\"") == std::string_view::npos ? input_kind::single : input_kind::pair;
  }
  if (line.find('\t') != std::string_view::npos) {
    throw error(error_kind::bad_data,
                path.string() + ":1: has a tab, which may divide a pair or not: expected to be told which");
  }
  return input_kind::single;
}

fit_reader::fit_reader(const fit_files& files, const std::vector<std::string>& labels, input_kind input,
                       double held_out) {
  check_files(files);
  read_labelled(files, labels, input);
  if (files.texts) {
    part(read_texts(*files.texts, input), held_out);
  }
}

void fit_reader::read_labelled(const fit_files& files, const std::vector<std::string>& labels, input_kind input) {
  if (files.train) {
    train_ = taught_by_labels(read_dataset(*files.train, labels, input), labels.size());
  }
  if (files.dev) {
    dev_ = taught_by_labels(read_dataset(*files.dev, labels, input), labels.size());
    warnings_ = warn_of_labels(dev_->data, labels);
  }
  if (train_ && dev_) {
    check_apart(train_->data, dev_->data);
    check_labels_asked(train_->data, dev_->data, labels);
  }
  if (train_) {
    check_labels_learned(train_->data, labels);
  }
}

void fit_reader::part(const dataset& texts, double held_out) {
  std::vector<double> shares;
  if (!dev_) {
    shares.push_back(dev_share);
  }
  if (held_out > 0) {
    shares.push_back(held_out);
  }
  shares.insert(shares.begin(), 1.0 - std::accumulate(shares.begin(), shares.end(), 0.0));
  std::vector<dataset> parts = part_texts(texts, shares);
  train_without_labels_ = std::move(parts.front());
  if (!dev_) {
    dev_without_labels_ = std::move(parts[1]);
  }
  if (held_out > 0) {
    held_out_ = std::move(parts.back());
  }
}

fit_texts fit_reader::answer(const std::function<classifier()>& load_teacher, const runner& run,
                             const progress& report) && {
  if (train_without_labels_) {
    const classifier teacher = load_teacher();
    taught_texts taught = taught_by(teacher, *std::move(train_without_labels_), run, report);
    train_ = train_ ? joined(*std::move(train_), std::move(taught)) : std::move(taught);
    if (dev_without_labels_) {
      dev_ = taught_by(teacher, *std::move(dev_without_labels_), run, report);
    }
  }
  return {std::move(train_).value(), std::move(dev_).value(), std::move(held_out_), std::move(warnings_)};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
