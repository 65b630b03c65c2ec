// SPDX-License-Identifier: Apache-2.0
// Models that must not load: each names its file and its fault. Compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_damage.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <unistd.h>

namespace bad_models_test {

namespace fs = std::filesystem;
using nlohmann::json;
using offramp::classifier;
using offramp::error;
using offramp::error_kind;
using offramp::exit_policy;
using offramp_tests::change_tensors;
using offramp_tests::damage;
using offramp_tests::expect_damage_found;
using offramp_tests::expect_refusal;
using offramp_tests::model_in_memory;
using offramp_tests::patch;
using offramp_tests::read_file;
using offramp_tests::rename_tensor;
using offramp_tests::reshape;
using offramp_tests::tensor_file;
using offramp_tests::tiny_directory;

constexpr auto bad = error_kind::bad_model;
constexpr auto unsupported = error_kind::unsupported;

/// Overwrites the second element of an F32 tensor.
damage set_second(const std::string& tensor, float value) {
  return change_tensors([=](tensor_file& file) {
    const auto begin = file.header.at(tensor).at("data_offsets").at(0).get<std::size_t>();
    std::memcpy(file.data.data() + begin + sizeof value, &value, sizeof value);
  });
}

TEST(bad_models, config_json) {
  expect_damage_found("tiny", patch("config.json", R"({"hidden_act": "swish"})"), unsupported, {"hidden_act", "swish"});
  expect_damage_found("tiny", patch("config.json", R"({"model_type": "gpt2"})"), unsupported, {"model_type", "gpt2"});
  expect_damage_found("tiny", patch("config.json", R"({"vocab_size": 85})"), bad,
                      {"vocab_size is 85, expected at least"});
  expect_damage_found("tiny", patch("config.json", R"({"hidden_size": 28})"), bad, {"expected"});
  expect_damage_found("tiny", patch("config.json", R"({"num_hidden_layers": 2})"), bad, {"exits.json: exits"});
  expect_damage_found("tiny", patch("config.json", R"({"intermediate_size": 47})"), bad, {"intermediate.dense"});
  expect_damage_found("tiny", patch("config.json", R"({"max_position_embeddings": 47})"), bad, {"position_embeddings"});
  expect_damage_found("tiny", patch("config.json", R"({"type_vocab_size": 3})"), bad, {"token_type_embeddings"});
  expect_damage_found("tiny-plain", patch("config.json", R"({"num_hidden_layers": 3})"), bad, {"encoder.layer.2."});
  expect_damage_found("tiny-plain", patch("config.json", R"({"problem_type": "regression"})"), unsupported,
                      {"regression"});
  expect_damage_found("tiny-plain", patch("config.json", R"({"num_labels": 1, "id2label": null, "label2id": null})"),
                      unsupported, {"num_labels is 1, expected at least 2"});
  expect_damage_found("tiny-plain", patch("config.json", R"({"num_labels": 2, "id2label": null, "label2id": null})"),
                      bad, {"classifier.weight", "[3, 24], expected [2, 24]"});
}

/// Gives every token of a single text this type.
damage set_type_of_single_texts(std::int64_t type) {
  return [=](model_in_memory& model) {
    patch("tokenizer_config.json",
          R"({"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids", "token_type_ids"]})")(
        model);
    json tokenizer = json::parse(model.files.at("tokenizer.json"));
    for (json& element : tokenizer.at("post_processor").at("single")) {
      element.begin()->at("type_id") = type;
    }
    model.files["tokenizer.json"] = tokenizer.dump();
  };
}

TEST(bad_models, token_types_of_single_texts) {
  for (const std::string name : {"tiny", "tiny-pair"}) {  // which reads a pair with an empty second text as one
    for (const std::int64_t type : {2, 1'000'000'000}) {
      expect_damage_found(name, set_type_of_single_texts(type), bad,
                          {"type_vocab_size is 2, expected at least the " + std::to_string(type + 1), "texts"});
    }
  }
}

TEST(bad_models, exits_json) {
  expect_damage_found("tiny", patch("exits.json", R"({"labels": ["yes", "no"]})"), bad,
                      {"exits.json: labels", "id2label"});
  expect_damage_found("tiny", patch("exits.json", R"({"treshold": 0.9})"), bad, {"\"treshold\" is not known"});
  expect_damage_found("tiny", patch("exits.json", R"({"format": 2})"), unsupported, {"format is 2"});
  expect_damage_found("tiny", [](model_in_memory& model) { model.files["exits.safetensors"].back() ^= 1; }, bad,
                      {"exits.safetensors: has the SHA-256"});
  expect_damage_found("tiny", [](model_in_memory& model) { model.files.erase("exits.safetensors"); }, error_kind::io,
                      {"exits.safetensors: no such file"});
  // The file's digest is right, but the tensors are not those of these exits.
  expect_damage_found("tiny",
                      patch("exits.json", R"({"exits": [{"layer": 1, "pooler": "own"}, {"layer": 2}, {"layer": 3}],
                            "golden": null, "calibration": null, "certificates": null})"),
                      bad, {"exits.safetensors: tensor \"exits.0.pooler.dense.weight\" is missing"});
  expect_damage_found("tiny-plain", [](model_in_memory& model) { model.files["exits.json"] = "{}"; }, error_kind::io,
                      {"exits.safetensors: no such file"});
}

TEST(bad_models, weights) {
  const std::string query = "bert.encoder.layer.1.attention.self.query.weight";
  expect_damage_found("tiny", rename_tensor(query, "unused"), bad, {"model.safetensors", query, "is missing"});
  expect_damage_found("tiny", reshape(query, {12, 48}), bad, {query, "[12, 48], expected [24, 24]"});
  expect_damage_found("tiny", reshape(query, {576}), bad, {query, "[576], expected [24, 24]"});
  expect_damage_found("tiny", rename_tensor("bert.embeddings.LayerNorm.bias", "x"), bad, {"embeddings.LayerNorm.bias"});
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    expect_damage_found("tiny", set_second(query, value), bad, {query, "element 1", "finite"});
    expect_damage_found("tiny", set_second("bert.embeddings.word_embeddings.weight", value), bad, {"element 1"});
    expect_damage_found("tiny", set_second("bert.encoder.layer.2.output.LayerNorm.weight", value), bad, {"element 1"});
    expect_damage_found("tiny-plain", set_second("classifier.bias", value), bad, {"classifier.bias", "element 1"});
  }
}

