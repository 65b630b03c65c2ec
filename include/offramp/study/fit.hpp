// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/progress.hpp>
#include <offramp/study/temperature.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What represents a text at an exit: the first row of the layer's hidden states, their mean, or for each exit
/// whichever of the two does better on dev.
enum class pooling_choice { cls, mean, better };

/// Whether labels count by their texts, or all alike in sum (balanced_weights).
enum class class_weighting { by_text, balanced };

/// How exits are added to a checkpoint.
struct fit_options {
  /// Labels as the data write them, by label id. Needed where neither the checkpoint nor the training data may name
  /// them: for a checkpoint that has a classifier and calls its labels LABEL_n.
  std::vector<std::string> labels = {};
  /// Layers that get an exit, from 1, ascending; empty: all.
  std::vector<int> layers = {};
  pooling_choice pooling = pooling_choice::better;
  class_weighting weighting = class_weighting::by_text;
  /// Values of C (fit_heads) to choose from.
  std::vector<double> strengths = {1e-4, 1e-3, 1e-2, 1e-1, 1.0};
  /// Longest text in tokens, special tokens included; default: what the model directory says.
  std::optional<int> max_tokens = {};
  /// Default: pairs where the first line of the training data holds one.
  std::optional<input_kind> input = {};
  /// Confidence threshold to store as the model's default policy; without it every layer runs by default.
  std::optional<float> threshold = {};
  /// Texts to store in the model with their logits, one a line (pairs: divided by a tab), for `offramp verify`.
  std::optional<std::filesystem::path> golden = {};
  /// Memory that features may take, in bytes. Where those of all layers need more, the encoder runs several times.
  std::size_t feature_bytes = std::size_t{1400} << 20;
};

/// One exit of the new model.
struct fitted_exit {
  int layer = 0;
  pooling_choice pooling = pooling_choice::cls;  ///< cls or mean
  std::optional<double> strength;                ///< C; none for the checkpoint's own classifier, which is kept
  std::optional<double> train_accuracy;          ///< likewise
  double dev_accuracy = 0;
  temperature_fit temperature;  ///< on dev, in float32
  double ece_before = 0;        ///< calibration_error on dev at temperature 1
  double ece_after = 0;
};

struct fit_result {
  std::vector<std::string> labels;
  int num_layers = 0;
  std::vector<fitted_exit> exits;
  std::vector<std::string> warnings;
};

/// Hears of each part of the work; any may be empty.
struct fit_progress {
  progress train_texts;  ///< through the encoder
  progress dev_texts;
  progress heads;  ///< pooling by pooling of each layer
};

/// Adds exits to the Hugging Face checkpoint in the directory `model`, an encoder or a sequence classifier: a
/// multinomial logistic regression on the frozen hidden states of each layer, its strength (and pooling) the one with
/// the lowest negative log-likelihood on `dev` (ties: the stronger, then cls), its temperature fitted on `dev`. A
/// classifier that the checkpoint has stays the last exit. Writes exits.safetensors and then exits.json to `out`; where
/// `out` is another directory than `model`, copies the checkpoint's files there first. Neither the checkpoint nor a
/// file in `out` that differs from its namesake is touched. All or nothing: no exits.json is written before everything
/// else is.
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
[[nodiscard]] fit_result fit_exits(const std::filesystem::path& model, const std::filesystem::path& train,
                                   const std::filesystem::path& dev, const std::filesystem::path& out,
                                   const fit_options& options = {}, const runner& run = {},
                                   const fit_progress& report = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/detail/study/fit.hpp>
#endif
