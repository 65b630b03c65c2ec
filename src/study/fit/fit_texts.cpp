// SPDX-License-Identifier: Apache-2.0
#include "fit_texts.hpp"

#include "targets.hpp"

#include <offramp/error.hpp>
#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/data_description.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/known_texts.hpp>

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

/// The one label, or all of a set.
[[nodiscard]] std::vector<int> labels_of(const labelled_text& text) {
  return text.label_id == label_set ? text.label_ids : std::vector<int>{text.label_id};
}

/// This share of texts without labels chooses and calibrates where no other texts do.
constexpr double dev_share = 0.2;

[[nodiscard]] taught_texts taught_by_labels(dataset data, std::size_t num_labels) {
  std::vector<float> targets(data.texts.size() * num_labels);
  for (std::size_t text = 0; text < data.texts.size(); ++text) {
    for (const int label : labels_of(data.texts[text])) {
      targets[text * num_labels + static_cast<std::size_t>(label)] = 1.0F;
    }
  }
  return {std::move(data), std::move(targets)};
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

[[nodiscard]] known_texts known_of(const dataset& data) {
  known_texts known;
  known.add(text_use::learned, data);
  return known;
}

/// How many texts of `data` are known, and of how many pairs the first text is.
struct shared_texts {
  std::size_t texts = 0;
  std::size_t firsts = 0;
};

[[nodiscard]] shared_texts count_shared(const known_texts& known, const dataset& data) {
  shared_texts shared;
  for (const labelled_text& text : data.texts) {
    shared.texts += known.count(text_use::learned, text_hash(text));
    shared.firsts += text.second && known.has_first(text_use::learned, first_text_hash(text)) ? 1U : 0U;
  }
  return shared;
}

/// "dev.tsv: 3 of 872 texts "
[[nodiscard]] std::string count_of(std::size_t count, const dataset& data) {
  return data.name + ": " + std::to_string(count) + " of " + std::to_string(data.texts.size()) + " texts ";
}

/// Warnings for texts of dev that are learned from. Throws where that is all of them.
[[nodiscard]] std::vector<std::string> warn_of_shared(const dataset& learned, const dataset& dev) {
  const shared_texts shared = count_shared(known_of(learned), dev);
  if (shared.texts == dev.texts.size()) {
    throw error(error_kind::invalid_argument,
                dev.name + ": every text is in " + learned.name + " too, expected texts that training did not see");
  }
  std::vector<std::string> warnings;
  if (shared.texts > 0) {
    warnings.push_back(count_of(shared.texts, dev) + "are in " + learned.name +
                       " too; exits look better on them than they are");
  } else if (shared.firsts > 0) {
    warnings.push_back(count_of(shared.firsts, dev) + "have the first text of a pair in " + learned.name +
                       "; they are not quite new");
  }
  return warnings;
}

/// Every label has texts to learn from.
void check_labels_learned(const dataset& train, const std::vector<std::string>& labels) {
  const std::vector<std::size_t> learned = count_labels(train, labels.size());
  for (std::size_t label = 0; label < labels.size(); ++label) {
    if (learned[label] == 0) {
      throw error(error_kind::bad_data, train.name + ": no text has the label \"" + labels[label] + "\"");
    }
    if (train.texts.front().label_id == label_set && learned[label] == train.texts.size()) {
      throw error(error_kind::bad_data, train.name + ": every text has the label \"" + labels[label] + "\"");
    }
  }
}

/// Dev asks for no label that nothing teaches.
void check_labels_asked(const dataset& train, const dataset& dev, const std::vector<std::string>& labels) {
  const std::vector<std::size_t> learned = count_labels(train, labels.size());
  for (const labelled_text& text : dev.texts) {
    for (const int label : labels_of(text)) {
      if (learned[static_cast<std::size_t>(label)] == 0) {
        throw error(error_kind::bad_data, dev.name + ":" + std::to_string(text.line) + ": label \"" +
                                              labels[static_cast<std::size_t>(label)] + "\" does not occur in " +
                                              train.name);
      }
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

void check_weighting(class_weighting weighting, const taught_texts& train, const std::vector<std::string>& labels) {
  if (weighting != class_weighting::balanced) {
    return;
  }
  const std::vector<int> taught = likeliest_labels(train.targets, labels.size());
  for (std::size_t label = 0; label < labels.size(); ++label) {
    if (std::ranges::find(taught, static_cast<int>(label)) == taught.end()) {
      throw error(error_kind::bad_data, train.data.name + ": none of the texts to learn from is answered \"" +
                                            labels[label] + "\", which then has no weight to balance");
    }
  }
}

input_kind find_input(const fit_files& files, const field_names& names, labels_per_text count) {
  for (const auto& labelled : {files.train, files.dev}) {
    if (labelled) {
      return describe_data(*labelled, names, count).input;
    }
  }
  return find_input_of_texts(files.texts.value(), names);
}

fit_reader::fit_reader(const fit_files& files, const known_texts& known, const std::vector<std::string>& labels,
                       input_kind input, const text_shares& shares) {
  check_files(files);
  read_labelled(files, labels, input, shares);
  if (files.texts) {
    part(read_texts(*files.texts, input, shares.fields), shares);
  }
  if (held_out_) {
    (void)select_certifiable(known, *held_out_);  // what it refuses should not wait for the fit
  }
}

void fit_reader::read_labelled(const fit_files& files, const std::vector<std::string>& labels, input_kind input,
                               const text_shares& form) {
  const auto read = [&](const std::filesystem::path& path) {
    return taught_by_labels(read_dataset(path, labels, input, form.fields, form.count), labels.size());
  };
  if (files.train) {
    train_ = read(*files.train);
  }
  if (files.dev) {
    dev_ = read(*files.dev);
    warnings_ = warn_of_labels(dev_->data, labels);
  }
  if (train_ && dev_) {
    std::ranges::move(warn_of_shared(train_->data, dev_->data), std::back_inserter(warnings_));
    check_labels_asked(train_->data, dev_->data, labels);
  }
  if (train_) {
    check_labels_learned(train_->data, labels);
  }
}

void fit_reader::part(dataset texts, const text_shares& wanted) {
  // What has a label has its part already.
  known_texts labelled;
  for (const std::optional<taught_texts>* given : {&train_, &dev_}) {
    if (*given) {
      labelled.add(text_use::learned, (*given)->data);
    }
  }
  const std::size_t left_out = std::erase_if(
      texts.texts, [&](const labelled_text& text) { return labelled.count(text_use::learned, text_hash(text)) > 0; });
  if (left_out > 0) {
    warnings_.push_back(texts.name + ": " + std::to_string(left_out) +
                        " texts that have a label elsewhere are left out");
  }
  std::vector<double> shares;
  if (!dev_) {
    shares.push_back(dev_share);
  }
  if (wanted.held_out > 0) {
    shares.push_back(wanted.held_out);
  }
  shares.insert(shares.begin(), 1.0 - std::accumulate(shares.begin(), shares.end(), 0.0));
  std::vector<dataset> parts = part_texts(texts, shares, wanted.what);
  warn_of_shared_firsts(parts);
  train_without_labels_ = std::move(parts.front());
  if (!dev_) {
    dev_without_labels_ = std::move(parts[1]);
  }
  if (wanted.held_out > 0) {
    held_out_ = std::move(parts.back());
  }
}

void fit_reader::warn_of_shared_firsts(std::span<const dataset> parts) {
  known_texts earlier;
  std::size_t shared = 0;
  for (const dataset& part : parts) {
    shared += count_shared(earlier, part).firsts;
    earlier.add(text_use::learned, part);
  }
  if (shared > 0) {
    warnings_.push_back(parts.front().name + ": " + std::to_string(shared) +
                        " texts have the first text of a pair in another part and are not quite new to what that one "
                        "fitted; parted by their first texts, such pairs stay together");
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
