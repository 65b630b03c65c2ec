// SPDX-License-Identifier: Apache-2.0
// An audit changes no byte of an answer, and counts what classify_every_exit would have told. Compiled once against
// each target.
#include <offramp/offramp.hpp>
#include <offramp/study/binomial.hpp>

#include <gtest/gtest.h>

#include "hostile.hpp"
#include "model_in_memory.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace drift_audit_test {

using offramp::classifier;
using offramp::drift_audit;
using offramp::drift_counts;
using offramp::encoding;
using offramp::exit_policy;
using offramp::layer_drift;
using offramp::prediction;
using offramp::runner;
using offramp::schedule;
using offramp_tests::expect_invalid_argument;
using offramp_tests::tiny_directory;

static_assert(std::copyable<drift_audit> && std::equality_comparable<drift_audit>);
static_assert(std::regular<drift_counts>);

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {
      "A good film.", "",          "The plot is dull, and the actor is not warm!", "never", "dogs sleeping", "x y z",
      "a man runs",   "the story", "warm warm warm warm warm warm warm warm",      "bad",   "not bad",       "\xff"};
  return all;
}

void on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

std::vector<exit_policy> policies_of(const classifier& model) {
  std::vector<exit_policy> all = {0.0F, 0.5F, 0.6F, 0.8F, exit_policy::full_depth(), exit_policy::patience(1)};
  for (const offramp::exit_info& exit : model.exits()) {
    all.push_back(exit_policy(0.6F).with_max_layer(exit.layer));
    all.push_back(exit_policy::full_depth().with_max_layer(exit.layer));
  }
  return all;
}

/// The counts of an audit that chose the texts which `is_sampled` names.
drift_counts expected_counts(const classifier& model, const std::vector<prediction>& answers,
                             const std::function<bool(std::size_t)>& is_sampled) {
  drift_counts counts;
  std::vector<layer_drift> layers(static_cast<std::size_t>(model.num_layers()) + 1);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ++counts.texts;
    counts.sampled += is_sampled(i) ? 1 : 0;
    if (answers[i].layer == model.exits().back().layer) {
      continue;
    }
    layer_drift& layer = layers[static_cast<std::size_t>(answers[i].layer)];
    layer.layer = answers[i].layer;
    ++layer.early_exits;
    if (is_sampled(i)) {
      ++layer.audited;
      const int last_label = model.classify_every_exit(texts()[i]).back().answer.label_id;
      layer.disagreements += answers[i].label_id == last_label ? 0 : 1;
    }
  }
  for (const layer_drift& layer : layers) {
    counts.early_exits += layer.early_exits;
    counts.audited += layer.audited;
    counts.disagreements += layer.disagreements;
    if (layer.early_exits > 0) {
      counts.layers.push_back(layer);
    }
  }
  return counts;
}

class drift : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(models, drift,
                         testing::Values("tiny", "tiny-i8", "tiny-mix", "tiny-pair", "tiny-plain", "tiny-sharded"));

TEST_P(drift, audits_change_no_answer_and_count_the_truth) {
  std::int64_t early_exits = 0;
  for (const schedule chosen : {schedule::together, schedule::cls_first, schedule::by_cost}) {
    const classifier model = classifier::load(tiny_directory(GetParam()), {.schedule = chosen});
    for (const exit_policy& policy : policies_of(model)) {
      const std::vector<prediction> answers = model.classify_batch(texts(), policy);
      for (const double fraction : {0.0, 0.4, 1.0}) {
        const drift_audit whole(fraction, 5);
        const drift_audit threaded(fraction, 5);
        const drift_audit single(fraction, 5);
        EXPECT_EQ(model.classify_batch(texts(), policy.audited_by(whole)), answers);
        EXPECT_EQ(model.classify_batch(texts(), policy.audited_by(threaded), on_a_thread_each), answers);
        for (std::size_t i = 0; i < texts().size(); ++i) {
          const runner run = i % 6 == 5 ? runner(&on_a_thread_each) : runner();
          EXPECT_EQ(model.classify(texts()[i], policy.audited_by(single), run), answers[i]);
        }
        const drift_counts expected = expected_counts(model, answers, [&](std::size_t i) { return whole.samples(i); });
        EXPECT_EQ(whole.counts(), expected);
        EXPECT_EQ(threaded.counts(), expected);
        EXPECT_EQ(single.counts(), expected);
        early_exits += expected.audited;
      }
    }
  }
  EXPECT_TRUE(early_exits > 0 || std::string(GetParam()) == "tiny-plain") << "nothing was audited";
}

