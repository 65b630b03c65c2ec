// SPDX-License-Identifier: Apache-2.0
// Every way to give a batch and to take its answers gives what single calls give; compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <functional>
#include <iterator>
#include <list>
#include <ranges>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

// Clang before 16 cannot read libstdc++'s views.
#if !defined(__clang__) || __clang_major__ >= 16
#define OFFRAMP_TEST_VIEWS
#endif

namespace batch_forms_test {

using offramp::classifier;
using offramp::encoding;
using offramp::error;
using offramp::error_kind;
using offramp::exit_policy;
using offramp::prediction;
using offramp::runner;
using offramp::sentence_pair;

const classifier& model() {
  static const classifier loaded = classifier::load(offramp_tests::tiny_directory("tiny"));
  return loaded;
}

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> some = {"A good film.",
                                     "",
                                     "The plot is dull, and the actor is not warm!",
                                     "never bad",
                                     "the story of a man and a dog",
                                     "RUNS \xff runs Runs",
                                     "a",
                                     "bad bad"};
    for (int copies = 0; copies < 120; ++copies) {  // several parts' worth
      some.push_back(some[static_cast<std::size_t>(copies) % 8] + " the story of a man and a dog");
    }
    return some;
  }();
  return all;
}

const std::vector<prediction>& answers() {
  static const std::vector<prediction> all = [] {
    std::vector<prediction> singly;
    for (const std::string& text : texts()) {
      singly.push_back(model().classify(text, 0.6F));
    }
    return singly;
  }();
  return all;
}

void run_on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

std::vector<runner> runners() { return {runner(), runner(run_on_a_thread_each)}; }

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
  EXPECT_THROW(model().classify_batch_into(texts(), std::span(results).first(1), 0.6F), error);
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

std::string message_of(const std::function<void()>& call, error_kind kind) {
  try {
    call();
  } catch (const error& problem) {
    EXPECT_EQ(problem.kind(), kind);
    return problem.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(null_pointer, is_no_text) {
  const char* none = nullptr;
  char* changeable = nullptr;
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { (void)model().classify(none, 0.6F); }, [&] { (void)model().classify(changeable); },
           [&] { (void)model().classify_every_exit(none); }, [&] { (void)model().tokenize(none); }}) {
    EXPECT_NE(message_of(call, error_kind::invalid_argument).find("null pointer"), std::string::npos);
  }
  const std::vector<const char*> batch = {"a", "b", none, none};
  const std::list<const char*> list(batch.begin(), batch.end());
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { (void)model().classify_batch(batch, 0.6F); },
           [&] { (void)model().classify_batch(list, 0.6F, run_on_a_thread_each); },
           [&] { (void)model().tokenize_batch(batch); }, [&] { (void)model().classify_batch_every_exit(batch); },
           [&] {
             model().classify_batch_as_ready(
                 batch, [](std::size_t, const prediction&) { FAIL(); }, 0.6F);
           }}) {
    EXPECT_EQ(message_of(call, error_kind::invalid_argument),
              "input 2: the text is a null pointer, expected characters");
  }
}

TEST(failure, names_the_first_input_that_has_one) {
  std::vector<encoding> tokens(100, model().tokenize("a good film"));
  tokens[99] = tokens[37] = {};
  for (const runner& run : runners()) {
    EXPECT_TRUE(message_of([&] { (void)model().classify_batch(tokens, 0.6F, run); }, error_kind::invalid_argument)
                    .starts_with("input 37: encoding: 0 tokens"));
  }
}

TEST(failure, may_be_that_of_its_input_alone) {
  std::vector<const char*> batch;
  for (const std::string& text : texts()) {
    batch.push_back(text.c_str());
  }
  batch[5] = batch[100] = batch.back() = nullptr;
  for (const runner& run : runners()) {
    const auto results = model().try_classify_batch(batch, 0.6F, run);
    ASSERT_EQ(results.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i] == nullptr) {
        EXPECT_EQ(std::get<error>(results[i]).kind(), error_kind::invalid_argument);
        EXPECT_TRUE(std::string(std::get<error>(results[i]).what()).starts_with("input " + std::to_string(i) + ": "));
      } else {
        EXPECT_EQ(std::get<prediction>(results[i]), answers()[i]);
      }
    }
  }
  EXPECT_EQ(model().try_classify_batch(std::vector<const char*>(3), 0.6F).size(), 3U) << "also of all inputs";
  EXPECT_THROW((void)model().try_classify_batch(batch, exit_policy::per_exit({})), error) << "a policy is no input's";
}

TEST(input_kind, can_be_demanded) {
  using offramp::reaction;
  const auto directory = offramp_tests::tiny_directory("tiny-pair");
  const classifier tolerant = classifier::load(directory);
  ASSERT_EQ(tolerant.expected_input(), offramp::input_kind::pair);
  EXPECT_NO_THROW((void)tolerant.classify("a good film"));
  ASSERT_FALSE(tolerant.info().warnings.empty());
  EXPECT_NE(tolerant.info().warnings.back().find("pairs"), std::string::npos);

  const classifier strict = classifier::load(directory, {.other_input = reaction::refuse});
  const sentence_pair pair{"a good film", "bad"};
  EXPECT_EQ(strict.classify(pair), tolerant.classify(pair));
  EXPECT_EQ(strict.classify(strict.tokenize(pair)), tolerant.classify(pair));
  message_of([&] { (void)strict.classify("a good film"); }, error_kind::invalid_argument);
  const auto results = strict.try_classify_batch(std::vector<std::string>{"a"});
  EXPECT_TRUE(std::holds_alternative<error>(results[0]));

  const classifier of_single =
      classifier::load(offramp_tests::tiny_directory("tiny"), {.other_input = reaction::refuse});
  ASSERT_EQ(of_single.expected_input(), offramp::input_kind::single);
  EXPECT_NO_THROW((void)of_single.classify("a good film"));
  message_of([&] { (void)of_single.classify(pair); }, error_kind::invalid_argument);
}

TEST(temperature, can_be_demanded) {
  const offramp::load_options options{.missing_temperature = offramp::reaction::refuse};
  EXPECT_NO_THROW((void)classifier::load(offramp_tests::tiny_directory("tiny"), options));
  EXPECT_NE(message_of([&] { (void)classifier::load(offramp_tests::tiny_directory("tiny-sharded"), options); },
                       error_kind::invalid_argument)
                .find("no temperature for float32"),
            std::string::npos);
}

}  // namespace batch_forms_test
