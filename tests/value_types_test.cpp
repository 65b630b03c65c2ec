// SPDX-License-Identifier: Apache-2.0
// The value types of the public interface: defaults, copies, moves and equality; compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <chrono>
#include <concepts>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace value_types_test {

using offramp::classifier;
using offramp::encoding;
using offramp::error;
using offramp::error_kind;
using offramp::exit_info;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::load_options;
using offramp::prediction;
using offramp::sentence_pair;
using offramp::stop_reason;

static_assert(std::regular<prediction> && std::regular<encoding> && std::regular<exit_output>);
static_assert(std::regular<exit_info>);
static_assert(std::equality_comparable<exit_policy> && std::copyable<exit_policy>);
static_assert(std::semiregular<load_options>);
static_assert(std::semiregular<sentence_pair> && std::is_aggregate_v<sentence_pair>);
static_assert(std::copyable<classifier> && std::copyable<error>);

// A container that grows moves its elements only if that cannot throw.
static_assert(std::is_nothrow_move_constructible_v<prediction> && std::is_nothrow_move_constructible_v<encoding>);
static_assert(std::is_nothrow_move_constructible_v<exit_output> && std::is_nothrow_move_constructible_v<exit_policy>);
static_assert(std::is_nothrow_move_constructible_v<classifier> && std::is_nothrow_copy_constructible_v<classifier>);

static_assert(std::derived_from<error, std::runtime_error>);
static_assert(std::is_nothrow_copy_constructible_v<error>, "what is thrown must not throw");

// A float is a policy; nothing becomes one, or an error, by accident.
static_assert(std::convertible_to<float, exit_policy> && !std::is_default_constructible_v<exit_policy>);
static_assert(!std::convertible_to<std::string, exit_policy> && !std::convertible_to<std::vector<float>, exit_policy>);
static_assert(!std::convertible_to<error_kind, error>);

const prediction sample = {.label = "a label that is too long to be stored inside of a string object",
                           .label_id = 1,
                           .confidence = 0.75F,
                           .probabilities = {0.25F, 0.75F},
                           .layer = 4,
                           .tokens = 9,
                           .truncated = true,
                           .stopped = stop_reason::confident};

/// Copies and moves keep the value, and the copy is another object.
template <class Value>
void expect_value_semantics(const Value& value, const Value& other) {
  ASSERT_EQ(value, value);
  ASSERT_NE(value, other);
  Value copy = value;
  EXPECT_EQ(copy, value);
  Value assigned = other;
  assigned = copy;
  EXPECT_EQ(assigned, value);
  copy = other;
  EXPECT_EQ(assigned, value) << "assigning to one copy changed another";
  Value moved = std::move(assigned);
  EXPECT_EQ(moved, value);
  copy = std::move(moved);
  EXPECT_EQ(copy, value);
  moved = other;  // what was moved from can be assigned to
  EXPECT_EQ(moved, other);
  std::swap(copy, moved);
  EXPECT_EQ(copy, other);
  EXPECT_EQ(moved, value);
}

/// A change of any one field makes a value another one, also through copies and moves.
template <class Value, class... Changes>
void expect_every_field_counts(const Value& value, const Changes&... changes) {
  const auto check = [&](const auto& change) {
    Value changed = value;
    change(changed);
    expect_value_semantics(changed, value);
  };
  (check(changes), ...);
}

TEST(prediction_value, has_defaults_that_answer_nothing) {
  const prediction nothing;
  EXPECT_TRUE(nothing.label.empty());
  EXPECT_EQ(nothing.label_id, 0);
  EXPECT_EQ(nothing.confidence, 0.0F);
  EXPECT_TRUE(nothing.probabilities.empty());
  EXPECT_EQ(nothing.layer, 0);
  EXPECT_EQ(nothing.tokens, 0);
  EXPECT_FALSE(nothing.truncated);
  EXPECT_EQ(nothing.stopped, stop_reason::last_exit);
}

TEST(prediction_value, is_all_of_its_fields) {
  expect_every_field_counts(
      sample, [](prediction& p) { p.label += '.'; }, [](prediction& p) { p.label_id = 0; },
      [](prediction& p) { p.confidence = 0.5F; }, [](prediction& p) { p.probabilities[0] = 0.5F; },
      [](prediction& p) { p.layer = 5; }, [](prediction& p) { p.tokens = 10; },
      [](prediction& p) { p.truncated = false; }, [](prediction& p) { p.stopped = stop_reason::deadline; });
}

