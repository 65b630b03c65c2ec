// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/exits/reader.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace exits_file_test {

using nlohmann::json;
using offramp::error_kind;
using offramp::model::config;
using offramp::model::exits_file;
using offramp_tests::expect_error;
using offramp_tests::memory_model;

constexpr auto bad = error_kind::bad_model;

const std::string tensors = "not looked into here";

config encoder() {
  config result;
  result.num_layers = 4;
  result.max_positions = 32;
  result.num_labels = 2;
  result.labels = {"no", "yes"};
  result.labels_are_default = false;
  return result;
}

/// A file that uses every field.
json valid() {
  const std::string digest(64, 'a');
  json document = json::parse(R"({"format": 1, "labels": ["no", "yes"], "input": "single", "pretokenizer": "whitespace",
      "max_tokens": 16,
      "exits": [{"layer": 2, "pooling": "mean", "pooler": "shared", "mix": true, "previous_logits": false,
                 "temperature": {"float32": 1.5, "bfloat16": 2, "int8": 0.001}},
                {"layer": 4, "pooler": "own", "previous_logits": true}],
      "default_policy": {"rule": "per_class", "thresholds": [[0.9, 0.8], [1, 2]], "max_layer": 3},
      "calibration": {"float32": {"n": 300, "exits": [
          {"nll_before": 0.7, "nll_after": 0.6, "ece_before": 0.1, "ece_after": 0.05},
          {"nll_before": 0.5, "nll_after": 0.4, "ece_before": 0.2, "ece_after": 0.01}]}},
      "certificates": [{"numeric_format": "int8", "loss": "accuracy-drop", "epsilon": 0.01, "delta": 0.05, "n": 5000,
                        "max_tokens": 16, "exits": [4], "policy": {"rule": "confidence", "threshold": 0.85}}],
      "golden": [{"text": "a", "logits": [[1, -1], [2.5, -2]]}]})");
  document["exits_sha256"] = offramp::model::sha256_hex(offramp_tests::memory_file("t", tensors));
  document["calibration"]["float32"]["data_sha256"] = digest;
  document["certificates"][0]["data_sha256"] = digest;
  return document;
}

exits_file read(const std::string& content) {
  const memory_model model{{"exits.json", content}, {"exits.safetensors", tensors}};
  return offramp::model::read_exits_file(model.set(), encoder()).value();
}

/// `valid` with the value at a JSON pointer replaced; "remove" as value removes it.
std::string changed(const std::string& pointer, const std::string& value) {
  json document = valid();
  const json::json_pointer place(pointer);
  if (value == "remove") {
    document[place.parent_pointer()].erase(place.back());
  } else {
    document[place] = json::parse(value);
  }
  return document.dump();
}

TEST(exits_file, reads_every_field) {
  const exits_file found = read(valid().dump());
  EXPECT_EQ(found.labels, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(found.pretokenizer, offramp::text::pretokenizer::whitespace);
  EXPECT_EQ(found.max_tokens, 16);
  ASSERT_EQ(found.exits.size(), 2U);
  EXPECT_EQ(found.exits[0].pooling, offramp::model::pooling::mean);
  EXPECT_TRUE(found.exits[0].mix);
  EXPECT_EQ(found.exits[0].temperature.bfloat16, 2.0F);
  EXPECT_EQ(found.exits[1].pooling, offramp::model::pooling::cls);
  EXPECT_TRUE(found.exits[1].previous_logits);
  EXPECT_FALSE(found.exits[1].temperature.float32);
  EXPECT_EQ(found.default_policy->class_thresholds[1][1], 2.0F);
  EXPECT_EQ(found.default_policy->max_layer, 3);
  EXPECT_EQ(found.calibration.at(0).exits[1].nll_after, 0.4F);
  EXPECT_EQ(found.certificates.at(0).exit_layers, std::vector<int>{4});
  EXPECT_EQ(found.certificates.at(0).epsilon, 0.01);
  EXPECT_EQ(found.certificates.at(0).scope, offramp::certified_scope::overall) << "files of before have none";
  EXPECT_EQ(found.certificates.at(0).looks, 1);
  EXPECT_EQ(found.golden.at(0).logits[1][0], 2.5F);
}

TEST(exits_file, needs_little) {
  json document = valid();
  for (const char* field : {"pretokenizer", "max_tokens", "default_policy", "calibration", "certificates", "golden"}) {
    document.erase(field);
  }
  document["exits"] = {{{"layer", 1}}};
  const exits_file found = read(document.dump());
  EXPECT_FALSE(found.max_tokens);
  EXPECT_FALSE(found.default_policy);
  EXPECT_TRUE(found.golden.empty());
}

TEST(exits_file, may_speak_of_a_gate) {
  EXPECT_FALSE(read(valid().dump()).has_gate);
  EXPECT_FALSE(read(changed("/gate", "false")).has_gate);
  json document = valid();
  document["gate"] = true;
  document["default_policy"] = {{"rule", "learned"}, {"threshold", 0.5}};
  document["certificates"][0]["policy"] = document["default_policy"];
  const exits_file found = read(document.dump());
  EXPECT_TRUE(found.has_gate);
  EXPECT_EQ(found.certificates.at(0).policy.rule, offramp::model::policy_rule::learned);
}

TEST(exits_file, may_let_exits_hear_the_one_before_the_encoder) {
  json document = valid();
  for (const char* field : {"default_policy", "calibration", "certificates", "golden"}) {
    document.erase(field);
  }
  document["exits"] = json::parse(R"([{"layer": 0, "ngrams": {"longest": 2, "bucket_bits": 10}},
                                      {"layer": 1, "ngram_weight": 0.25}, {"layer": 2}])");
  const exits_file found = read(document.dump());
  EXPECT_EQ(found.exits[1].ngram_weight, 0.25F);
  EXPECT_EQ(found.exits[2].ngram_weight, 0.0F);
  document["exits"][2]["previous_logits"] = true;
  expect_error(bad, {"exits[1].ngram_weight", "because an exit has previous_logits"},
               [&] { (void)read(document.dump()); });
}

