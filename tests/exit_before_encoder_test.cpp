// SPDX-License-Identifier: Apache-2.0
// The exit before the encoder is an exit like any other: every policy, every form of a call, and damage to its files.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_damage.hpp"
#include "ngram_model.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace exit_before_encoder_test {

using offramp::classifier;
using offramp::error_kind;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::load_options;
using offramp::prediction;
using offramp::sentence_pair;
using offramp::stop_reason;
using offramp_tests::with_ngrams;

const classifier& model() {
  static const classifier loaded = with_ngrams("tiny-i8").load();
  return loaded;
}

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {"the quick fox",
                                               "",
                                               "fox fox fox the",
                                               "a b c d e f g h i j k",
                                               "the",
                                               "lazy dog runs",
                                               "quick quick the lazy fox jumps over"};
  return all;
}

/// At the layer of an answer, every exit says the same.
void expect_as_at_every_exit(const std::string& text, const prediction& answer) {
  const std::vector<exit_output> outputs = model().classify_every_exit(text);
  const auto found = std::find_if(outputs.begin(), outputs.end(),
                                  [&](const exit_output& output) { return output.answer.layer == answer.layer; });
  ASSERT_NE(found, outputs.end());
  EXPECT_EQ(found->answer.probabilities, answer.probabilities);
}

TEST(exit_before_encoder, is_the_first_of_every_exit) {
  ASSERT_EQ(model().exits().front().layer, 0);
  EXPECT_EQ(model().exits().front().temperature, 1.25F);
  for (const std::string& text : texts()) {
    const std::vector<exit_output> outputs = model().classify_every_exit(text);
    ASSERT_EQ(outputs.size(), model().exits().size());
    EXPECT_EQ(outputs.front().answer.layer, 0);
    EXPECT_EQ(outputs.front().answer, model().classify(text, exit_policy::full_depth().with_max_layer(0)));
  }
}

TEST(exit_before_encoder, answers_as_policies_say) {
  const std::size_t exits = model().exits().size();
  const std::vector<exit_policy> policies = {0.0F,
                                             0.55F,
                                             exit_policy::declining(0.6F, 0.02F),
                                             exit_policy::per_exit(std::vector<float>(exits, 0.58F)),
                                             exit_policy::entropy(0.68F),
                                             exit_policy::normalized_entropy(0.97F),
                                             exit_policy::margin(0.1F),
                                             exit_policy::patience(1),
                                             exit_policy::patience_entropy(0.99F, 2),
                                             exit_policy::full_depth()};
  std::size_t before_encoder = 0;
  std::size_t deeper = 0;
  for (const exit_policy& policy : policies) {
    const std::vector<prediction> batch = model().classify_batch(texts(), policy);
    for (std::size_t i = 0; i < texts().size(); ++i) {
      const prediction alone = model().classify(texts()[i], policy);
      EXPECT_EQ(batch[i], alone);
      expect_as_at_every_exit(texts()[i], alone);
      (alone.layer == 0 ? before_encoder : deeper) += 1;
    }
  }
  EXPECT_GT(before_encoder, 10U);
  EXPECT_GT(deeper, 10U);
}

TEST(exit_before_encoder, leaves_the_other_exits_as_they_were) {
  const classifier without = classifier::load(OFFRAMP_TEST_DATA "/models/tiny-i8");
  for (const std::string& text : texts()) {
    const std::vector<exit_output> all = model().classify_every_exit(text);
    const std::vector<exit_output> encoder_only = without.classify_every_exit(text);
    ASSERT_EQ(all.size(), encoder_only.size() + 1);
    for (std::size_t i = 0; i < encoder_only.size(); ++i) {
      EXPECT_EQ(all[i + 1].logits, encoder_only[i].logits);
    }
  }
}

/// The same model whose exits behind layers add 0.5, 0.25, ... times the logits of the first.
offramp_tests::model_in_memory heard_by_others() {
  offramp_tests::model_in_memory files = with_ngrams("tiny-i8");
  nlohmann::json exits = nlohmann::json::parse(files.files.at("exits.json"));
  for (std::size_t i = 1; i < exits["exits"].size(); ++i) {
    exits["exits"][i]["ngram_weight"] = std::ldexp(1.0, -static_cast<int>(i));
  }
  files.files["exits.json"] = exits.dump();
  return files;
}

