// SPDX-License-Identifier: Apache-2.0
// After a call of the same size, a call allocates only what its result owns.
#include "counted_memory.hpp"
#include "model_in_memory.hpp"
#include "ngram_model.hpp"
#include "text/subwords/corpus.hpp"

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/offramp.hpp>
#include <offramp/thread_pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace allocation_test {

using offramp::classifier;
using offramp::drift_audit;
using offramp::exit_policy;
using offramp::numeric_format;
using offramp::runner;
using offramp::sentence_pair;

std::size_t allocations_of(const std::function<void()>& call) {
  const std::size_t before = counted_memory::allocations;
  call();
  return counted_memory::allocations - before;
}

classifier load_bundled(numeric_format format) {
  return classifier::load(OFFRAMP_SOURCE_DIR "/models/sentiment-en", {.format = format});
}

classifier load_tiny(const std::string& name, numeric_format format) {
  return classifier::load(OFFRAMP_TEST_DATA "/models/" + name, {.format = format});
}

class formats : public testing::TestWithParam<numeric_format> {};

INSTANTIATE_TEST_SUITE_P(allocation, formats,
                         testing::Values(numeric_format::float32, numeric_format::bfloat16, numeric_format::int8));

TEST(counter, counts) {
  EXPECT_EQ(allocations_of([] {
              const std::vector<int> one(3);
              EXPECT_EQ(one[0], 0);
            }),
            1U);
}

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> ragged;
    for (std::size_t words = 0; words < 40; ++words) {  // several batches' worth
      std::string text = "A film about grief";
      for (std::size_t word = 0; word < words * 13 % 97; ++word) {
        text += word % 3 == 0 ? " that somehow" : " leaves you smiling";
      }
      ragged.push_back(text);
    }
    ragged.emplace_back();
    return ragged;
  }();
  return all;
}

const std::vector<sentence_pair>& pairs() {
  static const std::vector<sentence_pair> all = [] {
    std::vector<sentence_pair> ragged;
    for (std::size_t i = 1; i < texts().size(); ++i) {
      ragged.push_back({texts()[i - 1], texts()[i]});
    }
    return ragged;
  }();
  return all;
}

/// What the predictions own: each its probabilities, and the list that holds them. A short label needs no memory.
std::size_t owned_by(std::size_t predictions) { return predictions + 1; }

/// Calls one body after another on the calling thread.
void in_order(std::size_t n, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < n; ++i) {
    body(i);
  }
}

TEST(counter, counts_mappings) {
  EXPECT_EQ(allocations_of([] {
              const offramp::nn::aligned_vector<float> one(std::size_t{1} << 20U, 1.0F);
              EXPECT_EQ(one[0], 1.0F);
            }),
            1U);
}

TEST(allocation, weights_that_are_not_there_take_no_memory) {
  offramp_tests::model_in_memory model("tiny");
  std::string& config = model.files.at("config.json");
  const std::string size = "\"intermediate_size\": 48";
  const std::size_t place = config.find(size);
  ASSERT_NE(place, std::string::npos) << config;
  config.insert(place + size.size(), "0000");  // 46 MB of weights
  counted_memory::largest_mapping = 0;
  EXPECT_THROW((void)model.load(), offramp::error);
  EXPECT_LT(counted_memory::largest_mapping, std::size_t{40} << 20U) << "small weights share a mapping of 32 MiB";
}

TEST_P(formats, classify_allocates_its_result_only) {
  const classifier model = load_bundled(GetParam());
  const std::string text = "A film about grief that somehow leaves you smiling.";
  const sentence_pair pair{text, text};
  const offramp::encoding tokens = model.tokenize(text);
  const runner lent = in_order;
  const auto expect_one = [&](const auto& input, const runner& run) {
    const auto classify = [&] {
      EXPECT_EQ(model.classify(input, exit_policy::full_depth(), run).probabilities.size(), 2U);
    };
    classify();
    EXPECT_LE(allocations_of(classify), 1U);  // probabilities; a short label needs no memory
  };
  for (const runner& run : {runner(), lent}) {
    expect_one(tokens, run);
    expect_one(text, run);
    expect_one(pair, run);
  }
}

template <class Inputs>
void expect_results_only(const classifier& model, const Inputs& inputs, const exit_policy& policy, const runner& run) {
  const auto classify = [&] { EXPECT_EQ(model.classify_batch(inputs, policy, run).size(), inputs.size()); };
  classify();
  EXPECT_LE(allocations_of(classify), owned_by(inputs.size()));
}

TEST_P(formats, classify_batch_allocates_its_results_only) {
  for (const char* name : {"tiny", "tiny-mix", "tiny-pair", "tiny-plain", "tiny-sharded"}) {
    SCOPED_TRACE(name);
    const classifier model = load_tiny(name, GetParam());
    std::vector<offramp::encoding> tokens;
    for (const std::string& text : texts()) {
      tokens.push_back(model.tokenize(text));
    }
    const drift_audit audit(0.5, 1);
    for (const runner& run : {runner(), runner(in_order)}) {
      for (const exit_policy& policy :
           {exit_policy::full_depth(), exit_policy(0.7F), exit_policy(0.7F).audited_by(audit)}) {
        expect_results_only(model, texts(), policy, run);
        expect_results_only(model, pairs(), policy, run);
        expect_results_only(model, tokens, policy, run);
        expect_results_only(model, std::span(texts()).first(3), policy, run);
      }
    }
  }
  expect_results_only(load_bundled(GetParam()), std::span(texts()).first(12), 0.9F, in_order);
}

