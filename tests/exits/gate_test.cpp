// SPDX-License-Identifier: Apache-2.0
#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gate_test {

using offramp::error;
using offramp::exit_policy;
using offramp::exits::check_policy;
using offramp::exits::gate_memory;
using offramp::exits::is_satisfied;
using offramp::exits::labelling;

using row = std::vector<float>;

row calibrated_probabilities(const row& logits, float temperature) {
  row probabilities(logits.size());
  offramp::exits::calibrate(logits, temperature, probabilities);
  return probabilities;
}

bool leaves(const exit_policy& policy, const row& probabilities, std::size_t exit = 0) {
  gate_memory memory;
  return is_satisfied(policy, labelling(), exit, probabilities, memory);
}

// The exit (from 0) at which a sequence of probabilities leaves, or -1.
int leaves_at(const exit_policy& policy, const std::vector<row>& exits, const labelling& labels = {}) {
  gate_memory memory;
  for (std::size_t exit = 0; exit < exits.size(); ++exit) {
    memory.repeats_answer = exit > 0 && labels.agree(exits[exit], exits[exit - 1]);
    if (is_satisfied(policy, labels, exit, exits[exit], memory)) {
      return static_cast<int>(exit);
    }
  }
  return -1;
}

TEST(confidence, leaves_at_the_threshold_itself) {
  EXPECT_TRUE(leaves(0.75F, {0.25F, 0.75F}));
  EXPECT_FALSE(leaves(std::nextafter(0.75F, 1.0F), {0.25F, 0.75F}));
  EXPECT_TRUE(leaves(0.0F, {0.5F, 0.5F}));
  EXPECT_TRUE(leaves(-1.0F, {0.5F, 0.5F}));
  EXPECT_FALSE(leaves(exit_policy::full_depth(), {0.0F, 1.0F}));
}

TEST(declining, asks_less_at_each_further_exit) {
  const auto policy = exit_policy::declining(1.0F, 0.25F);
  EXPECT_FALSE(leaves(policy, {0.75F, 0.25F}, 0));
  EXPECT_TRUE(leaves(policy, {0.75F, 0.25F}, 1));
  EXPECT_FALSE(leaves(policy, {std::nextafter(0.75F, 0.0F), 0.25F}, 1));
  EXPECT_TRUE(leaves(policy, {0.5F, 0.5F}, 2));
  EXPECT_FALSE(leaves(exit_policy::declining(0.75F, 0.0F), {0.7F, 0.3F}, 5)) << "without a decline, one threshold";
  EXPECT_FALSE(leaves(exit_policy::declining(1.5F, 0.25F), {1.0F, 0.0F}, 1));
  EXPECT_TRUE(leaves(exit_policy::declining(1.5F, 0.25F), {1.0F, 0.0F}, 2));
  EXPECT_FALSE(leaves(exit_policy::declining(std::numeric_limits<float>::infinity(), 1.0F), {1.0F, 0.0F}, 9));
}

TEST(per_exit, uses_the_threshold_of_the_exit) {
  const auto policy = exit_policy::per_exit({0.9F, 0.6F});
  EXPECT_FALSE(leaves(policy, {0.7F, 0.3F}, 0));
  EXPECT_TRUE(leaves(policy, {0.7F, 0.3F}, 1));
}

TEST(per_class, uses_the_threshold_of_the_predicted_class) {
  const auto policy = exit_policy::per_class({{0.9F, 0.6F}, {0.6F, 0.9F}});
  EXPECT_FALSE(leaves(policy, {0.7F, 0.3F}, 0));
  EXPECT_TRUE(leaves(policy, {0.3F, 0.7F}, 0));
  EXPECT_TRUE(leaves(policy, {0.7F, 0.3F}, 1));
  EXPECT_FALSE(leaves(policy, {0.3F, 0.7F}, 1));
}

TEST(per_exit, leaves_at_the_threshold_itself) {
  EXPECT_TRUE(leaves(exit_policy::per_exit({2.0F, 0.75F}), {0.75F, 0.25F}, 1));
  EXPECT_FALSE(leaves(exit_policy::per_exit({0.0F, std::nextafter(0.75F, 1.0F)}), {0.75F, 0.25F}, 1));
}

TEST(per_class, leaves_at_the_threshold_itself_and_asks_the_lowest_of_equals) {
  const auto policy = exit_policy::per_class({{0.5F, 0.625F, 2.0F}});
  EXPECT_TRUE(leaves(policy, {0.125F, 0.625F, 0.25F}));
  EXPECT_FALSE(leaves(policy, {0.25F, 0.5F, 0.25F}));
  EXPECT_FALSE(leaves(policy, {0.0F, 0.0F, 1.0F})) << "the third class never leaves";
  EXPECT_TRUE(leaves(policy, {0.5F, 0.5F, 0.0F})) << "class 0 has 0.5";
  EXPECT_FALSE(leaves(policy, {0.0F, 0.5F, 0.5F})) << "class 1 has 0.625";
}