TEST(exit_output_value, is_all_of_its_fields) {
  EXPECT_TRUE(exit_output{}.logits.empty());
  EXPECT_EQ(exit_output{}.answer, prediction{});
  EXPECT_FALSE(exit_output{}.uncertainty);
  expect_every_field_counts(
      exit_output{{1.0F, -1.0F}, sample}, [](exit_output& o) { o.logits[1] = 2.0F; },
      [](exit_output& o) { o.answer.layer = 1; }, [](exit_output& o) { o.uncertainty = 0.0F; });
}

TEST(exit_info_value, is_layer_and_temperature) {
  EXPECT_EQ(exit_info{}, (exit_info{0, 1.0F}));
  expect_every_field_counts(
      exit_info{2, 1.5F}, [](exit_info& e) { e.layer = 3; }, [](exit_info& e) { e.temperature = 1.0F; });
}

TEST(encoding_value, is_ids_types_and_whether_it_was_cut) {
  EXPECT_TRUE(encoding{}.ids.empty());
  EXPECT_TRUE(encoding{}.type_ids.empty());
  EXPECT_FALSE(encoding{}.truncated);
  expect_every_field_counts(
      encoding{.ids = {2, 7, 3}, .type_ids = {0, 0, 0}}, [](encoding& e) { e.ids[1] = 8; },
      [](encoding& e) { e.type_ids.clear(); }, [](encoding& e) { e.truncated = true; });
}

TEST(sentence_pair_value, views_its_texts) {
  EXPECT_TRUE(sentence_pair{}.premise.empty());
  EXPECT_TRUE(sentence_pair{}.hypothesis.empty());
  const std::string premise = "a premise";
  const sentence_pair pair{premise, "a hypothesis"};
  const sentence_pair copy = pair;
  EXPECT_EQ(copy.premise.data(), premise.data());
  EXPECT_EQ(copy.hypothesis, "a hypothesis");
}

TEST(load_options_value, asks_for_float32_and_everything_the_model_has) {
  const load_options options;
  EXPECT_EQ(options.format, offramp::numeric_format::float32);
  EXPECT_TRUE(options.exits.empty());
  EXPECT_TRUE(options.avoid.empty());
  EXPECT_EQ(options.schedule, offramp::schedule::by_cost);
  EXPECT_EQ(options.max_tokens, std::nullopt);
  load_options some{.exits = {1, 3}, .max_tokens = 16};
  const load_options copy = some;
  const load_options moved = std::move(some);
  EXPECT_EQ(copy.exits, moved.exits);
  EXPECT_EQ(copy.max_tokens, moved.max_tokens);
}

TEST(exit_policy_value, starts_as_its_rule_says) {
  const exit_policy policy = 0.9F;
  EXPECT_EQ(policy.rule_kind(), exit_policy::rule::confidence);
  EXPECT_EQ(policy.threshold(), 0.9F);
  EXPECT_TRUE(policy.thresholds().empty());
  EXPECT_EQ(policy.patience_count(), 0);
  EXPECT_EQ(policy.max_layer(), std::nullopt);
  EXPECT_EQ(policy.deadline(), std::nullopt);
  EXPECT_EQ(exit_policy::per_exit({0.9F, 0.8F}).thresholds(), (std::vector<std::vector<float>>{{0.9F, 0.8F}}));
  EXPECT_EQ(exit_policy::per_class({{1, 2}, {3, 4}}).thresholds(), (std::vector<std::vector<float>>{{1, 2}, {3, 4}}));
  EXPECT_EQ(policy.decline(), 0.0F);
  EXPECT_EQ(exit_policy::declining(0.9F, 0.05F).threshold(), 0.9F);
  EXPECT_EQ(exit_policy::declining(0.9F, 0.05F).decline(), 0.05F);
  EXPECT_EQ(exit_policy::patience_entropy(0.5F, 2).threshold(), 0.5F);
  EXPECT_EQ(exit_policy::patience_entropy(0.5F, 2).patience_count(), 2);
}

TEST(exit_policy_value, differs_by_rule_threshold_limit_and_deadline) {
  const auto now = exit_policy::time_point(std::chrono::seconds(5));
  const std::vector<exit_policy> all = {0.9F,
                                        0.8F,
                                        exit_policy::full_depth(),
                                        exit_policy::declining(0.9F, 0.1F),
                                        exit_policy::declining(0.9F, 0.2F),
                                        exit_policy::declining(0.8F, 0.1F),
                                        exit_policy::per_exit({0.9F, 0.8F}),
                                        exit_policy::per_exit({0.9F, 0.7F}),
                                        exit_policy::per_class({{0.9F, 0.8F}}),
                                        exit_policy::entropy(0.9F),
                                        exit_policy::normalized_entropy(0.9F),
                                        exit_policy::margin(0.9F),
                                        exit_policy::patience(1),
                                        exit_policy::patience(2),
                                        exit_policy::patience_entropy(0.9F, 1),
                                        exit_policy::patience_entropy(0.9F, 2),
                                        exit_policy(0.9F).with_max_layer(3),
                                        exit_policy(0.9F).with_max_layer(4),
                                        exit_policy(0.9F).with_deadline(now),
                                        exit_policy(0.9F).with_deadline(now + std::chrono::nanoseconds(1)),
                                        exit_policy(0.9F).with_deadline(now).with_max_layer(3)};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) {
      EXPECT_EQ(all[i] == all[j], i == j) << i << " and " << j;
    }
    expect_value_semantics(all[i], all[(i + 1) % all.size()]);
  }
}

