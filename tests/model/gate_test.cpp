// SPDX-License-Identifier: Apache-2.0
// A learned gate in exits.json and exits.safetensors, whole and damaged.
#include <offramp/model/sha256.hpp>
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "golden_texts.hpp"
#include "model_damage.hpp"
#include "tensor_file.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace model_gate_test {

using nlohmann::json;
using offramp::error_kind;
using offramp::exit_policy;
using offramp_tests::damage;
using offramp_tests::expect_damage_found;
using offramp_tests::model_in_memory;
using offramp_tests::tensor_file;

constexpr auto bad = error_kind::bad_model;

/// `change` done to exits.safetensors, whose SHA-256 exits.json then states.
damage change_exits(const std::function<void(tensor_file&)>& change) {
  return [=](model_in_memory& model) {
    tensor_file file(model.files.at("exits.safetensors"));
    change(file);
    model.files["exits.safetensors"] = file.join();
    json document = json::parse(model.files.at("exits.json"));
    document["exits_sha256"] = offramp::model::sha256_hex(model.files.at("exits.safetensors"));
    model.files["exits.json"] = document.dump();
  };
}

damage rename(const std::string& from, const std::string& to) {
  return change_exits([=](tensor_file& file) { file.rename(from, to); });
}

damage reshape(const std::string& tensor, const json& shape) {
  return change_exits([=](tensor_file& file) { file.header.at(tensor).at("shape") = shape; });
}

damage patch(const std::string& change) { return offramp_tests::patch("exits.json", change); }

TEST(gate, is_asked_at_every_exit_but_the_last) {
  const auto model = offramp::classifier::load(offramp_tests::tiny_directory("berxit-exits"));
  EXPECT_EQ(model.default_policy(), exit_policy::learned(0.4F));
  for (const offramp::golden_text& golden : model.golden_texts()) {
    const auto exits = model.classify_every_exit(golden.first);
    for (const float threshold : {0.0F, 0.3F, 0.5F, 2.0F}) {
      std::size_t exit = 0;
      while (exit + 1 < exits.size() && !(exits[exit].uncertainty.value() < threshold)) {
        ++exit;
      }
      EXPECT_EQ(model.classify(golden.first, exit_policy::learned(threshold)).layer, exits[exit].answer.layer);
    }
  }
}

TEST(gate, decides_as_the_systems_own_code) {
  const auto model = offramp::classifier::load(offramp_tests::tiny_directory("berxit-exits"));
  const auto directory = offramp_tests::tiny_directory("published-berxit");
  const json document = json::parse(offramp_tests::read_file(directory / "golden.json"));
  int asked = 0;
  for (const json& decision : document.at("decisions")) {
    if (decision.at("rule") == "learned") {
      const exit_policy policy = exit_policy::learned(decision.at("threshold"));
      for (std::size_t i = 0; i < model.golden_texts().size(); ++i, ++asked) {
        const auto found = model.classify(model.golden_texts()[i].first, policy);
        EXPECT_EQ(json({found.layer, found.label_id}), decision.at("answers").at(i));
      }
    }
  }
  EXPECT_EQ(asked, 3 * 16);
}

TEST(gate, is_refused_by_name) {
  const auto refuse = [](const damage& change, const std::vector<std::string>& parts) {
    expect_damage_found("berxit-exits", change, bad, parts);
  };
  refuse(rename("gate.weight", "x"), {"exits.safetensors", "\"gate.weight\" is missing"});
  refuse(rename("gate.bias", "x"), {"exits.safetensors", "\"gate.bias\" is missing"});
  refuse(reshape("gate.weight", {12, 1}), {"\"gate.weight\"", "[12, 1], expected [1, 12]"});
  refuse(reshape("gate.weight", {12}), {"\"gate.weight\"", "[12], expected [1, 12]"});
  refuse(reshape("gate.bias", {1, 1}), {"\"gate.bias\"", "[1, 1], expected [1]"});
  refuse(change_exits([](tensor_file& file) {
           const std::size_t begin = file.header.at("gate.bias").at("data_offsets").at(0);
           file.data.replace(begin, 4, std::string("\0\0\xc0\x7f", 4));
         }),
         {"\"gate.bias\"", "expected finite values"});
  refuse(patch(R"({"gate": 1})"), {"exits.json", "gate is 1"});
  refuse(patch(R"({"gate": null})"), {"default_policy.rule", "no gate"});
  refuse(patch(R"({"gate": false, "default_policy": null})"), {"exits.json: gate is not true", "\"gate.weight\""});
  refuse(patch(R"({"gate": null, "default_policy": null})"), {"exits.json: gate is not true", "\"gate.weight\""});
}

TEST(gate, that_nobody_speaks_of_is_refused_whatever_its_part) {
  for (const char* part : {"gate.weight", "gate.bias"}) {
    expect_damage_found("tiny", rename("exits.0.classifier.bias", part), bad,
                        {"exits.json: gate is not true", std::string("\"") + part + "\""});
  }
}

TEST(gate, of_a_model_without_one_says_nothing) {
  const auto model = offramp::classifier::load(offramp_tests::tiny_directory("tiny"));
  for (const offramp::exit_output& exit : model.classify_every_exit("good")) {
    EXPECT_FALSE(exit.uncertainty);
  }
}

}  // namespace model_gate_test
