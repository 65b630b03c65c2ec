// SPDX-License-Identifier: Apache-2.0
#include "ngram_choice.hpp"

#include "label_fit.hpp"
#include "targets.hpp"

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

struct examples_of_texts {
  ngram_examples examples;
  bool is_any_longer = false;  ///< than what the encoder reads, of those that are no pairs
};

/// What a head over n-grams reads of the texts, as the engine would.
[[nodiscard]] examples_of_texts read_examples(const offramp::detail::text_reader& reader, const taught_texts& texts,
                                              std::size_t num_labels, const exits::ngram_shape& shape) {
  const std::size_t cut_ids = exits::count_cut_ids(reader.max_tokens, shape.max_tokens);
  const std::vector<std::int32_t> special_ids = reader.tokenizer.special_ids();
  examples_of_texts read{ngram_examples(shape, num_labels)};
  text::encode_memory memory;
  for (std::size_t i = 0; i < texts.data.texts.size(); ++i) {
    const labelled_text& text = texts.data.texts[i];
    const bool is_pair = text.second && !text.second->empty();
    const encoding& tokens = is_pair ? reader.encode(text.first, text.second, memory)
                                     : reader.tokenizer.encode(text.first, reader.max_tokens, memory, nullptr, cut_ids);
    read.is_any_longer = read.is_any_longer || (!is_pair && tokens.truncated);
    read.examples.add({tokens.ids, tokens.cut_ids, special_ids, reader.tokenizer.separator()},
                      std::span(texts.targets).subspan(i * num_labels, num_labels));
  }
  return read;
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

ngram_choice choose_ngrams(const offramp::detail::text_reader& reader, const fit_texts& texts, std::size_t num_labels,
                           std::span<const float> cuts, const fit_options& options, const runner& run) {
  constexpr double strengths[] = {0.3, 1, 3, 10, 30};  // the features have unit length, whatever the data
  exits::ngram_shape shape{options.ngram_longest, options.ngram_bucket_bits,
                           static_cast<std::size_t>(options.ngram_max_tokens)};
  const std::vector<double> class_weights = class_weights_for(options.weighting, texts.train.targets, num_labels);
  const auto [train_examples, is_any_longer] = read_examples(reader, texts.train, num_labels, shape);
  if (!is_any_longer) {
    shape.max_tokens = 0;
  }
  const ngram_examples dev_examples = read_examples(reader, texts.dev, num_labels, shape).examples;
  ngram_choice best;
  const std::vector<ngram_weights> fits = fit_label_ngrams(train_examples, cuts, strengths, class_weights, run);
  for (std::size_t i = 0; i < fits.size(); ++i) {
    exits::ngram_head head = round_weights(fits[i], shape);
    const double nll = mean_nll(logits_of(head, dev_examples), texts.dev.targets, num_labels, cuts, class_weights);
    if (nll < best.dev_nll) {
      best = {std::move(head), strengths[i], 0, nll, fits[i].is_optimal};
    }
  }
  best.train_accuracy =
      share_answered_right(logits_of(best.head, train_examples), texts.train.targets, num_labels, cuts);
  return best;
}

std::vector<model::named_tensor> describe_ngrams(const exits::ngram_head& head) {
  const std::size_t labels = head.bias.size();
  const std::size_t buckets = head.shape.buckets();
  std::vector<std::int8_t> rows(head.weights.size());
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    for (std::size_t label = 0; label < labels; ++label) {
      rows[label * buckets + bucket] = head.weights[bucket * labels + label];
    }
  }
  return {{"classifier.weight", {labels, buckets}, {}, std::move(rows)},
          {"classifier.weight.scale", {labels}, head.scales},
          {"classifier.bias", {labels}, head.bias}};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
