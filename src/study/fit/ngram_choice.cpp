// SPDX-License-Identifier: Apache-2.0
#include "ngram_choice.hpp"

#include "exit_choice.hpp"

#include <offramp/exits/confidence.hpp>
#include <offramp/study/temperature.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

namespace {

/// What a head over n-grams reads of the texts, as the engine would.
[[nodiscard]] ngram_examples read_examples(const offramp::detail::text_reader& reader, const dataset& data,
                                           std::size_t num_labels, const exits::ngram_shape& shape) {
  const std::vector<std::int32_t> special_ids = reader.tokenizer.special_ids();
  ngram_examples examples(shape, num_labels);
  text::encode_memory memory;
  std::vector<float> target(num_labels);
  for (const labelled_text& text : data.texts) {
    const encoding& tokens = reader.encode(text.first, text.second, memory);
    target[static_cast<std::size_t>(text.label_id)] = 1.0F;
    examples.add({tokens.ids, special_ids, reader.tokenizer.separator()}, target);
    target[static_cast<std::size_t>(text.label_id)] = 0.0F;
  }
  return examples;
}

/// [texts, labels].
[[nodiscard]] std::vector<float> logits_of(const exits::ngram_head& head, const ngram_examples& examples) {
  const std::size_t labels = examples.num_labels();
  std::vector<float> logits(examples.size() * labels);
  for (std::size_t text = 0; text < examples.size(); ++text) {
    head.apply(examples.features(text), std::span(logits).subspan(text * labels, labels));
  }
  return logits;
}

}  // namespace

ngram_choice choose_ngrams(const offramp::detail::text_reader& reader, const dataset& train, const dataset& dev,
                           std::size_t num_labels, const exits::ngram_shape& shape, const runner& run) {
  constexpr double strengths[] = {0.3, 1, 3, 10, 30};  // the features have unit length, whatever the data
  const ngram_examples train_examples = read_examples(reader, train, num_labels, shape);
  const ngram_examples dev_examples = read_examples(reader, dev, num_labels, shape);
  const std::vector<int> dev_ids = label_ids(dev);
  ngram_choice best;
  const std::vector<ngram_weights> fits = fit_ngrams(train_examples, strengths, run);
  for (std::size_t i = 0; i < fits.size(); ++i) {
    exits::ngram_head head = round_weights(fits[i], shape);
    const double nll = negative_log_likelihood(logits_of(head, dev_examples), dev_ids, num_labels, 1.0F);
    if (nll < best.dev_nll) {
      best = {std::move(head), strengths[i], 0, nll, fits[i].is_optimal};
    }
  }
  best.train_accuracy = share_right(logits_of(best.head, train_examples), label_ids(train));
  return best;
}

std::vector<model::named_tensor> describe_ngrams(const exits::ngram_head& head, const std::string& name) {
  const std::size_t labels = head.bias.size();
  const std::size_t buckets = head.shape.buckets();
  std::vector<std::int8_t> rows(head.weights.size());
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    for (std::size_t label = 0; label < labels; ++label) {
      rows[label * buckets + bucket] = head.weights[bucket * labels + label];
    }
  }
  return {{name + ".weight", {labels, buckets}, {}, std::move(rows)},
          {name + ".weight.scale", {labels}, head.scales},
          {name + ".bias", {labels}, head.bias}};
}

double share_as_right(const exit_logits& logits) {
  const std::vector<float> first = exit_probabilities(logits, 0, logits.exits.front().temperature);
  struct judged {
    float confidence = 0;
    int gain = 0;  // right here alone: 1, right there alone: -1
  };
  std::vector<judged> texts(logits.num_texts);
  for (std::size_t text = 0; text < texts.size(); ++text) {
    const auto right = static_cast<std::size_t>(logits.label_ids[text]);
    const auto probabilities = std::span(first).subspan(text * logits.num_labels, logits.num_labels);
    const std::size_t here = exits::most_probable(probabilities);
    const std::size_t there = exits::most_probable(logits.at(logits.exits.size() - 1, text));
    texts[text] = {probabilities[here], (here == right ? 1 : 0) - (there == right ? 1 : 0)};
  }
  std::ranges::stable_sort(texts, std::ranges::greater(), &judged::confidence);
  double share = 0;
  int gain = 0;
  for (std::size_t left = 1; left <= texts.size(); ++left) {
    gain += texts[left - 1].gain;
    const bool is_step = left * 100 / texts.size() != (left - 1) * 100 / texts.size();
    if (is_step && gain >= 0) {
      share = static_cast<double>(left) / static_cast<double>(texts.size());
    }
  }
  return share;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
