// SPDX-License-Identifier: Apache-2.0
#include <offramp/exits/ngrams.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <utility>
#include <vector>

namespace ngrams_test {

using offramp::encoding;
using offramp::exits::ngram_feature;
using offramp::exits::ngram_head;
using offramp::exits::ngram_memory;
using offramp::exits::read_ngrams;

const nlohmann::json& cases() {
  static const nlohmann::json all = nlohmann::json::parse(std::ifstream(OFFRAMP_TEST_DATA "/exits/ngrams.json"));
  return all;
}

/// The head that the goldens speak of.
ngram_head head_of(const nlohmann::json& one) {
  ngram_head head;
  head.shape = {one["longest"].get<int>(), one["bucket_bits"].get<int>()};
  head.scales = one["scales"].get<std::vector<float>>();
  head.bias = one["bias"].get<std::vector<float>>();
  head.special_ids = {101, 102};
  head.separator = 102;
  for (std::size_t bucket = 0; bucket < head.shape.buckets(); ++bucket) {
    for (std::size_t label = 0; label < head.bias.size(); ++label) {
      head.weights.push_back(static_cast<std::int8_t>(static_cast<int>((bucket * 7 + label * 31) % 255) - 127));
    }
  }
  return head;
}

encoding text_of(const nlohmann::json& one) {
  return {.ids = one["ids"].get<std::vector<std::int32_t>>(), .type_ids = {}};
}

TEST(ngrams, fall_into_the_buckets_of_the_format) {
  ngram_memory memory;
  for (const nlohmann::json& one : cases()) {
    const ngram_head head = head_of(one);
    const auto ids = one["ids"].get<std::vector<std::int32_t>>();
    const auto features = read_ngrams({ids, {}, head.special_ids, head.separator}, head.shape, memory);
    ASSERT_EQ(features.size(), one["buckets"].size()) << one;
    for (std::size_t i = 0; i < features.size(); ++i) {
      EXPECT_EQ(features[i].bucket, one["buckets"][i].get<std::uint32_t>()) << one;
      EXPECT_FLOAT_EQ(features[i].value, 1.0F + std::log(one["counts"][i].get<float>())) << one;
    }
  }
}

TEST(ngrams, logits_are_those_of_the_formula) {
  ngram_memory memory;
  for (const nlohmann::json& one : cases()) {
    const ngram_head head = head_of(one);
    std::vector<float> logits(head.bias.size());
    head.apply(text_of(one), memory, logits);
    for (std::size_t label = 0; label < logits.size(); ++label) {
      EXPECT_NEAR(logits[label], one["logits"][label].get<double>(), 2e-6) << one;
    }
  }
}

TEST(ngrams, go_on_in_what_was_cut_off) {
  const ngram_head head = head_of(cases().front());
  const auto features_of = [&](const std::vector<std::int32_t>& ids, const std::vector<std::int32_t>& cut_ids) {
    ngram_memory memory;
    std::vector<std::pair<std::uint32_t, float>> all;
    for (const ngram_feature& feature :
         read_ngrams({ids, cut_ids, head.special_ids, head.separator}, head.shape, memory)) {
      all.emplace_back(feature.bucket, feature.value);
    }
    return all;
  };
  const auto whole = features_of({101, 40, 41, 42, 43, 41, 102}, {});
  EXPECT_EQ(features_of({101, 40, 41, 102}, {42, 43, 41}), whole);
  EXPECT_EQ(features_of({101, 102}, {40, 41, 42, 43, 41}), whole);
  EXPECT_NE(features_of({101, 40, 41, 102}, {42, 43}), whole);
}

TEST(ngrams, do_not_depend_on_the_texts_before) {
  const ngram_head head = head_of(cases().back());
  const encoding last = text_of(cases().back());
  std::vector<float> fresh(head.bias.size());
  ngram_memory unused;
  head.apply(last, unused, fresh);
  ngram_memory memory;
  for (const nlohmann::json& one : cases()) {
    std::vector<float> logits(head.bias.size());
    head.apply(text_of(one), memory, logits);
    head.apply(last, memory, logits);
    EXPECT_EQ(logits, fresh);
  }
}

TEST(ngrams, of_a_pair_are_kept_apart) {
  ngram_memory memory;
  const std::vector<std::int32_t> special_ids = {101, 102};
  const auto buckets = [&](const std::vector<std::int32_t>& ids) {
    std::vector<std::uint32_t> found;
    for (const auto& feature : read_ngrams({ids, {}, special_ids, 102}, {2, 24}, memory)) {
      found.push_back(feature.bucket);
    }
    return found;
  };
  const auto first = buckets({101, 5, 6, 102});
  const auto second = buckets({101, 102, 5, 6, 102});
  ASSERT_EQ(first.size(), 3U);
  ASSERT_EQ(second.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NE(first[i], second[i]);
  }
  EXPECT_EQ(buckets({101, 5, 102, 6, 102}).size(), 2U) << "no n-gram crosses from one text to the other";
}

}  // namespace ngrams_test
