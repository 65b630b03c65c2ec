// SPDX-License-Identifier: Apache-2.0
// inspect, verify, and which model the command takes when none is named.
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>

namespace cli_model_test {

using namespace offramp_tests;
using offramp_cli::json;

const char* const all_models[] = {"tiny", "tiny-pair", "tiny-mix", "tiny-i8", "tiny-sharded", "tiny-plain"};

TEST(help, goes_to_standard_output) {
  for (const arguments& given : {arguments{"--help"}, arguments{"classify", "--help"}, arguments{"tokenize", "--help"},
                                 arguments{"inspect", "--help"}, arguments{"verify", "--help"},
                                 arguments{"calibrate", "--help"}, arguments{"--version"}}) {
    const process_result found = run_offramp(given);
    EXPECT_EQ(found.status, 0);
    EXPECT_NE(found.out, "");
    EXPECT_EQ(found.err, "");
  }
}

TEST(inspect, says_what_the_library_says) {
  for (const char* const name : all_models) {
    const auto model = offramp::classifier::load(tiny(name));
    const process_result found = run_offramp({"inspect", "--json", tiny(name)});
    EXPECT_EQ(found.status, 0);
    EXPECT_EQ(found.err, "");
    const json line = json::parse(found.out);
    EXPECT_EQ(line["labels"], json(model.labels()));
    EXPECT_EQ(line["layers"], model.num_layers());
    EXPECT_EQ(line["max_tokens"], model.max_tokens());
    EXPECT_EQ(line["golden_texts"], model.golden_texts().size());
    EXPECT_EQ(line["warnings"], json(model.info().warnings));
    ASSERT_EQ(line["exits"].size(), model.exits().size());
    for (std::size_t i = 0; i < model.exits().size(); ++i) {
      EXPECT_EQ(line["exits"][i], json({{"layer", model.exits()[i].layer},
                                        {"temperature", model.exits()[i].temperature},
                                        {"ngram_weight", model.exits()[i].ngram_weight}}));
    }
    const process_result plain = run_offramp({"inspect", tiny(name)});
    for (const std::string& label : model.labels()) {
      EXPECT_NE(plain.out.find(label), std::string::npos);
    }
  }
}

TEST(inspect, describes_every_policy) {
  const auto policy_of = [](const char* name) {
    return json::parse(run_offramp({"inspect", "--json", tiny(name)}).out)["default_policy"].get<std::string>();
  };
  EXPECT_EQ(policy_of("tiny"), "confidence >= 0.6");
  EXPECT_EQ(policy_of("tiny-pair"), "confidence, one threshold per exit and label, no deeper than layer 3");
  EXPECT_EQ(policy_of("tiny-mix"), "normalized-entropy <= 0.4");
  EXPECT_EQ(policy_of("tiny-i8"), "patience 1");
  EXPECT_EQ(policy_of("tiny-sharded"), "full depth");
  EXPECT_EQ(policy_of("published-deebert"), "entropy < 0");
  EXPECT_EQ(policy_of("published-berxit"), "learned gate < 0");
}

TEST(verify, accepts_models_that_answer_as_their_makers_say) {
  for (const char* const name : all_models) {
    if (std::string(name) == "tiny-plain") {
      continue;
    }
    const process_result found = run_offramp({"verify", "--json", tiny(name)});
    EXPECT_EQ(found.status, 0);
    EXPECT_EQ(found.err, "");
    EXPECT_EQ(json::parse(found.out)["failed"], 0);
    EXPECT_LT(json::parse(found.out)["largest_difference"].get<float>(), 1e-4F);
    EXPECT_NE(run_offramp({"verify", tiny(name)}).out.find("golden texts agree"), std::string::npos);
  }
}

TEST(verify, allows_the_rounded_formats_their_rounding) {
  for (const char* format : {"bfloat16", "int8"}) {
    const process_result found = run_offramp({"verify", tiny("tiny"), "--format", format});
    EXPECT_EQ(found.status, 0) << format << ": " << found.err;
  }
}

TEST(verify, fails_when_one_golden_text_differs) {
  const scratch_directory directory;
  std::filesystem::copy(tiny("tiny"), directory.path() / "model");
  const auto file = directory.path() / "model" / "exits.json";
  json content = json::parse(std::ifstream(file));
  content["golden"][1]["logits"][2][0] = content["golden"][1]["logits"][2][0].get<float>() + 0.01F;
  std::filesystem::remove(file);
  std::ofstream(file) << content;
  const process_result found = run_offramp({"verify", "--json", directory.path() / "model"});
  EXPECT_EQ(found.status, 1);
  EXPECT_EQ(json::parse(found.out)["failed"], 1);
  EXPECT_NE(found.err.find("golden text 2: "), std::string::npos) << found.err;
}

TEST(default_model, is_the_bundled_one_of_the_source_tree) {
  const process_result found = run_offramp({"inspect", "--json"});
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.out, run_offramp({"inspect", "--json", OFFRAMP_SOURCE_DIR "/models/sentiment-en"}).out);
}

/// A command in bin/ of an install prefix.
class installed_command : public testing::Test {
 protected:
  installed_command() {
    std::filesystem::create_directories(prefix_.path() / "bin");
    std::filesystem::create_directories(models());
    std::filesystem::copy(OFFRAMP_COMMAND, program());
  }

  [[nodiscard]] std::filesystem::path models() const { return prefix_.path() / OFFRAMP_INSTALLED_MODELS; }
  [[nodiscard]] std::filesystem::path program() const { return prefix_.path() / "bin" / "offramp"; }

 private:
  scratch_directory prefix_;
};

TEST_F(installed_command, takes_the_model_installed_beside_it) {
  std::filesystem::copy(tiny("tiny-mix"), models() / "sentiment-en");
  const process_result found = run_program(program(), {"inspect", "--json"});
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.out, run_offramp({"inspect", "--json", tiny("tiny-mix")}).out);
}

TEST_F(installed_command, finds_a_bundled_model_by_its_name) {
  std::filesystem::copy(tiny("tiny-pair"), models() / "other");
  const process_result found = run_program(program(), {"inspect", "--json", "other"});
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.out, run_offramp({"inspect", "--json", tiny("tiny-pair")}).out);
}

TEST(bundled_models, are_the_same_by_name_and_by_path) {
  const process_result found = run_offramp({"inspect", "--json", OFFRAMP_SOURCE_DIR "/models/sentiment-en"});
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.out, run_offramp({"inspect", "--json", "sentiment-en"}).out);
}

TEST(bundled_models, have_certificates_in_every_format) {
  for (const char* format : {"float32", "bfloat16", "int8"}) {
    for (const char* epsilon : {"0.01", "0.02"}) {
      const process_result found = run_offramp(
          {"classify", "--model", "sentiment-en", "--format", format, "--certified", epsilon, "great film"});
      EXPECT_EQ(found.status, 0) << found.err;
      EXPECT_TRUE(found.out.starts_with("positive\t")) << found.out;
    }
  }
}

TEST(bundled_models, are_named_in_the_error_as_they_were_asked_for) {
  const process_result found = run_offramp({"inspect", "sentiment-xx"});
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.err.find("sentiment-xx"), std::string::npos) << found.err;
}

}  // namespace cli_model_test