TEST(bad_models, weights_that_overflow_are_noticed_when_they_do) {
  model_in_memory model("tiny");
  for (int layer = 0; layer < 3; ++layer) {
    set_second("bert.encoder.layer." + std::to_string(layer) + ".output.LayerNorm.weight", 3e38F)(model);
  }
  const classifier loaded = model.load();
  expect_refusal([&] { (void)loaded.classify("A good film.", exit_policy::full_depth()); }, bad, {"exit"});
  expect_refusal(
      [&] {
        (void)loaded.classify_batch(std::vector<std::string>{"a", "b"}, exit_policy::full_depth());
      },
      bad, {"exit"});
  expect_refusal([&] { (void)loaded.classify_every_exit("a"); }, bad, {"exit"});
}

TEST(bad_models, missing_files) {
  for (const std::string file :
       {"config.json", "model.safetensors", "tokenizer.json", "exits.json", "exits.safetensors"}) {
    expect_damage_found("tiny", [&](model_in_memory& model) { model.files.erase(file); }, error_kind::io, {file});
  }
}

TEST(bad_models, every_file_that_ends_early) {
  const model_in_memory whole("tiny");
  for (const auto& [name, content] : whole.files) {
    SCOPED_TRACE(name);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, content.size() / 2, content.size() - 3}) {
      model_in_memory cut = whole;
      cut.files[name].resize(size);
      expect_refusal([&] { (void)cut.load(); }, bad, {name});
    }
  }
}

/// A directory of its own that goes away with the test.
class scratch_directory {
 public:
  scratch_directory() {
    std::string name = (fs::temp_directory_path() / "offramp-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no temporary directory");
    }
    path_ = name;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    fs::permissions(path_, fs::perms::owner_all, ignored);
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

TEST(bad_directories, are_io_errors) {
  const scratch_directory scratch;
  const auto refuse = [](const fs::path& directory, const std::string& part) {
    expect_refusal([&] { (void)classifier::load(directory); }, error_kind::io, {part});
  };
  refuse(scratch.path() / "absent", "not a directory");
  refuse("", "not a directory");
  refuse(scratch.path(), "config.json");
  std::ofstream(scratch.path() / "file") << "x";
  refuse(scratch.path() / "file", "not a directory");
  fs::create_directory(scratch.path() / "config.json");
  refuse(scratch.path(), "config.json: not a regular file");
}

TEST(bad_directories, unreadable_ones_are_io_errors) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root reads everything";
  }
  const scratch_directory scratch;
  fs::copy(tiny_directory("tiny"), scratch.path(), fs::copy_options::recursive);
  fs::permissions(scratch.path() / "model.safetensors", fs::perms::none);
  expect_refusal([&] { (void)classifier::load(scratch.path()); }, error_kind::io, {"model.safetensors"});
  fs::permissions(scratch.path(), fs::perms::none);
  expect_refusal([&] { (void)classifier::load(scratch.path()); }, error_kind::io, {scratch.path().string()});
}

TEST(bad_directories, devices_and_loops_are_io_errors) {
  const scratch_directory scratch;
  fs::copy(tiny_directory("tiny"), scratch.path(), fs::copy_options::recursive);
  const auto replace = [&](const std::string& target) {
    fs::remove(scratch.path() / "tokenizer.json");
    fs::create_symlink(target, scratch.path() / "tokenizer.json");
    expect_refusal([&] { (void)classifier::load(scratch.path()); }, error_kind::io, {"tokenizer.json"});
  };
  replace("/dev/zero");
  replace("tokenizer.json");
}

}  // namespace bad_models_test
