// SPDX-License-Identifier: Apache-2.0
// A result depends on the input, the model, the numeric format and the instruction set, and on nothing else: byte for
// byte the same alone and in any batch, on any threads, whatever schedule computes it. Compiled once against each
// target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"
#include "random_model.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace bit_identity_test {

using offramp::classifier;
using offramp::encoding;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::instruction_set;
using offramp::load_options;
using offramp::numeric_format;
using offramp::prediction;
using offramp::runner;
using offramp::schedule;
using offramp_tests::tiny_directory;

struct arithmetic {
  const char* name;
  numeric_format format;
  std::vector<instruction_set> avoid;
};

std::vector<arithmetic> all_arithmetic() {
#if defined(OFFRAMP_HEADER_ONLY)
  return {{"float32", numeric_format::float32, {}}};
#else
  return {{"float32", numeric_format::float32, {}},
          {"bfloat16", numeric_format::bfloat16, {}},
          {"bfloat16_without_amx", numeric_format::bfloat16, {instruction_set::amx}},
          {"bfloat16_widened", numeric_format::bfloat16, {instruction_set::avx512_bf16, instruction_set::arm_bf16}},
          {"int8", numeric_format::int8, {}},
          {"int8_without_amx", numeric_format::int8, {instruction_set::amx}},
          {"float32_without_avx", numeric_format::float32, {instruction_set::avx2}},
          {"int8_without_avx", numeric_format::int8, {instruction_set::avx2}},
          {"int8_without_arm_dotprod", numeric_format::int8, {instruction_set::arm_dotprod}}};
#endif
}

class bit_identity : public testing::TestWithParam<std::tuple<const char*, arithmetic>> {
 protected:
  [[nodiscard]] static classifier load(schedule chosen) {
    const arithmetic& used = std::get<1>(GetParam());
    return classifier::load(tiny_directory(std::get<0>(GetParam())),
                            {.format = used.format, .avoid = used.avoid, .schedule = chosen});
  }

  /// Token ids of random length, short ones oftener; some with a second segment.
  [[nodiscard]] static std::vector<encoding> random_inputs(const classifier& model, std::size_t count) {
    std::mt19937 generator(7);
    const auto draw = [&](int low, int high) { return std::uniform_int_distribution(low, high)(generator); };
    std::vector<encoding> inputs(count);
    for (encoding& input : inputs) {
      const int tokens = draw(1, draw(1, model.max_tokens()));
      const int second = draw(0, tokens);
      for (int i = 0; i < tokens; ++i) {
        input.ids.push_back(draw(0, 59));
        input.type_ids.push_back(i < second ? 0 : static_cast<std::int32_t>(has_segments()));
      }
    }
    return inputs;
  }

  static bool has_segments() { return std::string(std::get<0>(GetParam())) == "tiny-pair"; }
};

INSTANTIATE_TEST_SUITE_P(models, bit_identity,
                         testing::Combine(testing::Values("tiny", "tiny-i8", "tiny-mix", "tiny-pair", "tiny-plain",
                                                          "tiny-sharded", "family-albert-exits", "family-xlm-roberta",
                                                          "family-mpnet-exits", "family-deberta-exits",
                                                          "family-modernbert-exits"),
                                          testing::ValuesIn(all_arithmetic())),
                         [](const auto& instance) {
                           std::string name =
                               std::string(std::get<0>(instance.param)) + '_' + std::get<1>(instance.param).name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

void in_order(std::size_t n, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < n; ++i) {
    body(i);
  }
}

void backwards_on_another_thread(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::jthread([&] {
    for (std::size_t i = n; i > 0; --i) {
      body(i - 1);
    }
  }).join();
}

void on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

std::vector<runner> runners() {
  return {{}, &in_order, {&in_order, 3}, {&backwards_on_another_thread, 3}, {&on_a_thread_each, 3}};
}

std::vector<exit_policy> policies() {
  return {0.0F, 0.55F, 0.7F, exit_policy::full_depth(), exit_policy::patience(1), exit_policy::margin(0.3F)};
}

std::vector<prediction> one_by_one(const classifier& model, const std::vector<encoding>& inputs,
                                   const exit_policy& policy, const runner& run) {
  std::vector<prediction> predictions;
  for (const encoding& input : inputs) {
    predictions.push_back(model.classify(input, policy, run));
  }
  return predictions;
}

TEST_P(bit_identity, over_batches_orders_threads_and_schedules) {
  const classifier reference = load(schedule::together);
  const std::vector<encoding> inputs = random_inputs(reference, 24);
  std::mt19937 generator(11);
  for (const exit_policy& policy : policies()) {
    const std::vector<prediction> expected = one_by_one(reference, inputs, policy, {});
    for (const schedule chosen : {schedule::together, schedule::cls_first, schedule::by_cost}) {
      const classifier model = load(chosen);
      std::vector<std::size_t> order(inputs.size());
      for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
      }
      std::shuffle(order.begin(), order.end(), generator);
      std::vector<encoding> shuffled;
      for (const std::size_t index : order) {
        shuffled.push_back(inputs[index]);
      }
      for (const runner& run : runners()) {
        const std::vector<prediction> batch = model.classify_batch(shuffled, policy, run);
        ASSERT_EQ(batch.size(), inputs.size());
        for (std::size_t i = 0; i < batch.size(); ++i) {
          ASSERT_EQ(batch[i], expected[order[i]]) << "schedule " << static_cast<int>(chosen) << ", input " << order[i];
        }
      }
    }
  }
}

