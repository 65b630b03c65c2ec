// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/mix_bits.hpp>
#include <offramp/encoding.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// How a text's token ids become features: each n-gram of 1 to `longest` ids falls into one of 2^bucket_bits buckets.
struct ngram_shape {
  int longest = 2;             ///< 1 to 8
  int bucket_bits = 18;        ///< 1 to 24
  std::size_t max_tokens = 0;  ///< of a single text that it reads, special ones included, if the encoder reads fewer

  [[nodiscard]] std::size_t buckets() const noexcept { return std::size_t{1} << bucket_bits; }
  bool operator==(const ngram_shape&) const = default;
};

/// Most tokens that an exit may read of a text.
inline constexpr std::size_t longest_ngram_text = 65536;

/// How many tokens of a text lie beyond max_tokens, of those that an exit reads.
[[nodiscard]] constexpr std::size_t count_cut_ids(std::size_t max_tokens, std::size_t read) noexcept {
  return read > max_tokens ? read - max_tokens : 0;
}

/// The ids of a text that an encoder would read, with the ids that stand around texts: n-grams are made of what lies
/// between special ids, and behind the first separator begins the second text. What was cut off a single text goes on
/// where its last ids that are not special end.
struct ngram_text {
  std::span<const std::int32_t> ids;
  std::span<const std::int32_t> cut_ids;
  std::span<const std::int32_t> special_ids;
  std::int32_t separator = -1;
};

/// One bucket and how often the text's n-grams fall into it, as 1 + ln(times).
struct ngram_feature {
  std::uint32_t bucket = 0;
  float value = 0.0F;
};

/// Where one text's features are counted; reused from text to text.
struct ngram_memory {
  std::vector<std::int32_t> whole;  // the ids of a text that was cut
  std::vector<ngram_feature> features;
  std::vector<std::uint32_t> counts;  // by feature
  std::vector<std::uint32_t> slots;   // open addressing: feature + 1, 0 is empty

  [[nodiscard]] std::size_t bytes() const noexcept {
    return whole.capacity() * sizeof(std::int32_t) + features.capacity() * sizeof(ngram_feature) +
           (counts.capacity() + slots.capacity()) * sizeof(std::uint32_t);
  }
};

/// What the n-grams of the first text and of the second start from, so that they share no bucket but by chance.
inline constexpr std::uint64_t ngram_seeds[] = {0x9E3779B97F4A7C15U, 0x3C6EF372FE94F82AU};

/// Counts buckets in the order in which they are first seen.
class bucket_counter {
 public:
  bucket_counter(ngram_memory& memory, std::size_t most_ngrams) : memory_(memory) {
    std::size_t size = 16;
    while (size < 2 * most_ngrams) {
      size *= 2;
    }
    memory_.features.clear();
    memory_.counts.clear();
    memory_.slots.assign(size, 0);
  }

  void count(std::uint32_t bucket) {
    const std::size_t mask = memory_.slots.size() - 1;
    for (std::size_t slot = bucket & mask;; slot = (slot + 1) & mask) {
      const std::uint32_t entry = memory_.slots[slot];
      if (entry == 0) {
        memory_.features.push_back({bucket, 1.0F});
        memory_.counts.push_back(1);
        memory_.slots[slot] = static_cast<std::uint32_t>(memory_.features.size());
        return;
      }
      if (memory_.features[entry - 1].bucket == bucket) {
        ++memory_.counts[entry - 1];
        return;
      }
    }
  }

 private:
  ngram_memory& memory_;
};

/// Counts the n-grams of ids that stand together.
inline void count_ngrams(std::span<const std::int32_t> run, std::uint64_t seed, const ngram_shape& shape,
                         bucket_counter& counter) {
  const auto longest = static_cast<std::size_t>(shape.longest);
  for (std::size_t begin = 0; begin < run.size(); ++begin) {
    std::uint64_t hash = seed;
    for (const std::int32_t id : run.subspan(begin, std::min(longest, run.size() - begin))) {
      hash = offramp::detail::mix_bits(hash + static_cast<std::uint64_t>(id) + 1);
      counter.count(static_cast<std::uint32_t>(hash >> (64 - shape.bucket_bits)));
    }
  }
}