TEST(entropy, is_strictly_below_in_nats) {
  EXPECT_FLOAT_EQ(offramp::exits::entropy(row{0.5F, 0.5F}), 0.69314718F);
  EXPECT_FLOAT_EQ(offramp::exits::entropy(row{1.0F, 0.0F}), 0.0F);
  const float exactly = offramp::exits::entropy(row{0.25F, 0.75F});
  EXPECT_NEAR(exactly, 0.5623351F, 1e-6F);
  EXPECT_FALSE(leaves(exit_policy::entropy(exactly), {0.25F, 0.75F}));
  EXPECT_TRUE(leaves(exit_policy::entropy(std::nextafter(exactly, 1.0F)), {0.25F, 0.75F}));
}

TEST(normalized_entropy, is_at_most_and_divides_by_the_logarithm_of_the_classes) {
  EXPECT_FLOAT_EQ(offramp::exits::normalized_entropy(row{0.25F, 0.25F, 0.25F, 0.25F}), 1.0F);
  const float exactly = offramp::exits::normalized_entropy(row{0.1F, 0.2F, 0.7F});
  EXPECT_NEAR(exactly, 0.8018186F / 1.0986123F, 1e-6F);
  EXPECT_TRUE(leaves(exit_policy::normalized_entropy(exactly), {0.1F, 0.2F, 0.7F}));
  EXPECT_FALSE(leaves(exit_policy::normalized_entropy(std::nextafter(exactly, 0.0F)), {0.1F, 0.2F, 0.7F}));
}

// 1/2, 1/4, 1/4 has 0.5 ln 2 + 2 * 0.25 ln 4 = 1.5 ln 2 nats, and ln 3 is the most that three classes have.
TEST(entropies, of_three_classes_by_hand) {
  const row half{0.5F, 0.25F, 0.25F};
  EXPECT_NEAR(offramp::exits::entropy(half), 1.5 * 0.69314718, 1e-6);
  EXPECT_NEAR(offramp::exits::normalized_entropy(half), 1.5 * 0.69314718 / 1.09861229, 1e-6);
  EXPECT_TRUE(leaves(exit_policy::entropy(1.04F), half));
  EXPECT_FALSE(leaves(exit_policy::entropy(1.03F), half));
  EXPECT_TRUE(leaves(exit_policy::normalized_entropy(0.947F), half));
  EXPECT_FALSE(leaves(exit_policy::normalized_entropy(0.946F), half));
}

// 0 ln 0 is 0, not NaN, and a certain answer has no entropy: "below 0" is never true, "at most 0" is.
TEST(entropies, of_a_certain_answer_are_zero) {
  const row certain{0.0F, 1.0F, 0.0F};
  EXPECT_EQ(offramp::exits::entropy(certain), 0.0F);
  EXPECT_EQ(offramp::exits::normalized_entropy(certain), 0.0F);
  EXPECT_FALSE(leaves(exit_policy::entropy(0.0F), certain));
  EXPECT_TRUE(leaves(exit_policy::normalized_entropy(0.0F), certain));
  EXPECT_TRUE(leaves(exit_policy::normalized_entropy(1.0F), {0.3333333F, 0.3333333F, 0.3333334F}));
}

TEST(margin, is_first_minus_second) {
  EXPECT_FLOAT_EQ(offramp::exits::margin(row{0.125F, 0.25F, 0.625F}), 0.375F);
  EXPECT_FLOAT_EQ(offramp::exits::margin(row{0.5F, 0.5F}), 0.0F);
  EXPECT_TRUE(leaves(exit_policy::margin(0.375F), {0.125F, 0.25F, 0.625F}));
  EXPECT_FALSE(leaves(exit_policy::margin(0.376F), {0.125F, 0.25F, 0.625F}));
}

TEST(margin, leaves_at_the_threshold_itself_and_of_equals_at_zero) {
  EXPECT_TRUE(leaves(exit_policy::margin(0.5F), {0.25F, 0.75F}));
  EXPECT_FALSE(leaves(exit_policy::margin(std::nextafter(0.5F, 1.0F)), {0.25F, 0.75F}));
  EXPECT_FLOAT_EQ(offramp::exits::margin(row{0.4F, 0.2F, 0.4F}), 0.0F) << "the second highest is the other 0.4";
  EXPECT_TRUE(leaves(exit_policy::margin(0.0F), {0.4F, 0.2F, 0.4F}));
  EXPECT_FALSE(leaves(exit_policy::margin(0.001F), {0.4F, 0.2F, 0.4F}));
}