TEST(exit_before_encoder, may_be_heard_by_the_others) {
  const classifier others = heard_by_others().load();
  for (const std::string& text : texts()) {
    const std::vector<exit_output> alone = model().classify_every_exit(text);
    const std::vector<exit_output> heard = others.classify_every_exit(text);
    EXPECT_EQ(heard.front(), alone.front());
    for (std::size_t i = 1; i < heard.size(); ++i) {
      const float weight = others.exits()[i].ngram_weight;
      EXPECT_EQ(weight, std::ldexp(1.0F, -static_cast<int>(i)));
      for (std::size_t label = 0; label < heard[i].logits.size(); ++label) {
        EXPECT_FLOAT_EQ(heard[i].logits[label], alone[i].logits[label] + weight * alone.front().logits[label]);
      }
    }
  }
}

TEST(exit_before_encoder, is_heard_where_it_may_not_answer) {
  const classifier all = heard_by_others().load();
  load_options without;
  for (std::size_t i = 1; i < all.exits().size(); ++i) {
    without.exits.push_back(all.exits()[i].layer);
  }
  const classifier others = heard_by_others().load(without);
  const exit_policy policies[] = {exit_policy::full_depth(), 0.55F, 1.0F,
                                  exit_policy::full_depth().with_max_layer(without.exits.front())};
  for (const exit_policy& policy : policies) {
    const std::vector<prediction> batch = others.classify_batch(texts(), policy);
    for (std::size_t i = 0; i < texts().size(); ++i) {
      const std::vector<exit_output> every = all.classify_every_exit(texts()[i]);
      const auto found = std::ranges::find(every, batch[i].layer, [](const auto& exit) { return exit.answer.layer; });
      ASSERT_NE(found, every.end());
      EXPECT_GT(batch[i].layer, 0);
      EXPECT_EQ(batch[i].probabilities, found->answer.probabilities);
      EXPECT_EQ(batch[i], others.classify(texts()[i], policy));
    }
  }
}

TEST(exit_before_encoder, is_heard_of_a_long_text_as_far_as_it_reads) {
  const auto load = [](const load_options& options) {
    offramp_tests::model_in_memory files = heard_by_others();
    nlohmann::json exits = nlohmann::json::parse(files.files.at("exits.json"));
    exits["max_tokens"] = 8;
    exits["exits"][0]["ngrams"]["max_tokens"] = 12;
    files.files["exits.json"] = exits.dump();
    return files.load(options);
  };
  const classifier all = load({});
  load_options last;
  last.exits = {all.exits().back().layer};
  const classifier alone = load(last);
  const std::string text = "the quick fox jumps over the lazy dog runs the fox";
  EXPECT_EQ(alone.classify_every_exit(text).back(), all.classify_every_exit(text).back());
  EXPECT_EQ(all.classify_every_exit(sentence_pair{text, ""}), all.classify_every_exit(text)) << "no second text";
}

TEST(exit_before_encoder, reads_the_callers_own_ids) {
  for (const std::string& text : texts()) {
    EXPECT_EQ(model().classify(model().tokenize(text), 0.0F), model().classify(text, 0.0F));
  }
}

TEST(exit_before_encoder, may_stand_alone) {
  load_options alone;
  alone.exits = {0};
  const classifier chosen = with_ngrams("tiny-i8").load(alone);
  ASSERT_EQ(chosen.exits().size(), 1U);
  EXPECT_LT(chosen.info().weight_bytes, model().info().weight_bytes);
  for (const std::string& text : texts()) {
    const prediction answer = chosen.classify(text, exit_policy::full_depth());
    EXPECT_EQ(answer.stopped, stop_reason::last_exit);
    EXPECT_EQ(answer.probabilities, model().classify(text, 0.0F).probabilities);
  }
}

TEST(exit_before_encoder, answers_even_when_late) {
  const exit_policy late = exit_policy::full_depth().with_deadline(exit_policy::time_point{});
  for (const prediction& answer : model().classify_batch(texts(), late)) {
    EXPECT_EQ(answer.layer, 0);
    EXPECT_EQ(answer.stopped, stop_reason::deadline);
  }
}

TEST(exit_before_encoder, is_audited) {
  const offramp::drift_audit audit(1.0, 7);
  const exit_policy policy = exit_policy(0.0F).audited_by(audit);
  for (const std::string& text : texts()) {
    EXPECT_EQ(model().classify(text, policy).layer, 0);
  }
  const offramp::drift_counts counts = audit.counts();
  ASSERT_FALSE(counts.layers.empty());
  EXPECT_EQ(counts.layers.front().layer, 0);
}

