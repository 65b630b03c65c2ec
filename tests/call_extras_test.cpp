// SPDX-License-Identifier: Apache-2.0
// What calls tell besides answers, when asked; loading on lent threads; compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace call_extras_test {

using offramp::call_meter;
using offramp::call_statistics;
using offramp::classifier;
using offramp::exit_policy;
using offramp::prediction;
using offramp::ranked_label;

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {"A good film.", "", "The plot is dull, and the actor is not warm!",
                                               "never bad", "the story of a man and a dog"};
  return all;
}

void run_on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

TEST(top_k, ranks_by_probability_and_then_by_label) {
  prediction p;
  p.probabilities = {0.125F, 0.25F, 0.5F, 0.125F};
  const std::vector<ranked_label> all = {{2, 0.5F}, {1, 0.25F}, {0, 0.125F}, {3, 0.125F}};
  EXPECT_EQ(top_k(p, 4), all);
  EXPECT_EQ(top_k(p, 100), all);
  EXPECT_EQ(top_k(p, 2), std::vector<ranked_label>(all.begin(), all.begin() + 2));
  EXPECT_EQ(top_k(p, 3)[2].label_id, 0);
  EXPECT_TRUE(top_k(p, 0).empty());
  EXPECT_TRUE(top_k(prediction{}, 3).empty());
}

class extras : public testing::TestWithParam<const char*> {
 protected:
  const classifier model_ = classifier::load(offramp_tests::tiny_directory(GetParam()));
};

TEST_P(extras, are_of_the_exit_that_answered) {
  for (const float threshold : {0.0F, 0.6F, 1.0F}) {
    for (const std::string& text : texts()) {
      const prediction plain = model_.classify(text, threshold);
      prediction p = model_.classify(text, exit_policy(threshold).with_logits().with_embedding());
      const auto exits = model_.classify_every_exit(text);
      const auto exit = std::find_if(exits.begin(), exits.end(),
                                     [&](const auto& candidate) { return candidate.answer.layer == p.layer; });
      ASSERT_NE(exit, exits.end());
      EXPECT_EQ(p.logits, exit->logits);
      EXPECT_FALSE(p.embedding.empty());
      EXPECT_EQ(p.embedding,
                model_.classify(text, exit_policy::full_depth().with_max_layer(p.layer).with_embedding()).embedding);
      p.logits.clear();
      p.embedding.clear();
      EXPECT_EQ(p, plain);
    }
  }
}

TEST_P(extras, come_with_every_form) {
  const exit_policy policy = exit_policy(0.6F).with_logits().with_embedding();
  std::vector<prediction> expected;
  for (const std::string& text : texts()) {
    expected.push_back(model_.classify(text, policy));
    EXPECT_EQ(expected.back().logits.size(), model_.labels().size());
  }
  EXPECT_EQ(model_.classify_batch(texts(), policy), expected);
  EXPECT_EQ(model_.classify_batch(texts(), policy, run_on_a_thread_each), expected);
  std::vector<prediction> results(texts().size(), expected.front());
  model_.classify_batch_into(texts(), results, policy);
  EXPECT_EQ(results, expected);
  model_.classify_batch_into(texts(), results, 0.6F);
  EXPECT_TRUE(results[0].logits.empty() && results[0].embedding.empty()) << "nothing old is left";
}

INSTANTIATE_TEST_SUITE_P(tiny_models, extras, testing::Values("tiny", "tiny-mix"));

TEST(embedding, is_what_the_classifier_reads) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  const prediction one = model.classify("a good film", exit_policy(0.0F).with_embedding());
  const prediction same = model.classify("a good film", exit_policy(0.0F).with_embedding());
  const prediction deeper = model.classify("a good film", exit_policy::full_depth().with_embedding());
  const prediction other = model.classify("never bad", exit_policy(0.0F).with_embedding());
  EXPECT_EQ(one.embedding, same.embedding);
  EXPECT_NE(one.embedding, deeper.embedding);
  EXPECT_NE(one.embedding, other.embedding);
}

TEST(meter, counts_texts_tokens_and_layers) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  const call_meter meter;
  EXPECT_EQ(meter.statistics(), call_statistics{});
  call_statistics expected;
  const exit_policy policy = exit_policy(0.6F).metered_by(meter);
  for (const std::string& text : texts()) {
    const prediction p = model.classify(text, policy);
    EXPECT_EQ(p, model.classify(text, 0.6F));
    ++expected.texts;
    expected.tokens += p.tokens;
    expected.token_layers += static_cast<std::int64_t>(p.tokens) * p.layer;
  }
  const auto expect_counts = [&](const call_statistics& found) {
    EXPECT_EQ(found.texts, expected.texts);
    EXPECT_EQ(found.tokens, expected.tokens);
    EXPECT_EQ(found.token_layers, expected.token_layers);
    EXPECT_GT(found.encoding.count(), 0);
    EXPECT_GT(found.classifying.count(), 0);
    EXPECT_GT(found.tokenizing.count(), 0);
  };
  expect_counts(meter.statistics());
  for (const auto& run : {offramp::runner(), offramp::runner(run_on_a_thread_each)}) {
    const call_meter batch;
    (void)model.classify_batch(texts(), exit_policy(0.6F).metered_by(batch), run);
    expect_counts(batch.statistics());
  }
}

TEST(meter, is_a_handle) {
  const call_meter meter;
  const call_meter copy = meter;
  EXPECT_EQ(copy, meter);
  EXPECT_NE(call_meter(), meter);
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  (void)model.classify("a", exit_policy(0.6F).metered_by(copy));
  EXPECT_EQ(meter.statistics().texts, 1);
}

TEST(loading, may_be_shared_and_tells_how_far_it_is) {
  const auto directory = offramp_tests::tiny_directory("tiny");
  const auto expected = classifier::load(directory).classify_batch_every_exit(texts());
  for (const auto& run : {offramp::runner(), offramp::runner(run_on_a_thread_each)}) {
    std::vector<std::pair<std::size_t, std::size_t>> told;
    const classifier model = classifier::load(
        directory, {}, run, [&](std::size_t done, std::size_t total) { told.emplace_back(done, total); });
    EXPECT_EQ(model.classify_batch_every_exit(texts()), expected);
    ASSERT_GE(told.size(), 2U);
    for (std::size_t i = 0; i < told.size(); ++i) {
      EXPECT_EQ(told[i], std::pair(i, told.size() - 1));
    }
  }
  const auto fail = [](std::size_t done, std::size_t) {
    if (done == 2) {
      throw std::logic_error("mine");
    }
  };
  EXPECT_THROW((void)classifier::load(directory, {}, run_on_a_thread_each, fail), std::logic_error);
}

TEST(warm_up, changes_no_answer_and_refuses_nonsense) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  const prediction expected = model.classify(texts()[0], 0.6F);
  model.warm_up(1);
  model.warm_up(600, 3);
  EXPECT_EQ(model.classify(texts()[0], 0.6F), expected);
  EXPECT_THROW(model.warm_up(0), offramp::error);
  EXPECT_THROW(model.warm_up(16, 0), offramp::error);
}

}  // namespace call_extras_test