TEST(drift_audit, some_of_the_tiny_models_early_exits_disagree) {  // else the counts above prove little
  const classifier model = classifier::load(tiny_directory("tiny"));
  const drift_audit audit(1.0, 0);
  (void)model.classify_batch(texts(), exit_policy(0.0F).audited_by(audit));
  EXPECT_EQ(audit.counts().audited, 12);
  EXPECT_GT(audit.counts().disagreements, 0);
  EXPECT_LT(audit.counts().disagreements, 12);
}

TEST(drift_audit, numbers_continue_from_call_to_call) {
  const classifier model = classifier::load(tiny_directory("tiny"));
  const drift_audit audit(0.4, 9);
  const exit_policy policy = exit_policy(0.0F).audited_by(audit);
  const std::vector<std::string> three(texts().begin(), texts().begin() + 3);
  std::int64_t expected = 0;
  for (std::uint64_t first = 0; first < 300; first += 3) {
    (void)model.classify_batch(three, policy);
    for (std::uint64_t number = first; number < first + 3; ++number) {
      expected += audit.samples(number) ? 1 : 0;
    }
    EXPECT_EQ(audit.counts().audited, expected);
  }
}

TEST(drift_audit, chooses_by_seed_and_number_alone) {
  const drift_audit audit(0.25, 1);
  const drift_audit same(0.25, 1);
  const drift_audit other(0.25, 2);
  int chosen = 0;
  int chosen_by_both = 0;
  for (std::uint64_t number = 0; number < 40000; ++number) {
    EXPECT_EQ(audit.samples(number), same.samples(number));
    chosen += audit.samples(number) ? 1 : 0;
    chosen_by_both += audit.samples(number) && other.samples(number) ? 1 : 0;
    EXPECT_FALSE(drift_audit(0.0, number).samples(number));
    EXPECT_TRUE(drift_audit(1.0, number).samples(number));
  }
  EXPECT_NEAR(chosen, 10000, 400);         // 4.6 standard deviations
  EXPECT_NEAR(chosen_by_both, 2500, 240);  // 5 standard deviations
}

TEST(drift_audit, leaves_calls_with_a_deadline_alone) {
  const classifier model = classifier::load(tiny_directory("tiny"));
  const drift_audit audit(1.0, 0);
  const auto now = std::chrono::steady_clock::now();
  for (const auto deadline : {now - std::chrono::hours(1), now + std::chrono::hours(1)}) {
    const exit_policy policy = exit_policy(0.6F).with_deadline(deadline);
    EXPECT_EQ(model.classify_batch(texts(), policy.audited_by(audit)), model.classify_batch(texts(), policy));
    EXPECT_EQ(model.classify(texts()[0], policy.audited_by(audit)), model.classify(texts()[0], policy));
  }
  EXPECT_EQ(audit.counts(), (drift_counts{.under_deadline = 26}));
}

TEST(drift_audit, counts_no_call_that_throws) {
  const classifier model = classifier::load(tiny_directory("tiny"));
  const drift_audit audit(1.0, 0);
  const encoding nothing;
  expect_invalid_argument([&] { return model.classify(nothing, exit_policy(0.0F).audited_by(audit)); }, "tokens");
  const std::vector<encoding> batch = {model.tokenize("a"), nothing};
  expect_invalid_argument([&] { return model.classify_batch(batch, exit_policy(0.0F).audited_by(audit)); }, "tokens");
  (void)model.classify_batch(std::vector<std::string>{}, exit_policy(0.0F).audited_by(audit));
  EXPECT_EQ(audit.counts(), drift_counts{});
}