/// The features of a text: a bucket stands once, where the first of its n-grams begins. They live in the memory until
/// its next use. The n-gram of ids a, b, ... is hashed as mix(mix(seed + a + 1) + b + 1) ...; its bucket is the hash's
/// highest bits.
inline std::span<const ngram_feature> read_ngrams(const ngram_text& text, const ngram_shape& shape,
                                                  ngram_memory& memory) {
  const auto is_special = [&](std::int32_t id) {
    return std::ranges::find(text.special_ids, id) != text.special_ids.end();
  };
  std::span<const std::int32_t> ids = text.ids;
  if (!text.cut_ids.empty()) {
    while (!ids.empty() && is_special(ids.back())) {
      ids = ids.first(ids.size() - 1);
    }
    memory.whole.assign(ids.begin(), ids.end());
    memory.whole.insert(memory.whole.end(), text.cut_ids.begin(), text.cut_ids.end());
    ids = memory.whole;
  }
  bucket_counter counter(memory, ids.size() * static_cast<std::size_t>(shape.longest));
  std::uint64_t seed = ngram_seeds[0];
  std::size_t begin = 0;
  while (begin < ids.size()) {
    if (is_special(ids[begin])) {
      seed = ids[begin] == text.separator ? ngram_seeds[1] : seed;
      ++begin;
      continue;
    }
    std::size_t end = begin + 1;
    while (end < ids.size() && !is_special(ids[end])) {
      ++end;
    }
    count_ngrams(ids.subspan(begin, end - begin), seed, shape, counter);
    begin = end;
  }
  for (std::size_t i = 0; i < memory.features.size(); ++i) {
    if (memory.counts[i] > 1) {
      memory.features[i].value = 1.0F + std::log(static_cast<float>(memory.counts[i]));
    }
  }
  return memory.features;
}

/// 1 / the Euclidean length of the features; 0 of none.
[[nodiscard]] inline float inverse_length(std::span<const ngram_feature> features) {
  float squares = 0.0F;
  for (const ngram_feature& feature : features) {
    squares += feature.value * feature.value;
  }
  return squares > 0.0F ? 1.0F / std::sqrt(squares) : 0.0F;
}

/// A linear head over the n-grams of a text, the exit that stands before the encoder:
///
///     logits[label] = scales[label] * sum of weights[bucket][label] * value / length of the values + bias[label]
struct ngram_head {
  ngram_shape shape;
  std::vector<std::int8_t> weights;  // [buckets, labels], -127 to 127
  std::vector<float> scales;         // [labels]
  std::vector<float> bias;           // [labels]
  std::vector<std::int32_t> special_ids;
  std::int32_t separator = -1;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return weights.size() + (scales.size() + bias.size()) * sizeof(float);
  }

  void apply(const encoding& text, ngram_memory& memory, std::span<float> logits) const {
    apply(read_ngrams({text.ids, text.cut_ids, special_ids, separator}, shape, memory), logits);
  }

  /// Sums run over the features in text order, one accumulator per label: one order, whoever asks.
  void apply(std::span<const ngram_feature> features, std::span<float> logits) const {
    std::fill(logits.begin(), logits.end(), 0.0F);
    for (const ngram_feature& feature : features) {
      const std::int8_t* const row = weights.data() + std::size_t{feature.bucket} * logits.size();
      for (std::size_t label = 0; label < logits.size(); ++label) {
        logits[label] += feature.value * static_cast<float>(row[label]);
      }
    }
    const float scale = inverse_length(features);
    for (std::size_t label = 0; label < logits.size(); ++label) {
      logits[label] = logits[label] * scale * scales[label] + bias[label];
    }
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
