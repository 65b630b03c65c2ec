// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/exits/policy.hpp>

#include <offramp/offramp.hpp>

#include "model_in_memory.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace stored_policy_test {

using offramp::classifier;
using offramp::exit_policy;

TEST(stored_policy, comes_back_the_same_with_finite_thresholds) {
  using offramp::model::describe_policy;
  using offramp::model::make_policy;
  const float infinity = std::numeric_limits<float>::infinity();
  for (const exit_policy& policy :
       {exit_policy(0.9F), exit_policy::declining(1.1F, 0.06F), exit_policy::margin(0.5F)}) {
    EXPECT_EQ(make_policy(describe_policy(policy)), policy);
  }
  const classifier model = classifier::load(OFFRAMP_TEST_DATA "/models/tiny");
  for (const exit_policy& policy :
       {exit_policy::full_depth(), exit_policy(-infinity), exit_policy::declining(infinity, 1),
        exit_policy::entropy(infinity), exit_policy::entropy(-infinity)}) {
    const exit_policy stored = make_policy(describe_policy(policy));
    EXPECT_TRUE(std::isfinite(describe_policy(policy).threshold));
    EXPECT_EQ(model.classify("A good film.", stored), model.classify("A good film.", policy));
  }
}

TEST(stored_policy, writes_full_depth_as_two_with_a_layer_limit_or_without) {
  using offramp::model::describe_policy;
  EXPECT_EQ(describe_policy(exit_policy::full_depth()).threshold, 2.0F);
  EXPECT_EQ(describe_policy(exit_policy::full_depth().with_max_layer(2)).threshold, 2.0F);
}

TEST(stored_policy, gives_way_where_it_ends_below_the_chosen_exits) {
  offramp_tests::model_in_memory tiny("tiny");
  auto description = nlohmann::json::parse(tiny.files.at("exits.json"));
  const int first = description.at("exits")[0].at("layer");
  const int second = description.at("exits")[1].at("layer");
  description["default_policy"] = {{"rule", "confidence"}, {"threshold", 0.9}, {"max_layer", first}};
  tiny.files.at("exits.json") = description.dump();
  EXPECT_EQ(tiny.load().classify("A good film.").layer, first);

  const offramp::classifier without_first = tiny.load({.exits = {second}});
  EXPECT_EQ(without_first.classify("A good film.").layer, second);
  EXPECT_FALSE(without_first.info().warnings.empty());
}

}  // namespace stored_policy_test