TEST(exits_file, stands_beside_its_tensors) {
  EXPECT_FALSE(offramp::model::read_exits_file(memory_model{}.set(), encoder()));
  const memory_model no_tensors{{"exits.json", valid().dump()}};
  expect_error(error_kind::io, {"exits.safetensors: no such file"},
               [&] { (void)offramp::model::read_exits_file(no_tensors.set(), encoder()); });
  const memory_model no_description{{"exits.safetensors", tensors}};
  expect_error(error_kind::io, {"exits.json: no such file"},
               [&] { (void)offramp::model::read_exits_file(no_description.set(), encoder()); });
  const memory_model other{{"exits.json", valid().dump()}, {"exits.safetensors", tensors + "!"}};
  expect_error(bad, {"exits.safetensors: has the SHA-256", "as exits.json says"},
               [&] { (void)offramp::model::read_exits_file(other.set(), encoder()); });
}

TEST(exits_file, is_of_this_version) {
  expect_error(error_kind::unsupported, {"format is 2, expected 1"}, [] { (void)read(changed("/format", "2")); });
}

struct hostile {
  std::string pointer;
  std::string value;
  std::string message;  ///< a part of it
};

const std::vector<hostile>& hostile_values() {
  static const std::vector<hostile> table = {
      {"/format", "0", "format"},
      {"/format", "1.0", "format"},
      {"/format", "remove", "\"format\" is missing"},
      {"/exits_sha256", "remove", "\"exits_sha256\" is missing"},
      {"/exits_sha256", "\"abc\"", "64 lower-case hexadecimal digits"},
      {"/exits_sha256", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"", "64 lower-case"},
      {"/labels", "remove", "\"labels\" is missing"},
      {"/labels", "[\"yes\", \"no\"]", "expected the labels of config.json's id2label"},
      {"/labels", "[\"no\"]", "labels"},
      {"/labels", "[\"no\", \"no\"]", "labels[1]"},
      {"/labels", "[\"no\", \"\"]", "labels[1]"},
      {"/labels", "[\"no\", 1]", "labels[1] is 1"},
      {"/labels", "{\"0\": \"no\"}", "expected an array"},
      {"/input", "remove", "\"input\" is missing"},
      {"/input", "\"triple\"", "expected single or pair"},
      {"/pretokenizer", "\"bpe\"", "expected bert or whitespace"},
      {"/max_tokens", "3", "an integer from 4 to 32"},
      {"/max_tokens", "33", "an integer from 4 to 32"},
      {"/max_tokens", "16.0", "max_tokens"},
      {"/exits", "remove", "\"exits\" is missing"},
      {"/exits", "[]", "an array of 1 to 5"},
      {"/exits/0/layer", "-1", "exits[0].layer"},
      {"/exits/0/layer", "0", "exits[0]: field \"ngrams\" is missing"},
      {"/exits/0/layer", "4", "exits[1].layer is 4, expected an integer from 5"},
      {"/exits/1/layer", "5", "exits[1].layer"},
      {"/exits/1/layer", "1", "exits[1].layer is 1, expected an integer from 3"},
      {"/exits/1/layer", "remove", "exits[1]: field \"layer\" is missing"},
      {"/exits/0/pooling", "\"max\"", "expected cls or mean"},
      {"/exits/0/pooler", "\"both\"", "expected none or shared or own"},
      {"/exits/0/pooler", "\"own\"", "exits[0].mix is true, expected false"},
      {"/exits/0/pooler_norm", "true", "exits[0].pooler_norm is true, expected false"},
      {"/exits/0/mix", "1", "exits[0].mix is 1"},
      {"/exits/1", R"({"layer": 4, "mix": true})", "exits[1].mix is true, expected false"},
      {"/exits/1", R"({"layer": 4, "pooling": "mean", "pooler": "shared", "pooler_activation": "relu", "mix": true})",
       "exits[1].mix is true, expected false, because an earlier exit mixes with another"},
      {"/exits/0/previous_logits", "\"yes\"", "previous_logits"},
      {"/exits/0/ngram_weight", "0.5", "exits[0].ngram_weight is 0.5, expected 0, because no exit stands on layer 0"},
      {"/exits/0/ngram_weight", "-0.5", "a number from 0.0 to 1000.0"},
      {"/exits/0/ngram_weight", "1001", "a number from 0.0 to 1000.0"},
      {"/exits/0", R"({"layer": 0, "ngrams": {"longest": 2, "bucket_bits": 10}, "ngram_weight": 0})",
       "\"ngram_weight\" is not known"},
      {"/exits/0/temperature", "1.5", "expected an object"},
      {"/exits/0/temperature/float32", "0", "a number from 0.001 to 1000"},
      {"/exits/0/temperature/float32", "-1", "a number from 0.001 to 1000"},
      {"/exits/0/temperature/float32", "1000.5", "a number from 0.001 to 1000"},
      {"/exits/0/temperature/float32", "1e999", "JSON"},
      {"/exits/0/temperature/float32", "\"1\"", "temperature.float32"},
      {"/exits/0/temperature/float16", "1", "\"float16\" is not known"},
      {"/exits/0/poling", "\"cls\"", "exits[0]: field \"poling\" is not known"},
      {"/gate", "1", "gate is 1, expected"},
      {"/gate", "\"gate\"", "gate is \"gate\""},
      {"/exits/0/gate", "true", "exits[0]: field \"gate\" is not known"},
      {"/certificates/0/policy", R"({"rule": "learned", "threshold": 0.5})", "because the model has no gate"},
      {"/policy", "{}", "\"policy\" is not known"},
      {"/default_policy/rule", "remove", "\"rule\" is missing"},
      {"/default_policy/rule", "\"guess\"", "expected confidence or declining or per_exit"},
      {"/default_policy", R"({"rule": "learned", "threshold": 0.5})", "because the model has no gate"},
      {"/default_policy", R"({"rule": "confidence"})", "\"threshold\" is missing"},
      {"/default_policy", R"({"rule": "confidence", "threshold": "0.9"})", "default_policy.threshold"},
      {"/default_policy", R"({"rule": "confidence", "threshold": 1e40})", "default_policy.threshold"},
      {"/default_policy", R"({"rule": "confidence", "threshold": 0.9, "patience": 1})", "\"patience\" is not known"},
      {"/default_policy", R"({"rule": "declining", "threshold": 0.9})", "\"decline\" is missing"},
      {"/default_policy", R"({"rule": "declining", "threshold": 0.9, "decline": -0.1})", "default_policy.decline"},
      {"/default_policy", R"({"rule": "declining", "threshold": 0.9, "decline": 1.5})", "default_policy.decline"},
      {"/default_policy", R"({"rule": "declining", "decline": 0.1})", "\"threshold\" is missing"},
      {"/default_policy", R"({"rule": "confidence", "threshold": 0.9, "decline": 0.1})", "\"decline\" is not known"},
      {"/default_policy", R"({"rule": "per_exit", "thresholds": [0.9]})", "an array of 2 elements"},
      {"/default_policy", R"({"rule": "per_exit", "thresholds": [0.9, null]})", "thresholds[1]"},
      {"/default_policy/thresholds/1", "[0.9]", "thresholds[1]"},
      {"/default_policy/thresholds", "[[0.9, 0.8]]", "an array of 2 elements"},
      {"/default_policy", R"({"rule": "patience", "patience": -1})", "patience"},
      {"/default_policy", R"({"rule": "patience_entropy", "threshold": 0.5, "patience": 0})", "patience"},
      {"/default_policy", R"({"rule": "patience_entropy", "patience": 2})", "\"threshold\" is missing"},
      {"/default_policy/max_layer", "1", "an integer from 2 to 4"},
      {"/default_policy/max_layer", "5", "an integer from 2 to 4"},
      {"/calibration/float64", "{}", "\"float64\" is not known"},
      {"/calibration/float32/n", "0", "calibration.float32.n"},
      {"/calibration/float32/data_sha256", "remove", "\"data_sha256\" is missing"},
      {"/calibration/float32/exits", "[]", "calibration.float32.exits"},
      {"/calibration/float32/exits/0/ece_after", "1.5", "ece_after"},
      {"/calibration/float32/exits/1/nll_before", "-0.1", "nll_before"},
      {"/certificates", "{}", "certificates"},
      {"/certificates/0/numeric_format", "\"fp8\"", "expected float32 or bfloat16 or int8"},
      {"/certificates/0/loss", "\"f1\"", "expected disagreement or accuracy-drop or error"},
      {"/certificates/0/epsilon", "0", "both excluded"},
      {"/certificates/0/delta", "1", "both excluded"},
      {"/certificates/0/delta", "1.5", "a number from"},
      {"/certificates/0/n", "0", "certificates[0].n"},
      {"/certificates/0/looks", "0", "certificates[0].looks"},
      {"/certificates/0/scope", "\"first\"", "expected overall or every-exit"},
      {"/certificates/0/data_sha256", "\"x\"", "certificates[0].data_sha256"},
      {"/certificates/0/exits", "[3]", "expected the layer of an exit"},
      {"/certificates/0/exits", "[4, 2]", "certificates[0].exits[1]"},
      {"/certificates/0/exits", "[]", "certificates[0].exits"},
      {"/certificates/0/policy", R"({"rule": "per_exit", "thresholds": [0.9, 0.8]})", "an array of 1 elements"},
      {"/certificates/0/policy", "remove", "\"policy\" is missing"},
      {"/certificates/0/notes", "\"\"", "\"notes\" is not known"},
      {"/golden", "[1]", "golden[0]"},
      {"/golden/0/text", "1", "golden[0].text"},
      {"/golden/0/hypothesis", "\"b\"", "\"hypothesis\" is not known"},
      {"/golden/0/logits", "[[1, -1]]", "golden[0].logits"},
      {"/golden/0/logits/1", "[1, 2, 3]", "golden[0].logits[1]"},
      {"/golden/0/logits/0/1", "null", "golden[0].logits[0][1]"},
  };
  return table;
}

