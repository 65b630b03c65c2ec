// SPDX-License-Identifier: Apache-2.0
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>
#include <offramp/study/certification.hpp>

#include <limits>
#include <string>
#include <vector>

namespace cli_certify_test {

using namespace offramp_tests;
using offramp_cli::json;

/// Sixty different texts over the tiny vocabulary, labelled in turn; other ones for another first word.
std::string labelled_texts(const std::string& first = "a") {
  const std::vector<std::string> words = {"a", "good", "film", "the", "plot", "is", "dull", "never", "bad", "dogs"};
  std::string lines;
  for (std::size_t i = 0; i < 60; ++i) {
    lines += (i % 2 == 0 ? "yes\t" : "no\t") + first + " " + words[i / 10] + " " + words[i % 10] + " ";
    for (std::size_t word = 0; word < 3 + i % 5; ++word) {
      lines += words[(i * 7 + word * (3 + i % 4)) % words.size()] + " ";
    }
    lines += "\n";
  }
  return lines;
}

json first_line(const process_result& result) { return json::parse(result.out); }

class CertifyTest : public ::testing::Test {
 protected:
  scratch_directory directory_;
  std::string model_ = directory_.copy_of("tiny");
  std::string data_ = directory_.file("data.tsv", labelled_texts());
};

TEST_F(CertifyTest, StoresAPolicyThatClassifyUses) {
  const process_result found =
      run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3", "--delta", "0.1", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const json line = first_line(found);
  EXPECT_EQ(line["n"], 60);
  const auto threshold = line["certified"]["threshold"].get<float>();
  ASSERT_LE(threshold, 1.0F);
  EXPECT_LE(line["certified"]["bound"].get<float>(), 0.3F);

  const auto model = offramp::classifier::load(model_);
  EXPECT_EQ(model.certified(0.3), offramp::exit_policy(threshold));
  EXPECT_EQ(model.certified(0.5), offramp::exit_policy(threshold));
  EXPECT_EQ(model.certified(0.3, offramp::certified_loss::error), std::nullopt);
  EXPECT_EQ(model.certified(0.05), offramp::exit_policy(0.85F)) << "the certificate that was there is kept";
  EXPECT_EQ(model.certified(0.01), std::nullopt);

  // The observed risk is that of the command itself.
  int disagreements = 0;
  double layers = 0;
  std::string texts;
  for (const std::string& labelled : lines_of(labelled_texts())) {
    texts += labelled.substr(labelled.find('\t') + 1) + "\n";
  }
  const auto early = lines_of(run_offramp({"classify", "--model", model_, "--certified", "0.3", "--json"}, texts).out);
  const auto full = lines_of(run_offramp({"classify", "--model", model_, "--full-depth", "--json"}, texts).out);
  ASSERT_EQ(early.size(), 60U);
  for (std::size_t i = 0; i < early.size(); ++i) {
    disagreements += json::parse(early[i])["label"] != json::parse(full[i])["label"] ? 1 : 0;
    layers += json::parse(early[i])["layer"].get<int>();
  }
  EXPECT_EQ(line["certified"]["losses"], disagreements);
  EXPECT_FLOAT_EQ(line["certified"]["mean_layer"].get<float>(), static_cast<float>(layers / 60));

  const json inspected = json::parse(run_offramp({"inspect", "--json", model_}).out);
  ASSERT_EQ(inspected["certificates"].size(), 2U);
  EXPECT_EQ(inspected["certificates"][1]["n"], 60);
}

/// The same texts without their labels.
std::string texts_alone() {
  std::string texts;
  for (const std::string& labelled : lines_of(labelled_texts())) {
    texts += labelled.substr(labelled.find('\t') + 1) + "\n";
  }
  return texts;
}

TEST_F(CertifyTest, DisagreementNeedsNoLabels) {
  const std::string texts = directory_.file("texts.txt", texts_alone());
  const process_result found =
      run_offramp({"certify", "--model", model_, "--texts", texts, "--epsilon", "0.3", "--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  const std::string other = directory_.path() / "other";
  std::filesystem::copy(tiny("tiny"), other);
  EXPECT_EQ(found.out, run_offramp({"certify", "--model", other, "--data", data_, "--epsilon", "0.3", "--json"}).out);
  for (const char* loss : {"accuracy-drop", "error"}) {
    const process_result refused =
        run_offramp({"certify", "--model", model_, "--texts", texts, "--epsilon", "0.3", "--loss", loss});
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.err.find("the texts have no labels"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(run_offramp({"certify", "--model", model_, "--epsilon", "0.3"}).status, 2);
  EXPECT_EQ(run_offramp({"certify", "--model", model_, "--texts", texts, "--data", data_, "--epsilon", "0.3"}).status,
            2);
}

TEST_F(CertifyTest, RefusesNoPromiseBeforeItNotesTexts) {
  const std::string before = directory_.content("tiny/exits.json");
  const std::string shaping = directory_.file("shape.tsv", labelled_texts("good"));
  const std::string texts = directory_.file("texts.txt", texts_alone());
  for (const arguments& mistake :
       {arguments{"--data", data_, "--epsilon", "2", "--conditional"},
        {"--data", data_, "--epsilon", "0.3", "--epsilon", "1e-13"},
        {"--data", data_, "--epsilon", "0.3", "--delta", "5", "--thresholds", "per-exit", "--shape-data", shaping},
        {"--texts", texts, "--epsilon", "0.3", "--conditional", "--loss", "error"}}) {
    arguments given = {"certify", "--model", model_};
    given.insert(given.end(), mistake.begin(), mistake.end());
    const process_result found = run_offramp(given);
    EXPECT_EQ(found.status, 2) << found.err;
    EXPECT_EQ(found.out, "");
    EXPECT_FALSE(std::filesystem::exists(model_ + "/exits.texts.safetensors")) << found.err;
  }
  EXPECT_EQ(directory_.content("tiny/exits.json"), before);
}

TEST_F(CertifyTest, StoresThePromisesOfAnyDelta) {
  for (const char* delta : {"1e-100", "0.9999999999"}) {
    const process_result found = run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3",
                                              "--delta", delta, "--loss", "accuracy-drop", "--json"});
    EXPECT_EQ(found.status, 0) << found.err;
    EXPECT_TRUE(offramp::classifier::load(model_).certified(0.3, offramp::certified_loss::accuracy_drop));
  }
}

TEST_F(CertifyTest, RepeatsByteForByteOnAnyNumberOfThreads) {
  const auto run = [&](const char* threads) {
    std::filesystem::remove_all(model_);
    static_cast<void>(directory_.copy_of("tiny"));
    const process_result found =
        run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3", "--threads", threads});
    EXPECT_EQ(found.status, 0);
    return found.out + directory_.content("tiny/exits.json") + directory_.content("tiny/exits.texts.safetensors");
  };
  const std::string once = run("1");
  EXPECT_EQ(run("1"), once);
  EXPECT_EQ(run("3"), once);
}

TEST_F(CertifyTest, OtherTextsShapeThresholdsPerExitAndLabel) {
  const std::string shaping = directory_.file("shape.tsv", labelled_texts("good"));
  for (const char* thresholds : {"per-exit", "per-label"}) {
    const process_result found = run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3",
                                              "--thresholds", thresholds, "--shape-data", shaping, "--json"});
    ASSERT_EQ(found.status, 0) << found.err;
    EXPECT_EQ(first_line(found)["certified"]["thresholds"].size(), thresholds == std::string("per-exit") ? 1U : 3U);
  }
  EXPECT_EQ(run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3", "--thresholds", "per-exit",
                         "--shape-data", data_})
                .status,
            2);
  EXPECT_EQ(run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3", "--thresholds", "per-exit"})
                .status,
            2);
  EXPECT_EQ(
      run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3", "--shape-data", shaping}).status,
      2);
}