TEST(patience, counts_agreements_and_starts_again_at_a_change) {
  const row a{0.9F, 0.1F};
  const row b{0.1F, 0.9F};
  EXPECT_EQ(leaves_at(exit_policy::patience(1), {a, a, a}), 1);
  EXPECT_EQ(leaves_at(exit_policy::patience(2), {a, a, b, b, b, b}), 4);
  EXPECT_EQ(leaves_at(exit_policy::patience(2), {a, b, a, b, a, b}), -1);
  EXPECT_EQ(leaves_at(exit_policy::patience(0), {a, a, a, a}), -1);
}

TEST(patience, watches_the_label_and_not_its_confidence) {
  const row a{0.4F, 0.35F, 0.25F};
  const row sure_a{1.0F, 0.0F, 0.0F};
  const row tie{0.5F, 0.5F, 0.0F};  // label 0, the lowest of equals
  const row c{0.1F, 0.1F, 0.8F};
  EXPECT_EQ(leaves_at(exit_policy::patience(2), {a, sure_a, tie, c}), 2);
  EXPECT_EQ(leaves_at(exit_policy::patience(2), {a, c, a, tie, sure_a}), 4)
      << "the change to c and back counts nothing";
  EXPECT_EQ(leaves_at(exit_policy::patience(3), {c, c, c}), -1) << "three exits are two agreements";
  EXPECT_EQ(leaves_at(exit_policy::patience(1), {sure_a}), -1) << "the first exit agrees with nothing";
}

TEST(patience_entropy, counts_confident_exits_whatever_their_label) {
  const row sure{0.99F, 0.01F};
  const row sure_of_other{0.01F, 0.99F};
  const row unsure{0.6F, 0.4F};
  const auto twice = exit_policy::patience_entropy(0.3F, 2);
  EXPECT_EQ(leaves_at(twice, {sure, sure_of_other}), 1);
  EXPECT_EQ(leaves_at(twice, {sure, unsure, sure, sure}), 3);
  EXPECT_EQ(leaves_at(exit_policy::patience_entropy(0.3F, 1), {unsure, sure}), 1);
}

TEST(patience_entropy, is_strictly_below_and_starts_again_at_an_unsure_exit) {
  const row half{0.5F, 0.5F};  // normalized entropy 1
  const row sure{0.99F, 0.01F};
  const float exactly = offramp::exits::normalized_entropy(sure);
  EXPECT_NEAR(exactly, 0.0560015 / 0.69314718, 1e-5);
  EXPECT_EQ(leaves_at(exit_policy::patience_entropy(exactly, 1), {sure, sure}), -1);
  EXPECT_EQ(leaves_at(exit_policy::patience_entropy(std::nextafter(exactly, 1.0F), 1), {sure}), 0);
  EXPECT_EQ(leaves_at(exit_policy::patience_entropy(0.5F, 3), {sure, sure, half, sure, sure, sure}), 5);
}

TEST(learned, is_strictly_below_what_the_gate_says) {
  const auto leaves_with = [](float uncertainty) {
    gate_memory memory{.uncertainty = uncertainty};
    return is_satisfied(exit_policy::learned(0.25F), labelling(), 0, row{0.5F, 0.5F}, memory);
  };
  EXPECT_TRUE(leaves_with(std::nextafter(0.25F, 0.0F)));
  EXPECT_FALSE(leaves_with(0.25F));
  EXPECT_FALSE(leaves_with(1.0F));
}

TEST(uncertainty, is_the_sigmoid_of_the_gate) {
  const offramp::exits::classification gate{.weights = {2.0F, -1.0F}, .bias = {0.5F}};
  EXPECT_NEAR(offramp::exits::uncertainty(gate, row{1.0F, 1.0F}), 1.0F / (1.0F + std::exp(-1.5F)), 1e-6F);
  EXPECT_EQ(offramp::exits::uncertainty(gate, row{3e38F, 0.0F}), 1.0F);
  EXPECT_EQ(offramp::exits::uncertainty(gate, row{-3e38F, 0.0F}), 0.0F);
}

