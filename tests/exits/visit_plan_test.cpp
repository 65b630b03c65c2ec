// SPDX-License-Identifier: Apache-2.0
#include <offramp/exits/visit_plan.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <vector>

namespace visit_plan_test {

using offramp::exit_policy;
using offramp::stop_reason;
using offramp::exits::active_text;
using offramp::exits::early_exit_model;
using offramp::exits::exit_rate;
using offramp::exits::keep;
using offramp::exits::outcome;
using offramp::exits::request;
using offramp::exits::row_order;
using offramp::exits::visit_plan;

/// Exits on layers 2 and 4, which read the [CLS] row.
early_exit_model two_exits() {
  early_exit_model model;
  for (std::size_t exit = 0; exit < 2; ++exit) {
    offramp::exits::head& head = model.heads.heads.emplace_back();
    head.layer = 2 * static_cast<int>(exit + 1);
    head.exit = exit;
    model.answering.push_back(exit);
  }
  return model;
}

row_order order_at_first_exit(const visit_plan& plan) {
  const std::vector<exit_rate> rates(2);
  return plan.order_of_rows(plan.head_on(2), rates, 1, 2);
}

stop_reason stop_at_first_exit(const visit_plan& plan) {
  outcome outcome;
  outcome.probabilities = {0.5F, 0.5F};
  active_text text;
  plan.decide(outcome, text);
  EXPECT_TRUE(text.is_leaving);
  return outcome.stopped;
}

TEST(VisitPlanTest, WithoutTimeOnlyTheRowsOfTheFirstExitAreComputed) {
  const early_exit_model model = two_exits();
  const exit_policy policy = exit_policy::full_depth().with_deadline({});
  const std::array<request, 1> texts{};
  visit_plan plan(model, policy, keep::last_visit);
  plan.begin(texts);
  EXPECT_EQ(plan.last_layer(), 4);
  EXPECT_EQ(order_at_first_exit(plan), row_order::together);
  plan.end_at_first_exit();
  EXPECT_EQ(plan.last_layer(), 2);
  EXPECT_EQ(order_at_first_exit(plan), row_order::first_rows_only);
  EXPECT_EQ(stop_at_first_exit(plan), stop_reason::deadline);
  plan.begin(texts);  // the next ones may have time
  EXPECT_EQ(plan.last_layer(), 4);
}

TEST(VisitPlanTest, AFirstExitThatIsTheLastKeepsItsReason) {
  const early_exit_model model = two_exits();
  const exit_policy policy = exit_policy::full_depth().with_deadline({}).with_max_layer(3);
  visit_plan plan(model, policy, keep::last_visit);
  plan.begin(std::array<request, 1>{});
  plan.end_at_first_exit();
  EXPECT_EQ(stop_at_first_exit(plan), stop_reason::layer_limit);
}

}  // namespace visit_plan_test