TEST_F(CertifyTest, StoresADecliningThreshold) {
  const process_result found = run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.3", "--rule",
                                            "declining", "--decline", "0.125", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const json certified = first_line(found)["certified"];
  EXPECT_EQ(certified["rule"], "declining");
  EXPECT_EQ(certified["decline"], 0.125);
  const offramp::classifier model = offramp::classifier::load(model_);
  EXPECT_EQ(model.certified(0.3, offramp::certified_loss::disagreement),
            offramp::exit_policy::declining(certified["threshold"].get<float>(), 0.125F));
  for (const std::vector<std::string>& mistake : std::vector<std::vector<std::string>>{
           {"--rule", "declining"}, {"--decline", "0.1"}, {"--rule", "declining", "--decline", "1.5"}}) {
    std::vector<std::string> arguments = {"certify", "--model", model_, "--data", data_, "--epsilon", "0.3"};
    arguments.insert(arguments.end(), mistake.begin(), mistake.end());
    EXPECT_EQ(run_offramp(arguments).status, 2) << mistake.back();
  }
}

TEST_F(CertifyTest, StoresAPromiseForEveryExit) {
  const process_result found = run_offramp(
      {"certify", "--model", model_, "--data", data_, "--epsilon", "0.5", "--delta", "0.4", "--conditional", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const json line = first_line(found);
  EXPECT_EQ(line["scope"], "every-exit");
  ASSERT_EQ(line["depths"].size(), 3U);
  EXPECT_NEAR(line["n"].get<double>(), 30, 15) << "the other half chose the thresholds";
  EXPECT_EQ(line["depths"][2]["texts"], line["n"]);
  const auto model = offramp::classifier::load(model_);
  const auto stored = model.certified(0.5, offramp::certified_loss::disagreement, offramp::certified_scope::every_exit);
  ASSERT_TRUE(stored);
  EXPECT_EQ(model.certified(0.5), offramp::exit_policy(0.85F)) << "the overall one is another";
  EXPECT_EQ(json::parse(run_offramp({"inspect", "--json", model_}).out)["certificates"][1]["scope"], "every-exit");
  const process_result used =
      run_offramp({"classify", "--model", model_, "--certified", "0.5", "--conditional", "--json", "good"});
  EXPECT_EQ(used.status, 0) << used.err;
  EXPECT_EQ(json::parse(used.out)["layer"], model.classify("good", *stored).layer);
  EXPECT_EQ(run_offramp({"classify", "--model", model_, "--conditional", "good"}).status, 2);
  const process_result with_others =
      run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.5", "--delta", "0.4", "--conditional",
                   "--shape-data", directory_.file("shape.tsv", labelled_texts("good")), "--json"});
  ASSERT_EQ(with_others.status, 0) << with_others.err;
  EXPECT_EQ(first_line(with_others)["n"], 60);
  for (const arguments& mistake : {arguments{"--thresholds", "per-exit"}, arguments{"--rule", "learned"}}) {
    arguments given = {"certify", "--model", model_, "--data", data_, "--epsilon", "0.5", "--conditional"};
    given.insert(given.end(), mistake.begin(), mistake.end());
    EXPECT_EQ(run_offramp(given).status, 2);
  }
}

