// SPDX-License-Identifier: Apache-2.0
// Features are what the engine pools, rounded to float16: heads that pass their input on show it.
#include <study/fit/layer_features.hpp>

#include <offramp/model/encoder_reader.hpp>
#include <offramp/model/exits/writer.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/thread_pool.hpp>
#include <study/fit/checkpoint_copy.hpp>

#include "study/fit_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace layer_features_test {

using namespace offramp::study;
using offramp::model::pooling;

constexpr std::size_t hidden = 24;
constexpr int num_layers = 3;

/// The weights that an exit mixes layers by.
std::vector<float> mix_of(int layer) {
  const std::vector<float> weights{0.5F, -0.25F, 0.75F};
  return {weights.begin(), weights.begin() + layer};
}

enum class passed_on { layer, mix };

/// The model with a label for each hidden dimension, whose logit is that dimension of the pooled state, or of a mix.
offramp::classifier load_passing_on(const std::filesystem::path& directory, pooling kind, passed_on what) {
  offramp::model::exits_file content;
  std::vector<offramp::model::named_tensor> tensors;
  for (int layer = 1; layer <= num_layers; ++layer) {
    offramp::model::exit_description& exit = content.exits.emplace_back();
    exit.layer = layer;
    exit.pooling = kind;
    exit.mix = what == passed_on::mix;
    const std::string name = "exits." + std::to_string(layer - 1) + ".";
    if (exit.mix) {
      tensors.push_back({name + "mix", {static_cast<std::size_t>(layer)}, mix_of(layer)});
    }
    tensors.push_back({name + "classifier.weight", {hidden, hidden}, std::vector<float>(hidden * hidden)});
    for (std::size_t i = 0; i < hidden; ++i) {
      tensors.back().values[i * hidden + i] = 1;
    }
    tensors.push_back({name + "classifier.bias", {hidden}, std::vector<float>(hidden)});
  }
  for (std::size_t i = 0; i < hidden; ++i) {
    content.labels.push_back("dimension " + std::to_string(i));
  }
  const std::string bytes = offramp::model::write_safetensors(tensors);
  const detail::exit_files exits{offramp::model::write_exits_json(content, offramp::model::sha256_hex(bytes)), bytes};
  return detail::load_with(offramp::model::file_set(directory), exits, {});
}

class LayerFeatures : public ::testing::Test {
 protected:
  LayerFeatures() {
    directory_.forget_labels();
    const offramp::model::file_set files(directory_ / "model");
    const offramp::model::config config = offramp::model::read_config(files);
    encoder_ = offramp::model::read_encoder(offramp::model::open_checkpoint(files), config, num_layers,
                                            offramp::nn::choose_kernels({}));
    reader_ = offramp::detail::load_text_reader(files, {}, {}, config);
    std::string lines = offramp_tests::labelled_lines({"no", "yes"}, 300, 1);
    lines += "no\t\nyes\t" + std::string(2000, 'a') + " dog" + std::string(40, '!') + '\n';
    const std::vector<std::string> labels{"no", "yes"};
    data_ = read_dataset(directory_.write("data.tsv", lines), labels, offramp::input_kind::single);
  }

  std::vector<std::vector<float>> features(const std::vector<detail::pooled_layer>& wanted,
                                           const offramp::runner& run) {
    std::vector<std::vector<float>> all;
    for (const detail::half_rows& rows : detail::feature_pass(encoder_, *reader_, wanted).run(data_, run, {})) {
      all.push_back(rows.widen());
    }
    return all;
  }

  offramp_tests::fit_directory directory_{"tiny"};
  offramp::nn::encoder encoder_;
  std::optional<offramp::detail::text_reader> reader_;
  dataset data_;
};

TEST_F(LayerFeatures, AreWhatTheEnginePools) {
  for (const auto& [kind, what] : std::vector<std::pair<pooling, passed_on>>{{pooling::cls, passed_on::layer},
                                                                             {pooling::mean, passed_on::layer},
                                                                             {pooling::cls, passed_on::mix},
                                                                             {pooling::mean, passed_on::mix}}) {
    std::vector<detail::pooled_layer> wanted{{1, kind}, {2, kind}, {3, kind}};
    if (what == passed_on::mix) {
      for (detail::pooled_layer& layer : wanted) {
        layer.mix = mix_of(layer.layer);
      }
    }
    const auto found = features(wanted, {});
    const offramp::classifier model = load_passing_on(directory_ / "model", kind, what);
    for (std::size_t text = 0; text < data_.texts.size(); ++text) {
      const auto exits = model.classify_every_exit(data_.texts[text].first);
      for (std::size_t layer = 0; layer < wanted.size(); ++layer) {
        for (std::size_t i = 0; i < hidden; ++i) {
          ASSERT_NEAR(found[layer][text * hidden + i], exits[layer].logits[i], 3e-3F);
        }
      }
    }
  }
}

TEST_F(LayerFeatures, DependOnNeitherThreadsNorCompany) {
  const std::vector<detail::pooled_layer> both{
      {1, pooling::cls}, {1, pooling::mean}, {3, pooling::mean}, {3, pooling::mean, mix_of(3)}};
  const auto alone = features(both, {});
  for (const int threads : {2, 3}) {
    offramp::thread_pool pool(threads);
    EXPECT_EQ(features(both, pool.lend()), alone);
  }
  EXPECT_EQ(features({{3, pooling::mean}}, {}).front(), alone[2]);
}

}  // namespace layer_features_test
