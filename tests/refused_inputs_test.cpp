// SPDX-License-Identifier: Apache-2.0
// Inputs that cannot be classified, alone and among others; compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"
#include "tiny_batch.hpp"

#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <variant>
#include <vector>

namespace refused_inputs_test {

using offramp::classifier;
using offramp::encoding;
using offramp::error;
using offramp::error_kind;
using offramp::exit_policy;
using offramp::prediction;
using offramp::runner;
using offramp::sentence_pair;
using tiny_batch::answers;
using tiny_batch::model;
using tiny_batch::run_on_a_thread_each;
using tiny_batch::runners;
using tiny_batch::texts;

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

}  // namespace refused_inputs_test