TEST_F(CertifyTest, BecomesTheModelsOwnPolicyWhereAsked) {
  const auto certify = [&](const arguments& more) {
    arguments given = {"certify", "--model", model_, "--data", data_, "--epsilon", "0.5", "--delta", "0.4"};
    given.insert(given.end(), more.begin(), more.end());
    return run_offramp(given);
  };
  const offramp::exit_policy before = offramp::classifier::load(model_).default_policy();
  EXPECT_EQ(certify({}).status, 0);
  EXPECT_EQ(offramp::classifier::load(model_).default_policy(), before);
  for (const arguments& kind : {arguments{"--as-default"}, arguments{"--as-default", "--conditional"}}) {
    const process_result found = certify(kind);
    ASSERT_EQ(found.status, 0) << found.err;
    const auto model = offramp::classifier::load(model_, {.format = offramp::numeric_format::int8});
    const auto scope = kind.size() == 1 ? offramp::certified_scope::overall : offramp::certified_scope::every_exit;
    const auto certified =
        offramp::classifier::load(model_).certified(0.5, offramp::certified_loss::disagreement, scope);
    ASSERT_TRUE(certified);
    EXPECT_EQ(model.default_policy(), *certified);
  }

  const std::string content = directory_.content("tiny/exits.json");
  EXPECT_EQ(certify({"--as-default", "--exits", "2"}).status, 2);
  EXPECT_EQ(directory_.content("tiny/exits.json"), content);
  const auto of_some_exits = offramp::classifier::load(model_, {.exits = std::vector{2}});
  EXPECT_THROW(offramp::study::store_default_policy(model_, of_some_exits, offramp::exit_policy(0.9F)), offramp::error);
  EXPECT_EQ(directory_.content("tiny/exits.json"), content);

  const float infinity = std::numeric_limits<float>::infinity();
  const auto whole = offramp::classifier::load(model_);
  for (const auto& policy :
       {offramp::exit_policy::full_depth(), offramp::exit_policy::per_exit({infinity, -infinity, 0.9F}),
        offramp::exit_policy::per_class({{infinity, 0.5F}, {-infinity, infinity}, {0.9F, 0.9F}}),
        offramp::exit_policy::margin(infinity), offramp::exit_policy::entropy(infinity)}) {
    offramp::study::store_default_policy(model_, whole, policy);
    const auto stored = offramp::classifier::load(model_);
    for (const char* text : {"", "a good film", "the plot is dull"}) {
      EXPECT_EQ(stored.classify(text), whole.classify(text, policy)) << "infinite thresholds are stored as finite ones";
    }
  }

  const std::string plain = directory_.copy_of("tiny-plain");
  EXPECT_THROW(
      offramp::study::store_default_policy(plain, offramp::classifier::load(plain), offramp::exit_policy(0.9F)),
      offramp::error)
      << "one text or two?";
  EXPECT_FALSE(std::filesystem::exists(plain + "/exits.json"));
}