/// The tiny model whose last layer overflows.
classifier broken_above_layer_2() {
  offramp_tests::model_in_memory model("tiny");
  std::string& file = model.files.at("model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  const auto offsets = nlohmann::json::parse(file.substr(8, length))
                           .at("bert.encoder.layer.2.output.LayerNorm.weight")
                           .at("data_offsets");
  const float huge = 3e38F;
  for (auto at = offsets[0].get<std::size_t>(); at < offsets[1].get<std::size_t>(); at += sizeof huge) {
    std::memcpy(file.data() + 8 + length + at, &huge, sizeof huge);
  }
  return model.load();
}

TEST(drift_audit, counts_no_text_that_fails) {
  const classifier model = broken_above_layer_2();
  const drift_audit audit(1.0, 0);
  const exit_policy policy = exit_policy(0.96F).audited_by(audit);
  EXPECT_THROW((void)model.classify_batch(texts(), policy), offramp::error);
  EXPECT_EQ(audit.counts(), drift_counts{});
  std::int64_t answered = 0;
  for (const auto& result : model.try_classify_batch(texts(), policy)) {
    answered += std::holds_alternative<prediction>(result) ? 1 : 0;
  }
  EXPECT_GT(answered, 0);
  EXPECT_LT(answered, 12);
  EXPECT_EQ(audit.counts().texts, answered);
  EXPECT_EQ(audit.counts().sampled, answered);
  EXPECT_EQ(audit.counts().early_exits, answered);
}

TEST(drift_audit, a_last_exit_that_cannot_answer_disagrees_and_fails_no_call) {
  const classifier model = broken_above_layer_2();
  EXPECT_THROW((void)model.classify(texts()[0], exit_policy::full_depth()), offramp::error);
  const drift_audit audit(1.0, 0);
  EXPECT_EQ(model.classify_batch(texts(), exit_policy(0.0F).audited_by(audit)), model.classify_batch(texts(), 0.0F));
  EXPECT_EQ(audit.counts().audited, 12);
  EXPECT_EQ(audit.counts().disagreements, 12);
}

TEST(drift_audit, copies_share_one_count_and_policies_keep_it) {
  const classifier model = classifier::load(tiny_directory("tiny"));
  const auto audit = std::make_unique<drift_audit>(0.5, 3);
  const drift_audit copy = *audit;
  EXPECT_EQ(copy, *audit);
  EXPECT_NE(copy, drift_audit(0.5, 3));
  EXPECT_EQ(copy.fraction(), 0.5);
  EXPECT_EQ(copy.seed(), 3U);
  const exit_policy policy = exit_policy(0.6F).audited_by(drift_audit(1.0, 0));  // the temporary is gone
  (void)model.classify(texts()[0], policy);
  EXPECT_EQ(policy.audit()->counts().texts, 1);
  EXPECT_NE(policy, exit_policy(0.6F));
  EXPECT_EQ(exit_policy(0.6F).audit(), std::nullopt);
}

TEST(drift_audit, intervals_come_from_the_audited_texts) {
  const drift_counts counts{.texts = 900, .sampled = 300, .early_exits = 600, .audited = 200, .disagreements = 4};
  EXPECT_EQ(counts.disagreement_once(0.95), offramp::study::clopper_pearson(4, 200, 0.95));
  EXPECT_EQ(counts.disagreement_at_any_time(0.95), offramp::study::confidence_sequence(4, 200, 0.95));
  EXPECT_EQ(drift_counts{}.disagreement_once(0.95), (offramp::study::interval{0.0, 1.0}));
}

TEST(drift_audit, bounds_what_a_certificate_bounds) {
  const drift_counts counts{.texts = 4000, .sampled = 400, .early_exits = 2000, .audited = 200, .disagreements = 4};
  EXPECT_EQ(counts.overall_disagreement_once(0.95), offramp::study::clopper_pearson(4, 400, 0.95));
  EXPECT_EQ(counts.overall_disagreement_at_any_time(0.95), offramp::study::confidence_sequence(4, 400, 0.95));
  EXPECT_LT(counts.overall_disagreement_once(0.95).upper, counts.disagreement_once(0.95).upper);
}

TEST(drift_audit, without_a_seed_short_lives_sample_too) {
  // Of 1,000 processes that answer one text each, a tenth samples it; with one seed all do, or none.
  int sampled = 0;
  std::set<std::uint64_t> seeds;
  for (int process = 0; process < 1000; ++process) {
    const drift_audit audit(0.1);
    sampled += audit.samples(0) ? 1 : 0;
    seeds.insert(audit.seed());
  }
  EXPECT_GT(sampled, 30) << "less than once in a million million runs";
  EXPECT_LT(sampled, 200);
  EXPECT_GT(seeds.size(), 990U);
  EXPECT_THROW(drift_audit(1.5), offramp::error);
}

TEST(drift_audit, refuses_fractions_out_of_range) {
  for (const double fraction : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    expect_invalid_argument([&] { return drift_audit(fraction, 0); }, "fraction");
  }
}

}  // namespace drift_audit_test