TEST(exits_file, refuses_what_the_format_does_not_allow) {
  for (const hostile& example : hostile_values()) {
    SCOPED_TRACE(example.pointer + " = " + example.value);
    if (example.message == "JSON") {
      std::string content = changed(example.pointer, "123454321");
      content.replace(content.find("123454321"), 9, example.value);
      expect_error(bad, {"exits.json", "JSON"}, [&] { (void)read(content); });
    } else {
      expect_error(bad, {"exits.json", example.message}, [&] { (void)read(changed(example.pointer, example.value)); });
    }
  }
}

TEST(exits_file, may_name_labels_that_the_config_does_not_know) {
  config with_default_labels = encoder();
  with_default_labels.labels = {"LABEL_0", "LABEL_1"};
  with_default_labels.labels_are_default = true;
  const memory_model model{{"exits.json", changed("/labels", "[\"yes\", \"no\"]")}, {"exits.safetensors", tensors}};
  EXPECT_EQ(offramp::model::read_exits_file(model.set(), with_default_labels)->labels[0], "yes");
}

TEST(exits_file, of_pairs_has_golden_pairs) {
  json document = valid();
  document["input"] = "pair";
  expect_error(bad, {"golden[0]: field \"premise\" is missing"}, [&] { (void)read(document.dump()); });
  document["golden"] = json::parse(R"([{"premise": "p", "hypothesis": "h", "logits": [[1, -1], [2, -2]]}])");
  EXPECT_EQ(read(document.dump()).golden[0].second, "h");
}

TEST(exits_file, is_refused_wherever_it_ends_early) {
  const std::string whole = valid().dump();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_error(bad, {"exits.json"}, [&] { (void)read(whole.substr(0, size)); });
  }
}

}  // namespace exits_file_test
