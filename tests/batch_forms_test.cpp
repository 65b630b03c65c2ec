// SPDX-License-Identifier: Apache-2.0
// Every way to give a batch and to take its answers gives what single calls give; compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "tiny_batch.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <iterator>
#include <list>
#include <ranges>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Clang before 16 cannot read libstdc++'s views.
#if !defined(__clang__) || __clang_major__ >= 16
#define OFFRAMP_TEST_VIEWS
#endif

namespace batch_forms_test {

using offramp::encoding;
using offramp::prediction;
using offramp::runner;
using offramp::sentence_pair;
using tiny_batch::answers;
using tiny_batch::model;
using tiny_batch::run_on_a_thread_each;
using tiny_batch::runners;
using tiny_batch::texts;

struct row {
  int id = 0;
  std::string text;
};

/// A text type of someone's own, which owns its characters.
struct own_text {
  std::string characters;
  operator std::string_view() const { return characters; }  // NOLINT: implicit by design
};

template <class Inputs>
void expect_answers(Inputs&& inputs) {
  EXPECT_EQ(model().classify_batch(inputs, 0.6F), answers());
  EXPECT_EQ(model().classify_batch(inputs, 0.6F, run_on_a_thread_each), answers());
  const std::vector<encoding> tokens = model().tokenize_batch(inputs);
  ASSERT_EQ(tokens.size(), texts().size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i], model().tokenize(texts()[i]));
  }
}

TEST(batch_input, is_any_range_of_texts) {
  expect_answers(std::deque<std::string>(texts().begin(), texts().end()));
  expect_answers(std::list<std::string>(texts().begin(), texts().end()));
  expect_answers(std::forward_list<std::string>(texts().begin(), texts().end()));
  expect_answers(std::vector<std::string_view>(texts().begin(), texts().end()));
  std::vector<const char*> pointers;
  std::vector<own_text> own;
  std::vector<row> rows;
  for (const std::string& text : texts()) {
    pointers.push_back(text.c_str());
    own.push_back({text});
    rows.push_back({static_cast<int>(rows.size()), text});
  }
  expect_answers(pointers);
  expect_answers(own);
#if defined(OFFRAMP_TEST_VIEWS)
  expect_answers(rows | std::views::transform(&row::text));
  expect_answers(texts() | std::views::filter([](const std::string&) { return true; }));
#endif
}

/// Makes an element from each of the texts when it is asked for it.
template <class Element>
struct made_range {
  struct iterator {
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;

    const std::string* position = nullptr;

    Element operator*() const { return Element{*position}; }
    iterator& operator++() {
      ++position;
      return *this;
    }
    iterator operator++(int) { return {position++}; }
    bool operator==(const iterator&) const = default;
  };

  [[nodiscard]] iterator begin() const { return {texts().data()}; }
  [[nodiscard]] iterator end() const { return {texts().data() + texts().size()}; }
};

TEST(batch_input, may_make_its_texts_as_it_goes) {
  expect_answers(made_range<std::string>());
  expect_answers(made_range<own_text>());
  expect_answers(made_range<std::string_view>());
#if defined(OFFRAMP_TEST_VIEWS)
  expect_answers(texts() | std::views::transform([](const std::string& text) { return text + ""; }));
#endif
}

TEST(batch_input, may_be_pairs_and_encodings_in_any_range) {
  const std::vector<sentence_pair> pairs = {{"a", "b"}, {"a good film", ""}};
  const std::vector<prediction> expected = {model().classify(pairs[0], 0.6F), model().classify(pairs[1], 0.6F)};
  EXPECT_EQ(model().classify_batch(std::list<sentence_pair>(pairs.begin(), pairs.end()), 0.6F), expected);
  EXPECT_EQ(model().tokenize_batch(pairs)[1], model().tokenize(pairs[1]));
  const std::list<encoding> tokens = {model().tokenize(pairs[0]), model().tokenize(pairs[1])};
  EXPECT_EQ(model().classify_batch(tokens, 0.6F), expected);
#if defined(OFFRAMP_TEST_VIEWS)
  const auto encode = [](const sentence_pair& pair) { return model().tokenize(pair); };
  EXPECT_EQ(model().classify_batch(pairs | std::views::transform(encode), 0.6F), expected);
#endif
}

TEST(default_policy, serves_every_form) {
  const std::vector<prediction> expected = model().classify_batch(texts(), model().default_policy());
  std::vector<prediction> results(texts().size());
  for (const runner& run : runners()) {
    EXPECT_EQ(model().classify(texts()[0], run), expected[0]);
    EXPECT_EQ(model().classify_batch(texts(), run), expected);
    model().classify_batch_into(texts(), results, run);
    EXPECT_EQ(results, expected);
    std::size_t calls = 0;
    model().classify_batch_as_ready(
        texts(),
        [&](std::size_t index, const prediction& answer) {
          EXPECT_EQ(answer, expected[index]);
          ++calls;
        },
        run);
    EXPECT_EQ(calls, expected.size());
    EXPECT_EQ(std::get<prediction>(model().try_classify_batch(texts(), run)[1]), expected[1]);
  }
  EXPECT_EQ(model().classify_batch(texts()), expected);
}

TEST(batch_into, fills_what_it_is_given) {
  std::vector<prediction> results(texts().size(), prediction{.label = "old", .probabilities = {1, 2, 3, 4}});
  for (const runner& run : runners()) {
    model().classify_batch_into(texts(), results, 0.6F, run);
    EXPECT_EQ(results, answers());
  }
  EXPECT_THROW(model().classify_batch_into(texts(), std::span(results).first(1), 0.6F), offramp::error);
}

TEST(batch_as_ready, tells_of_each_text_once_and_of_early_exits_first) {
  for (const runner& run : runners()) {
    std::vector<prediction> found(texts().size());
    std::set<std::size_t> seen;
    std::atomic<int> inside = 0;
    model().classify_batch_as_ready(
        texts(),
        [&](std::size_t index, prediction answer) {
          EXPECT_EQ(++inside, 1) << "one call at a time";
          EXPECT_TRUE(seen.insert(index).second);
          found[index] = std::move(answer);
          --inside;
        },
        0.6F, run);
    EXPECT_EQ(found, answers());
  }
  // A threshold that some of them reach at the first exit, and some do not.
  float threshold = 0.0F;
  for (const auto& exits : model().classify_batch_every_exit(std::span(texts()).first(8))) {
    threshold = std::max(threshold, exits[0].answer.confidence);
  }
  std::vector<int> layers;
  model().classify_batch_as_ready(
      std::span(texts()).first(8), [&](std::size_t, const prediction& answer) { layers.push_back(answer.layer); },
      threshold);
  EXPECT_TRUE(std::ranges::is_sorted(layers));
  EXPECT_LT(layers.front(), layers.back());
}

TEST(batch_as_ready, ends_with_what_the_function_throws) {
  for (const runner& run : runners()) {
    int calls = 0;
    const auto classify = [&] {
      model().classify_batch_as_ready(
          texts(),
          [&](std::size_t, const prediction&) {
            if (++calls == 3) {
              throw std::logic_error("mine");
            }
          },
          0.6F, run);
    };
    EXPECT_THROW(classify(), std::logic_error);
    EXPECT_EQ(calls, 3) << "no call after the one that threw";
    EXPECT_EQ(model().classify_batch(texts(), 0.6F), answers()) << "and the model goes on";
  }
}

}  // namespace batch_forms_test