TEST_P(formats, threads_soon_have_all_they_need) {
  const classifier model = load_tiny("tiny", GetParam());
  offramp::thread_pool pool(3);
  const runner run = pool.lend();
  // Which thread takes what is left to chance, so some calls may still find a thread's memory too small.
  const auto fewest_allocations_of = [](const auto& call) {
    std::size_t fewest = allocations_of(call);
    for (int round = 0; round < 40; ++round) {
      fewest = std::min(fewest, allocations_of(call));
    }
    return fewest;
  };
  EXPECT_LE(fewest_allocations_of([&] { (void)model.classify(texts()[1], exit_policy::full_depth(), run); }), 1U);
  EXPECT_LE(fewest_allocations_of([&] { (void)model.classify_batch(texts(), exit_policy::full_depth(), run); }),
            owned_by(texts().size()));
}

TEST(allocation, batches_into_predictions_of_the_caller_allocate_nothing) {
  const classifier model = load_tiny("tiny", numeric_format::float32);
  const exit_policy policy = exit_policy(0.7F).with_logits().with_embedding();
  std::vector<offramp::prediction> results(texts().size());
  const auto classify = [&] { model.classify_batch_into(texts(), results, policy); };
  classify();
  classify();  // what the predictions held goes back and forth
  EXPECT_EQ(allocations_of(classify), 0U);
}

TEST(allocation, a_warm_model_allocates_its_first_result_only) {
  const classifier model = load_tiny("tiny", numeric_format::float32);
  const std::string text = "A film about grief that somehow leaves you smiling.";
  model.warm_up(model.max_tokens());
  EXPECT_LE(allocations_of([&] { EXPECT_GT(model.classify(text).tokens, 0); }), 1U) << "not even for the first";
}

TEST(allocation, memory_waits_for_later_calls_until_it_is_released) {
  const classifier model = load_tiny("tiny", numeric_format::float32);
  EXPECT_EQ(model.memory_usage().weights, model.info().weight_bytes);
  EXPECT_EQ(model.memory_usage().waiting, 0U);
  const auto classify = [&] {
    EXPECT_EQ(model.classify_batch(texts(), exit_policy::full_depth()).size(), texts().size());
  };
  classify();
  const offramp::memory_bytes after = model.memory_usage();
  EXPECT_GT(after.waiting, 10'000U);
  for (const std::size_t texts_at_once : {1U, 5U, 30U}) {
    (void)model.classify_batch(std::span(texts()).first(texts_at_once), exit_policy::full_depth());
  }
  EXPECT_EQ(model.memory_usage(), after) << "smaller calls need no more";
  const classifier copy = model;
  copy.release_memory();
  EXPECT_EQ(model.memory_usage().waiting, 0U);
  EXPECT_GT(allocations_of(classify), owned_by(texts().size()));
  EXPECT_EQ(model.memory_usage(), after);
}

TEST(allocation, policies_are_made_of_others_without) {  // so that offramp.h can in functions that cannot fail
  const drift_audit audit(0.5, 1);
  const offramp::call_meter meter;
  const std::stop_source stop;
  const exit_policy policy = exit_policy::per_class({{0.5F, 0.6F}, {0.7F, 0.8F}});
  EXPECT_EQ(allocations_of([&] {
              const exit_policy limited = policy.with_max_layer(2).with_deadline({}).with_stop_token(stop.get_token());
              exit_policy other = limited.audited_by(audit).metered_by(meter).with_logits();
              other = limited;
              EXPECT_EQ(other, limited);
            }),
            0U);
}

TEST(allocation, what_waits_is_counted) {
  offramp_tests::model_in_memory files = offramp_tests::with_ngrams("tiny-i8");
  nlohmann::json exits = nlohmann::json::parse(files.files.at("exits.json"));
  exits["exits"][0]["ngrams"]["max_tokens"] = 4096;
  files.files["exits.json"] = exits.dump();
  const classifier model = files.load();
  std::string long_text;
  for (int word = 0; word < 3000; ++word) {
    long_text += word % 3 == 0 ? "fox " : "the ";
  }
  (void)model.classify_batch(std::vector<std::string>(64, long_text), exit_policy::full_depth());
  const std::size_t waiting = model.memory_usage().waiting;
  const std::size_t before = counted_memory::live;
  model.release_memory();
  const std::size_t freed = before - counted_memory::live;
  EXPECT_GT(freed, 64U * 2900U * sizeof(std::int32_t));
  EXPECT_LE(freed, waiting + 64U * 1024U) << "but for what texts' outcomes own";
}

TEST(allocation, subword_tokenizers_keep_their_memory) {
  for (const std::string variant : {"xlm_roberta", "albert", "roberta", "unigram_nfkc"}) {
    const offramp::text::tokenizer subject = corpus::load_subwords(variant);
    const std::string text = "Ka to\u0301  ri \uac00\u1100\u1161 \uff76\uff9e, ``it's'' <mask> \u2460\u0301\u0323.";
    offramp::text::encode_memory memory;
    const auto encode = [&] { EXPECT_GT(subject.encode(text, 64, memory).ids.size(), 10U); };
    encode();
    EXPECT_EQ(allocations_of(encode), 0U) << variant;
  }
}

}  // namespace allocation_test
