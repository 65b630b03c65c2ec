// SPDX-License-Identifier: Apache-2.0
#include <offramp/exits/gate.hpp>
#include <offramp/exits/labelling.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace labelling_test {

using offramp::error;
using offramp::exit_policy;
using offramp::exits::gate_memory;
using offramp::exits::is_satisfied;
using offramp::exits::labelling;

using row = std::vector<float>;

const row halves{0.5F, 0.5F, 0.5F};
const labelling multi{halves};
const labelling exclusive;

row calibrated(const labelling& labels, const row& logits, float temperature) {
  row probabilities(logits.size());
  labels.calibrate(logits, temperature, probabilities);
  return probabilities;
}

TEST(labelling, takes_the_sigmoid_of_each_logit_or_softmax) {
  const row found = calibrated(multi, {0.0F, 3.0F, -6.0F}, 1.5F);
  EXPECT_EQ(found[0], 0.5F);
  EXPECT_FLOAT_EQ(found[1], static_cast<float>(1 / (1 + std::exp(-2.0))));
  EXPECT_FLOAT_EQ(found[2], static_cast<float>(1 / (1 + std::exp(4.0))));
  const row softmax = calibrated(exclusive, {0.0F, 3.0F, -6.0F}, 1.5F);
  const double sum = 1 + std::exp(2.0) + std::exp(-4.0);
  EXPECT_FLOAT_EQ(softmax[0], static_cast<float>(1 / sum));
  EXPECT_FLOAT_EQ(softmax[1], static_cast<float>(std::exp(2.0) / sum));
  EXPECT_FLOAT_EQ(softmax[2], static_cast<float>(std::exp(-4.0) / sum));
}

TEST(labelling, stays_between_0_and_1_at_the_ends) {
  constexpr float huge = std::numeric_limits<float>::max();
  const row found = calibrated(multi, {huge, -huge, -0.0F}, 1e-3F);
  EXPECT_EQ(found, (row{1.0F, 0.0F, 0.5F}));
  EXPECT_EQ(multi.confidence(row{1.0F, 0.0F, 1.0F}), 1.0F);
}

TEST(labelling, is_as_sure_as_the_least_sure_decision) {
  EXPECT_EQ(multi.confidence(row{0.875F, 0.25F, 0.0F}), 0.75F);
  EXPECT_EQ(multi.confidence(row{0.5F, 1.0F, 0.0F}), 0.5F);
  EXPECT_EQ(exclusive.confidence(row{0.25F, 0.5F, 0.25F}), 0.5F);
}

TEST(labelling, gives_labels_above_their_cut_alone) {
  const row cuts{0.25F, 0.5F, 0.75F};
  const labelling labels(cuts);
  const row at_the_cuts = cuts;
  const row above{std::nextafter(0.25F, 1.0F), std::nextafter(0.5F, 1.0F), std::nextafter(0.75F, 1.0F)};
  for (std::size_t label = 0; label < cuts.size(); ++label) {
    EXPECT_FALSE(labels.gives(at_the_cuts, label));
    EXPECT_TRUE(labels.gives(above, label));
  }
  EXPECT_TRUE(exclusive.gives(row{0.4F, 0.4F, 0.2F}, 0));
  EXPECT_FALSE(exclusive.gives(row{0.4F, 0.4F, 0.2F}, 1));
}

TEST(labelling, agrees_where_every_label_is_decided_alike) {
  EXPECT_TRUE(multi.agree(row{0.9F, 0.1F, 0.6F}, row{0.6F, 0.4F, 0.9F}));
  EXPECT_FALSE(multi.agree(row{0.9F, 0.1F, 0.6F}, row{0.9F, 0.1F, 0.5F}));
  EXPECT_TRUE(multi.agree(row{0.1F, 0.2F, 0.3F}, row{0.3F, 0.2F, 0.1F})) << "no label at all is an answer too";
  EXPECT_FALSE(multi.agree(row{}, row{0.1F, 0.1F, 0.1F}));
  EXPECT_TRUE(exclusive.agree(row{0.5F, 0.3F, 0.2F}, row{0.4F, 0.4F, 0.2F}));
  EXPECT_FALSE(exclusive.agree(row{}, row{0.4F, 0.4F, 0.2F}));
}

bool leaves(const exit_policy& policy, const row& probabilities, gate_memory memory = {}, std::size_t exit = 0) {
  return is_satisfied(policy, multi, exit, probabilities, memory);
}

TEST(multi_label_gate, asks_every_label_to_be_decided) {
  EXPECT_TRUE(leaves(0.75F, {0.75F, 0.25F, 0.0F}));
  EXPECT_FALSE(leaves(0.75F, {0.75F, 0.375F, 0.0F}));
  EXPECT_TRUE(leaves(0.0F, halves));
  EXPECT_TRUE(leaves(exit_policy::declining(0.875F, 0.125F), {0.75F, 0.25F, 0.0F}, {}, 1));
  EXPECT_FALSE(leaves(exit_policy::declining(0.875F, 0.125F), {0.75F, 0.25F, 0.0F}, {}, 0));
  EXPECT_TRUE(leaves(exit_policy::per_exit({0.9F, 0.7F}), {0.75F, 0.25F, 0.0F}, {}, 1));
  EXPECT_FALSE(leaves(exit_policy::per_exit({0.9F, 0.7F}), {0.75F, 0.25F, 0.0F}, {}, 0));
  EXPECT_TRUE(leaves(exit_policy::patience(1), halves, {.repeats_answer = true}));
  EXPECT_FALSE(leaves(exit_policy::patience(1), halves, {.repeats_answer = false}));
  EXPECT_TRUE(leaves(exit_policy::learned(0.5F), halves, {.uncertainty = 0.4F}));
}

TEST(multi_label_gate, refuses_rules_for_labels_that_exclude_each_other) {
  using offramp::exits::refuse_exclusive;
  for (const exit_policy& policy :
       {exit_policy(0.5F), exit_policy::full_depth(), exit_policy::declining(0.5F, 0.1F), exit_policy::per_exit({0.5F}),
        exit_policy::patience(1), exit_policy::learned(0.5F)}) {
    EXPECT_NO_THROW(refuse_exclusive(policy));
  }
  for (const exit_policy& policy :
       {exit_policy::entropy(0.5F), exit_policy::normalized_entropy(0.5F), exit_policy::margin(0.5F),
        exit_policy::patience_entropy(0.5F, 1), exit_policy::per_class({{0.5F, 0.5F, 0.5F}})}) {
    EXPECT_THROW(refuse_exclusive(policy), error);
  }
}

}  // namespace labelling_test
