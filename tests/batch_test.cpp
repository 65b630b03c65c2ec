// SPDX-License-Identifier: Apache-2.0
// Batches of the bundled model, and threads that share it; compiled once against each target.
#include <offramp/offramp.hpp>

#include "bundled_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace batch_test {

using bundled_model::kind_of_error;
using bundled_model::model;
using bundled_model::policies;
using bundled_model::texts;
using offramp::encoding;
using offramp::error_kind;
using offramp::exit_policy;
using offramp::prediction;
using offramp::sentence_pair;

void run_in_order(std::size_t n, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < n; ++i) {
    body(i);
  }
}

void run_backwards(std::size_t n, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = n; i > 0; --i) {
    body(i - 1);
  }
}

void run_on_one_other_thread(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::jthread([&] { run_in_order(n, body); }).join();
}

void run_on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

TEST(batch, equals_single_calls_in_any_composition_and_on_any_threads) {
  std::mt19937 random(7);
  for (const exit_policy& policy : policies()) {
    std::vector<std::string> batch = texts();
    batch.insert(batch.end(), texts().begin(), texts().end());
    std::shuffle(batch.begin(), batch.end(), random);
    batch.resize(1 + random() % batch.size());
    std::vector<prediction> expected;
    for (const std::string& text : batch) {
      expected.push_back(model().classify(text, policy));
    }
    EXPECT_EQ(model().classify_batch(batch, policy), expected);
    for (const offramp::runner& run :
         {offramp::runner(run_in_order), offramp::runner(run_backwards), offramp::runner(run_on_one_other_thread),
          offramp::runner(run_on_a_thread_each)}) {
      EXPECT_EQ(model().classify_batch(batch, policy, run), expected);
    }
  }
}

TEST(batch, is_cut_without_a_trace) {
  std::vector<std::string> batch;
  std::vector<prediction> expected;
  for (std::size_t i = 0; i < 60; ++i) {
    std::string text;
    for (std::size_t copies = 0; copies <= i % 7 * 3; ++copies) {
      text += texts()[i % texts().size()] + " ";
    }
    batch.push_back(text);
    expected.push_back(model().classify(text, 0.8F));
  }
  EXPECT_EQ(model().classify_batch(batch, 0.8F, run_on_a_thread_each), expected);
}

TEST(batch, takes_views_pairs_and_encodings) {
  const std::vector<std::string_view> views(texts().begin(), texts().end());
  EXPECT_EQ(model().classify_batch(views, 0.9F), model().classify_batch(texts(), 0.9F));
  const std::vector<sentence_pair> pairs = {{"a", "b"}, {"a fine film", ""}};
  EXPECT_EQ(model().classify_batch(pairs, 0.9F)[1], model().classify(pairs[1], 0.9F));
  const std::vector<encoding> encodings = {model().tokenize("a"), model().tokenize(pairs[0])};
  EXPECT_EQ(model().classify_batch(encodings, 0.9F)[1], model().classify(pairs[0], 0.9F));
  EXPECT_TRUE(model().classify_batch(std::vector<std::string>{}, 0.9F).empty());
}

TEST(batch, reports_every_exit_as_single_calls_do) {
  const auto all = model().classify_batch_every_exit(texts());
  ASSERT_EQ(all.size(), texts().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i], model().classify_every_exit(texts()[i]));
  }
}

TEST(batch, passes_errors_on_from_lent_threads) {
  const std::vector<encoding> bad = {model().tokenize("a"), encoding{}};
  EXPECT_EQ(kind_of_error([&] { return model().classify_batch(bad, 0.9F, run_on_a_thread_each); }),
            error_kind::invalid_argument);
  const auto idle = [](std::size_t, const std::function<void(std::size_t)>&) {};
  EXPECT_EQ(kind_of_error([&] { return model().classify_batch(texts(), 0.9F, idle); }), error_kind::invalid_argument);
}

TEST(threads, share_one_model) {
  const std::vector<prediction> expected = model().classify_batch(texts(), 0.8F);
  std::vector<std::vector<prediction>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : found) {
      threads.emplace_back([&mine] {
        for (const std::string& text : texts()) {
          mine.push_back(model().classify(text, 0.8F));
        }
      });
    }
  }
  for (const auto& mine : found) {
    EXPECT_EQ(mine, expected);
  }
}

}  // namespace batch_test