TEST(policy, refuses_what_has_no_meaning) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)exit_policy(nan), error);
  EXPECT_THROW((void)exit_policy::declining(nan, 0.1F), error);
  for (const float decline : {nan, -0.1F, 1.1F}) {
    EXPECT_THROW((void)exit_policy::declining(0.9F, decline), error);
  }
  EXPECT_THROW((void)exit_policy::per_exit({0.5F, nan}), error);
  EXPECT_THROW((void)exit_policy::per_class({{0.5F}, {nan}}), error);
  EXPECT_THROW((void)exit_policy::entropy(nan), error);
  EXPECT_THROW((void)exit_policy::learned(nan), error);
  EXPECT_THROW((void)exit_policy::patience(-1), error);
  EXPECT_THROW((void)exit_policy::patience_entropy(0.5F, 0), error);
}

TEST(policy, is_checked_against_the_model) {
  EXPECT_NO_THROW(check_policy(exit_policy::per_exit({0.5F, 0.5F}), 2, 3, 1));
  EXPECT_THROW(check_policy(exit_policy::per_exit({0.5F}), 2, 3, 1), error);
  EXPECT_NO_THROW(check_policy(exit_policy::per_class({{1, 1, 1}, {1, 1, 1}}), 2, 3, 1));
  EXPECT_THROW(check_policy(exit_policy::per_class({{1, 1, 1}}), 2, 3, 1), error);
  EXPECT_THROW(check_policy(exit_policy::per_class({{1, 1, 1}, {1, 1}}), 2, 3, 1), error);
  EXPECT_NO_THROW(check_policy(exit_policy(0.5F).with_max_layer(2), 2, 3, 2));
  EXPECT_THROW(check_policy(exit_policy(0.5F).with_max_layer(1), 2, 3, 2), error);
}

TEST(probabilities, survive_extreme_logits) {
  const row p = calibrated_probabilities(row{3e38F, -3e38F}, 1e-3F);
  EXPECT_EQ(p, (row{1.0F, 0.0F}));
  const row equal = calibrated_probabilities(row{-3e38F, -3e38F}, 1.0F);
  EXPECT_EQ(equal, (row{0.5F, 0.5F}));
  EXPECT_NEAR(calibrated_probabilities(row{0.0F, std::log(3.0F)}, 1.0F)[1], 0.75F, 1e-7F);
  EXPECT_NEAR(calibrated_probabilities(row{0.0F, 2.0F * std::log(3.0F)}, 2.0F)[1], 0.75F, 1e-7F);
}

// softmax(ln 1, ln 2, ln 5) is 1/8, 2/8, 5/8; over a temperature of 2 the weights are their roots, over 1/2 their
// squares.
TEST(probabilities, of_three_classes_at_three_temperatures) {
  const row logits{0.0F, std::log(2.0F), std::log(5.0F)};
  const auto expect_near = [&](float temperature, const row& expected) {
    const row found = calibrated_probabilities(logits, temperature);
    for (std::size_t label = 0; label < expected.size(); ++label) {
      EXPECT_NEAR(found[label], expected[label], 1e-6F) << temperature;
    }
  };
  expect_near(1.0F, {0.125F, 0.25F, 0.625F});
  expect_near(2.0F, {1.0F / 4.650282F, 1.414214F / 4.650282F, 2.236068F / 4.650282F});
  expect_near(0.5F, {1.0F / 30.0F, 4.0F / 30.0F, 25.0F / 30.0F});
}

TEST(label, is_the_lowest_of_equals) { EXPECT_EQ(offramp::exits::most_probable(row{0.2F, 0.4F, 0.4F}), 1U); }

TEST(may_leave_early, is_false_only_where_no_probabilities_satisfy_the_rule) {
  using offramp::exit_policy;
  using offramp::exits::may_leave_early;
  for (const exit_policy& never :
       {exit_policy::full_depth(), exit_policy::margin(1.001F), exit_policy::entropy(0.0F),
        exit_policy::normalized_entropy(-0.001F), exit_policy::patience(0), exit_policy::patience_entropy(0.0F, 1),
        exit_policy::learned(0.0F), exit_policy::declining(1.001F, 0.0F),
        exit_policy::declining(std::numeric_limits<float>::infinity(), 0.1F)}) {
    EXPECT_FALSE(may_leave_early(never));
  }
  for (const exit_policy& sometimes :
       {exit_policy(1.0F), exit_policy(0.0F), exit_policy::margin(1.0F), exit_policy::entropy(0.001F),
        exit_policy::normalized_entropy(0.0F), exit_policy::patience(1), exit_policy::patience_entropy(0.001F, 1),
        exit_policy::learned(0.001F), exit_policy::per_exit({2.0F}), exit_policy::per_class({{2.0F}}),
        exit_policy::declining(1.0F, 0.0F), exit_policy::declining(1.001F, 0.1F)}) {
    EXPECT_TRUE(may_leave_early(sometimes));
  }
}

}  // namespace gate_test