TEST_F(CertifyTest, SeveralPromisesAreThoseOfACallEach) {
  for (const arguments& kind :
       {arguments{}, arguments{"--rule", "declining", "--decline", "0.1"}, arguments{"--conditional"}}) {
    const scratch_directory together;
    const scratch_directory apart;
    const auto certify = [&](const std::string& model, const arguments& epsilons) {
      arguments given = {"certify", "--model", model, "--data", data_, "--delta", "0.4", "--json"};
      given.insert(given.end(), kind.begin(), kind.end());
      given.insert(given.end(), epsilons.begin(), epsilons.end());
      return run_offramp(given);
    };
    const process_result found = certify(together.copy_of("tiny"), {"--epsilon", "0.5", "--epsilon", "0.3"});
    ASSERT_EQ(found.status, 0) << found.err;
    const std::string other = apart.copy_of("tiny");
    const std::string first = certify(other, {"--epsilon", "0.5"}).out;
    EXPECT_EQ(found.out, first + certify(other, {"--epsilon", "0.3"}).out);
    EXPECT_EQ(together.content("tiny/exits.json"), apart.content("tiny/exits.json"));
  }
}

TEST_F(CertifyTest, APromiseThatFailsKeepsNoOtherBack) {
  const auto certified = [&](double epsilon) {
    return offramp::classifier::load(model_).certified(epsilon, offramp::certified_loss::error);
  };
  const process_result found = run_offramp(
      {"certify", "--model", model_, "--data", data_, "--epsilon", "0.001", "--epsilon", "0.9", "--loss", "error"});
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.err.find("--epsilon 0.001,"), std::string::npos) << found.err;
  EXPECT_TRUE(certified(0.9));
  EXPECT_FALSE(certified(0.001));
  EXPECT_EQ(run_offramp(
                {"certify", "--model", model_, "--data", data_, "--epsilon", "0.8", "--epsilon", "0.9", "--as-default"})
                .status,
            2);
}

TEST_F(CertifyTest, AFailedErrorBoundChangesNothing) {
  const std::string before = directory_.content("tiny/exits.json");
  const process_result found =
      run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.001", "--loss", "error"});
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.out.find("failed"), std::string::npos);
  EXPECT_NE(found.out.find("risk"), std::string::npos);
  EXPECT_NE(found.err.find("no threshold is certified"), std::string::npos);
  EXPECT_EQ(directory_.content("tiny/exits.json"), before);
}

TEST_F(CertifyTest, BadDataHasFileAndLine) {
  const std::string bad = directory_.file("bad.tsv", "yes\tgood\nmaybe\tbad\n");
  const process_result found = run_offramp({"certify", "--model", model_, "--data", bad, "--epsilon", "0.3"});
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.err.find("bad.tsv:2: label \"maybe\""), std::string::npos);
  EXPECT_EQ(run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "1.5"}).status, 2);
  EXPECT_EQ(run_offramp({"classify", "--model", model_, "--certified", "0.001", "good"}).status, 1);
}

}  // namespace cli_certify_test
