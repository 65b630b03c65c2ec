// SPDX-License-Identifier: Apache-2.0
#include "study/likeliest_labels.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/labelling.hpp>
#include <offramp/study/exit_logits.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Texts per call: enough for every thread, few enough that progress is seen and memory stays small.
constexpr std::size_t texts_per_pass = 1024;

[[nodiscard]] std::vector<std::vector<exit_output>> run_every_exit(const classifier& model,
                                                                   std::span<const labelled_text> texts,
                                                                   const runner& run) {
  if (texts.front().second) {
    std::vector<sentence_pair> pairs;
    for (const labelled_text& text : texts) {
      pairs.push_back({text.first, *text.second});
    }
    return model.classify_batch_every_exit(pairs, run);
  }
  std::vector<std::string_view> singles;
  for (const labelled_text& text : texts) {
    singles.emplace_back(text.first);
  }
  return model.classify_batch_every_exit(singles, run);
}

/// Throws `invalid_argument` where texts have one label each and the model gives any number, or the other way round.
void check_label_form(const classifier& model, const dataset& data) {
  const bool has_sets = data.texts.front().label_id == label_set;
  if (data.is_labelled() && has_sets == model.cuts().empty()) {
    throw error(error_kind::invalid_argument,
                data.name + (has_sets ? ": texts have any number of labels, but the model gives one to each"
                                      : ": texts have one label each, but the model is multi-label: expected texts "
                                        "read with labels_per_text::any"));
  }
}

void add_right_answer(const labelled_text& text, exit_logits& logits) {
  if (logits.cuts.empty()) {
    logits.label_ids.push_back(text.label_id);
    return;
  }
  const std::size_t begin = logits.label_sets.size();
  logits.label_sets.resize(begin + logits.num_labels);
  for (const int label : text.label_ids) {
    logits.label_sets.at(begin + static_cast<std::size_t>(label)) = 1;
  }
}

/// The last exit's answers are the right ones.
void settle_by_full_depth(exit_logits& logits) {
  const std::size_t last = logits.exits.size() - 1;
  const std::vector<float> probabilities = exit_probabilities(logits, last, logits.exits[last].temperature);
  if (logits.cuts.empty()) {
    logits.label_ids = likeliest_labels(probabilities, logits.num_labels);
    return;
  }
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    logits.label_sets[i] = probabilities[i] > logits.cuts[i % logits.num_labels] ? 1 : 0;
  }
}

}  // namespace
}  // namespace detail

exit_logits compute_exit_logits(const classifier& model, const dataset& data, const runner& run,
                                const progress& report) {
  const offramp::detail::default_floating_point environment;
  exit_logits result{.num_texts = data.texts.size(),
                     .num_labels = model.labels().size(),
                     .exits = model.exits(),
                     .label_ids = {},
                     .tokens = {},
                     .values = {},
                     .cuts = model.cuts()};
  detail::check_label_form(model, data);
  result.values.resize(result.exits.size() * result.num_texts * result.num_labels);
  result.flops.resize(result.exits.size() * result.num_texts);
  if (report) {
    report(0, result.num_texts);
  }
  for (std::size_t begin = 0; begin < result.num_texts; begin += detail::texts_per_pass) {
    const std::size_t count = std::min(detail::texts_per_pass, result.num_texts - begin);
    const auto outputs = detail::run_every_exit(model, std::span(data.texts).subspan(begin, count), run);
    for (std::size_t i = 0; i < count; ++i) {
      detail::add_right_answer(data.texts[begin + i], result);
      const int tokens = outputs[i].front().answer.tokens;
      result.tokens.push_back(tokens);
      for (std::size_t exit = 0; exit < result.exits.size(); ++exit) {
        const std::size_t place = (exit * result.num_texts + begin + i) * result.num_labels;
        std::ranges::copy(outputs[i][exit].logits, result.values.begin() + static_cast<std::ptrdiff_t>(place));
        result.flops[exit * result.num_texts + begin + i] = model.flops(result.exits[exit].layer, tokens);
        if (const std::optional<float> uncertainty = outputs[i][exit].uncertainty) {
          result.uncertainties.resize(result.exits.size() * result.num_texts, 1.0F);
          result.uncertainties[exit * result.num_texts + begin + i] = *uncertainty;
        }
      }
    }
    if (report) {
      report(begin + count, result.num_texts);
    }
  }
  if (!data.is_labelled()) {
    result.is_labelled = false;
    detail::settle_by_full_depth(result);
  }
  return result;
}

std::vector<float> exit_probabilities(const exit_logits& logits, std::size_t exit, float temperature) {
  const offramp::detail::default_floating_point environment;
  const exits::labelling labels(logits.cuts);
  std::vector<float> probabilities(logits.num_texts * logits.num_labels);
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    labels.calibrate(logits.at(exit, text), temperature,
                     std::span(probabilities).subspan(text * logits.num_labels, logits.num_labels));
  }
  return probabilities;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