TEST(exit_before_encoder, keeps_the_texts_of_a_pair_apart) {
  const classifier pairs = with_ngrams("tiny-pair").load();
  const auto answer = [&](const sentence_pair& pair) { return pairs.classify(pair, 0.0F).probabilities; };
  EXPECT_NE(answer({"the quick fox", "lazy dog"}), answer({"lazy dog", "the quick fox"}));
}

/// The model with 8 tokens for the encoder and `longest` for the exit before it.
classifier with_few_tokens(int longest) {
  offramp_tests::model_in_memory files = with_ngrams("tiny-i8");
  nlohmann::json exits = nlohmann::json::parse(files.files.at("exits.json"));
  exits["max_tokens"] = 8;
  exits["exits"][0]["ngrams"]["max_tokens"] = longest;
  files.files["exits.json"] = exits.dump();
  return files.load();
}

TEST(exit_before_encoder, may_read_on_where_the_encoder_stops) {
  const classifier reads_on = with_few_tokens(12);
  const classifier stops = with_few_tokens(8);
  const std::vector<std::string> several = {"the quick fox jumps over the lazy dog runs the fox", "the quick fox",
                                            "the quick fox jumps over the dog the dog the dog the dog", "",
                                            "a b c d e f g h i j k l m n o p"};
  const auto batch = reads_on.classify_batch(several, exit_policy(0.0F));
  for (std::size_t i = 0; i < several.size(); ++i) {
    SCOPED_TRACE(several[i]);
    const std::vector<exit_output> found = reads_on.classify_every_exit(several[i]);
    const std::vector<exit_output> short_sighted = stops.classify_every_exit(several[i]);
    load_options twelve;
    twelve.max_tokens = 12;
    EXPECT_EQ(found.front().logits, with_ngrams("tiny-i8").load(twelve).classify_every_exit(several[i]).front().logits)
        << "as if the encoder read as many";
    EXPECT_EQ(found.front().logits == short_sighted.front().logits, !reads_on.tokenize(several[i]).truncated);
    for (std::size_t j = 1; j < found.size(); ++j) {
      EXPECT_EQ(found[j], short_sighted[j]);
    }
    EXPECT_EQ(batch[i], reads_on.classify(several[i], 0.0F));
    EXPECT_EQ(batch[i], reads_on.classify(reads_on.tokenize(several[i]), 0.0F));
    EXPECT_LE(batch[i].tokens, 8);
  }
  EXPECT_EQ(reads_on.tokenize(several[2]).cut_ids.size(), 4U);
  EXPECT_TRUE(reads_on.tokenize("fox").cut_ids.empty());
  EXPECT_TRUE(stops.tokenize(several[2]).cut_ids.empty());
  EXPECT_TRUE(reads_on.tokenize(sentence_pair{several[0], several[2]}).cut_ids.empty());
  offramp::encoding strange = reads_on.tokenize(several[2]);
  strange.cut_ids.back() = 1 << 20;
  offramp_tests::expect_refusal([&] { (void)reads_on.classify(strange, 0.0F); }, error_kind::invalid_argument,
                                {"token id 1048576"});
}

TEST(exit_before_encoder, is_refused_where_its_files_contradict) {
  const auto expect_refused = [](const char* pointer, const nlohmann::json& value, const char* part) {
    offramp_tests::model_in_memory damaged = with_ngrams("tiny-i8");
    nlohmann::json exits = nlohmann::json::parse(damaged.files.at("exits.json"));
    exits[nlohmann::json::json_pointer(pointer)] = value;
    damaged.files["exits.json"] = exits.dump();
    offramp_tests::expect_refusal([&] { (void)damaged.load(); }, error_kind::bad_model, {part});
  };
  expect_refused("/exits/0/ngrams", nullptr, "ngrams");
  expect_refused("/exits/0/ngrams/longest", 0, "longest");
  expect_refused("/exits/0/ngrams/longest", 9, "longest");
  expect_refused("/exits/0/ngrams/bucket_bits", 25, "bucket_bits");
  expect_refused("/exits/0/ngrams/max_tokens", 0, "max_tokens");
  expect_refused("/exits/0/ngrams/max_tokens", 65537, "max_tokens");
  expect_refused("/exits/0/ngrams/bucket_bits", 11, "exits.0.classifier.weight");
  expect_refused("/exits/0/pooling", "cls", "pooling");
  expect_refused("/exits/1/ngrams", {{"longest", 2}, {"bucket_bits", 10}}, "ngrams");
  expect_refused("/exits/0/layer", -1, "layer");
}

}  // namespace exit_before_encoder_test
