// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/runner.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/fit_options.hpp>
#include <offramp/study/progress.hpp>
#include <offramp/study/temperature.hpp>
#include <offramp/version.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// One exit of the new model.
struct fitted_exit {
  int layer = 0;
  pooling_choice pooling = pooling_choice::cls;  ///< cls or mean
  std::vector<float> mix;                        ///< weights of layers 1 to `layer`, of unit L2 norm; empty: no mix
  std::optional<double> strength;                ///< C; none for the checkpoint's own classifier, which is kept
  std::optional<double> train_accuracy;          ///< likewise
  bool is_optimal = true;                        ///< false: the fit of the head ran out of steps
  double dev_accuracy = 0;
  temperature_fit temperature;  ///< on dev, in float32
  double ece_before = 0;        ///< calibration_error on dev at temperature 1
  double ece_after = 0;
};

struct fit_result {
  std::vector<std::string> labels;
  int num_layers = 0;
  std::vector<fitted_exit> exits;
  /// Of an exit before the encoder: the largest share of the dev texts, the surest first, to which its answers are
  /// right at least as often as those of the last exit to the same texts.
  std::optional<double> share_before_encoder;
  std::vector<std::string> warnings;
};

/// Hears of each part of the work, of its beginning too; any may be empty.
struct fit_progress {
  progress train_texts;  ///< through the encoder
  progress dev_texts;
  progress heads;  ///< pooling by pooling of each layer; then, where they are learned, mix by mix and head by head
};

/// Adds exits to the Hugging Face checkpoint in the directory `model`, an encoder or a sequence classifier: a
/// multinomial logistic regression on the frozen hidden states of each layer, its strength (and pooling, and whether it
/// mixes layers) the one with the lowest negative log-likelihood on `dev` (ties: the plain head, the stronger, then
/// cls), its temperature fitted on `dev`. A classifier that the checkpoint has stays the last exit. Mixes are learned
/// from at most 16,384 of the training texts, where every label keeps its share, and the heads on them from all; exits
/// that mix pool alike, in the way that heads without a mix do better with, all layers together. Writes
/// exits.safetensors and then exits.json to `out`; where `out` is another directory than `model`, copies the
/// checkpoint's files there first. Neither the checkpoint nor a file in `out` that differs from its namesake is
/// touched. All or nothing: no exits.json is written before everything else is.
///
/// A model that has exits.json already, and layers {0}: an exit before the encoder is added to the others, which stay as
/// they are (written to `out`, which may be `model`).
///
/// Labels are those of config.json, unless they are LABEL_n; else, for a bare encoder, the training data's in the order
/// of their bytes; `options.labels` says how the data write them, or stands for both. A label without texts in dev is a
/// warning: nothing was chosen or calibrated with it. The result depends on the inputs and the instruction set, not on
/// the threads of `run`.
///
/// Throws what classifier::load and read_dataset throw; `bad_data` for a label that occurs in dev but not in train, a
/// label without texts and fewer than two labels; `invalid_argument` for options out of range and for dev texts that
/// are the train texts; `bad_model` for
/// features that are not finite; `io` for what cannot be written or stands in the way.
[[nodiscard]] OFFRAMP_API fit_result fit_exits(const std::filesystem::path& model, const std::filesystem::path& train,
                                               const std::filesystem::path& dev, const std::filesystem::path& out,
                                               const fit_options& options = {}, const runner& run = {},
                                               const fit_progress& report = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