TEST(exit_policy_value, is_left_alone_by_what_is_made_from_it) {
  const exit_policy policy = exit_policy::margin(0.5F);
  const exit_policy limited = policy.with_max_layer(2).with_deadline({});
  EXPECT_EQ(policy, exit_policy::margin(0.5F));
  EXPECT_EQ(limited.rule_kind(), exit_policy::rule::margin);
  EXPECT_EQ(limited.max_layer(), 2);
  EXPECT_EQ(limited.deadline(), exit_policy::time_point{});
  EXPECT_EQ(limited.with_max_layer(5).max_layer(), 5) << "the last call counts";
}

TEST(error_value, keeps_kind_and_message) {
  for (const error_kind kind :
       {error_kind::io, error_kind::bad_model, error_kind::unsupported, error_kind::invalid_argument}) {
    error thrown(kind, "config.json: a message that is too long to be stored inside of a string object");
    const error copy = thrown;
    error assigned(error_kind::io, "");
    assigned = std::move(thrown);
    for (const error* e : {&copy, static_cast<const error*>(&assigned)}) {
      EXPECT_EQ(e->kind(), kind);
      EXPECT_EQ(std::string_view(e->what()),
                "config.json: a message that is too long to be stored inside of a string object");
    }
  }
}

TEST(error_value, can_be_caught_as_a_standard_exception) {
  try {
    throw error(error_kind::unsupported, "why");
  } catch (const std::exception& caught) {
    EXPECT_STREQ(caught.what(), "why");
    EXPECT_NE(dynamic_cast<const error*>(&caught), nullptr);
  }
}

TEST(classifier_value, works_after_it_was_moved_from) {
  classifier first = classifier::load(offramp_tests::tiny_directory("tiny"));
  const prediction expected = first.classify("A good film.", 0.7F);
  const classifier second = std::move(first);
  EXPECT_EQ(first.classify("A good film.", 0.7F), expected);  // NOLINT: moving copies, that is the point
  EXPECT_EQ(second.classify("A good film.", 0.7F), expected);
  classifier third = classifier::load(offramp_tests::tiny_directory("tiny-plain"));
  third = std::move(first);  // NOLINT: see above
  EXPECT_EQ(third.classify("A good film.", 0.7F), expected);
  EXPECT_EQ(first.tokenize("A good film."), third.tokenize("A good film."));  // NOLINT: see above
}

TEST(classifier_value, lives_as_long_as_its_last_copy) {
  std::optional<classifier> first = classifier::load(offramp_tests::tiny_directory("tiny"));
  const prediction expected = first->classify("A good film.", 0.7F);
  classifier copy = *first;
  first.reset();
  EXPECT_EQ(copy.classify("A good film.", 0.7F), expected);
  classifier& itself = copy;
  copy = itself;
  EXPECT_EQ(copy.classify("A good film.", 0.7F), expected);
}

TEST(names, lead_back_to_their_values) {
  for (const auto format :
       {offramp::numeric_format::float32, offramp::numeric_format::bfloat16, offramp::numeric_format::int8}) {
    EXPECT_EQ(offramp::numeric_format_named(offramp::name_of(format)), format);
  }
  for (const auto loss : {offramp::certified_loss::disagreement, offramp::certified_loss::accuracy_drop,
                          offramp::certified_loss::error}) {
    EXPECT_EQ(offramp::certified_loss_named(offramp::name_of(loss)), loss);
  }
  EXPECT_EQ(offramp::numeric_format_named("Float32"), std::nullopt);
  EXPECT_EQ(offramp::certified_loss_named(""), std::nullopt);
  static_assert(offramp::name_of(offramp::stop_reason::layer_limit) == "layer_limit");
  static_assert(offramp::name_of(offramp::certified_scope::every_exit) == "every-exit");
  static_assert(offramp::name_of(error_kind::bad_model) == "bad_model");
  static_assert(offramp::name_of(static_cast<offramp::stop_reason>(99)).empty());
}

}  // namespace value_types_test
