// SPDX-License-Identifier: Apache-2.0
#include <offramp/exits/gate.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using offramp::error;
using offramp::exit_policy;
using offramp::exits::calibrated_probabilities;
using offramp::exits::check_policy;
using offramp::exits::gate_memory;
using offramp::exits::is_satisfied;

using row = std::vector<float>;

bool leaves(const exit_policy& policy, const row& probabilities, std::size_t exit = 0) {
  gate_memory memory;
  return is_satisfied(policy, exit, probabilities, memory);
}

// The exit (from 0) at which a sequence of probabilities leaves, or -1.
int leaves_at(const exit_policy& policy, const std::vector<row>& exits) {
  gate_memory memory;
  for (std::size_t exit = 0; exit < exits.size(); ++exit) {
    if (is_satisfied(policy, exit, exits[exit], memory)) {
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
  EXPECT_FALSE(leaves(1.5F, {0.0F, 1.0F}));
  EXPECT_FALSE(leaves(exit_policy::full_depth(), {0.0F, 1.0F}));
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

TEST(margin, is_first_minus_second) {
  EXPECT_FLOAT_EQ(offramp::exits::margin(row{0.125F, 0.25F, 0.625F}), 0.375F);
  EXPECT_FLOAT_EQ(offramp::exits::margin(row{0.5F, 0.5F}), 0.0F);
  EXPECT_TRUE(leaves(exit_policy::margin(0.375F), {0.125F, 0.25F, 0.625F}));
  EXPECT_FALSE(leaves(exit_policy::margin(0.376F), {0.125F, 0.25F, 0.625F}));
}

TEST(patience, counts_agreements_and_starts_again_at_a_change) {
  const row a{0.9F, 0.1F};
  const row b{0.1F, 0.9F};
  EXPECT_EQ(leaves_at(exit_policy::patience(1), {a, a, a}), 1);
  EXPECT_EQ(leaves_at(exit_policy::patience(2), {a, a, b, b, b, b}), 4);
  EXPECT_EQ(leaves_at(exit_policy::patience(2), {a, b, a, b, a, b}), -1);
  EXPECT_EQ(leaves_at(exit_policy::patience(0), {a, a, a, a}), -1);
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

TEST(policy, refuses_what_has_no_meaning) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)exit_policy(nan), error);
  EXPECT_THROW((void)exit_policy::per_exit({0.5F, nan}), error);
  EXPECT_THROW((void)exit_policy::per_class({{0.5F}, {nan}}), error);
  EXPECT_THROW((void)exit_policy::entropy(nan), error);
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

TEST(label, is_the_lowest_of_equals) {
  EXPECT_EQ(offramp::exits::most_probable(row{0.2F, 0.4F, 0.4F}), 1U);
}

TEST(may_leave_early, is_false_only_where_no_probabilities_satisfy_the_rule) {
  using offramp::exit_policy;
  using offramp::exits::may_leave_early;
  for (const exit_policy& never : {exit_policy(1.001F), exit_policy::full_depth(), exit_policy::margin(1.001F),
                                   exit_policy::entropy(0.0F), exit_policy::normalized_entropy(-0.001F),
                                   exit_policy::patience(0), exit_policy::patience_entropy(0.0F, 1)}) {
    EXPECT_FALSE(may_leave_early(never));
  }
  for (const exit_policy& sometimes : {exit_policy(1.0F), exit_policy(0.0F), exit_policy::margin(1.0F),
                                       exit_policy::entropy(0.001F), exit_policy::normalized_entropy(0.0F),
                                       exit_policy::patience(1), exit_policy::patience_entropy(0.001F, 1),
                                       exit_policy::per_exit({2.0F}), exit_policy::per_class({{2.0F}})}) {
    EXPECT_TRUE(may_leave_early(sometimes));
  }
}

}  // namespace