TEST_P(bit_identity, over_threads_within_one_text) {
  const classifier reference = load(schedule::together);
  const std::vector<encoding> inputs = random_inputs(reference, 8);
  const std::vector<prediction> expected = one_by_one(reference, inputs, 0.6F, {});
  for (const schedule chosen : {schedule::together, schedule::cls_first}) {
    for (const runner& run : runners()) {
      EXPECT_EQ(one_by_one(load(chosen), inputs, 0.6F, run), expected);
    }
  }
}

TEST_P(bit_identity, of_every_exit_and_the_one_that_answers) {
  const classifier model = load(schedule::cls_first);
  for (const encoding& input : random_inputs(model, 8)) {
    const std::vector<exit_output> exits = model.classify_every_exit(input, &on_a_thread_each);
    EXPECT_EQ(exits, load(schedule::together).classify_every_exit(input));
    for (const exit_policy& policy : policies()) {
      const prediction p = model.classify(input, policy);
      const auto exit = std::find_if(exits.begin(), exits.end(),
                                     [&](const exit_output& candidate) { return candidate.answer.layer == p.layer; });
      ASSERT_NE(exit, exits.end());
      EXPECT_EQ(exit->answer.probabilities, p.probabilities);
    }
  }
}

/// Of a size at which products go in several passes over the inputs, and over several groups of rows.
class bit_identity_of_large_products : public testing::TestWithParam<arithmetic> {
 protected:
  static constexpr offramp_tests::model_size size_{.hidden = 384, .heads = 6, .intermediate = 768, .max_tokens = 640};

  [[nodiscard]] static classifier load(schedule chosen) {
    static const offramp_tests::model_in_memory files = offramp_tests::random_model(size_);
    return files.load({.format = GetParam().format, .avoid = GetParam().avoid, .schedule = chosen});
  }

  /// Fewer tokens than one thread takes at a time, and one text of many.
  [[nodiscard]] static std::vector<encoding> inputs() {
    std::mt19937 generator(13);
    std::vector<encoding> all;
    for (const std::size_t tokens : {1U, 64U, 129U, 33U, 5U, 210U, 17U, 96U, 2U, 600U}) {
      all.emplace_back();
      for (std::size_t i = 0; i < tokens; ++i) {
        all.back().ids.push_back(static_cast<std::int32_t>(generator() % 86));
      }
    }
    return all;
  }
};

INSTANTIATE_TEST_SUITE_P(all, bit_identity_of_large_products, testing::ValuesIn(all_arithmetic()),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(bit_identity_of_large_products, over_batches_threads_and_schedules) {
  const std::vector<encoding> all = inputs();
  std::vector<float> confidences;  // at the first exit, which half of the texts are to pass
  for (const prediction& first : one_by_one(load(schedule::together), all, 0.0F, {})) {
    confidences.push_back(first.confidence);
  }
  std::sort(confidences.begin(), confidences.end());
  const exit_policy policy(confidences[confidences.size() / 2]);
  const std::vector<prediction> expected = one_by_one(load(schedule::together), all, policy, {});
  std::set<int> layers;
  for (const prediction& each : expected) {
    layers.insert(each.layer);
  }
  EXPECT_GE(layers.size(), 2U) << "the rows of no batch move together";
  const auto mixed = std::span(all).first(all.size() - 1);  // 557 tokens
  const std::vector<prediction> expected_of_mixed(expected.begin(), expected.end() - 1);
  EXPECT_EQ(load(schedule::together).classify_batch(mixed, policy), expected_of_mixed);
  EXPECT_EQ(load(schedule::cls_first).classify_batch(mixed, policy), expected_of_mixed);
  EXPECT_EQ(load(schedule::by_cost).classify_batch(all, policy, {&on_a_thread_each, 3}), expected);
  EXPECT_EQ(load(schedule::cls_first).classify(all.back(), policy, {&on_a_thread_each, 5}), expected.back());
}

}  // namespace bit_identity_test
