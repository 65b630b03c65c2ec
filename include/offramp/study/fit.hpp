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
  float ngram_weight = 0;                        ///< as in exit_info; what follows is with it
  double dev_accuracy = 0;
  temperature_fit temperature;  ///< on dev, in float32
  double ece_before = 0;        ///< calibration_error on dev at temperature 1
  double ece_after = 0;
};

/// What an exit before the encoder saves on dev under one confidence threshold for all exits: the lowest that costs at
/// most `most_loss` of the accuracy of full depth.
struct encoder_saving {
  double share = 0;               ///< of the texts leave before the encoder
  double mean_layer = 0;          ///< layers run, on average
  double mean_layer_without = 0;  ///< the same where that exit is left out, under a threshold of its own
  double most_loss = 0;
};

struct fit_result {
  std::vector<std::string> labels;
  int num_layers = 0;
  std::vector<fitted_exit> exits;
  /// Of the exit before the encoder where one was fitted, also where it was left out because it saves nothing.
  std::optional<encoder_saving> before_encoder;
  /// False: dev has no labels, and accuracies on dev are agreement with the last exit.
  bool is_dev_labelled = true;
  std::vector<std::string> warnings;
};

/// The files that exits learn from and are chosen with: train and dev, or texts, or some of each.
struct fit_files {
  std::optional<std::filesystem::path> train = {};  ///< labelled texts to learn from
  std::optional<std::filesystem::path> dev = {};    ///< labelled texts to choose and calibrate with
  /// Texts without labels, as read_texts reads: exits learn to answer them as the model's own last exit does. Without
  /// dev, a fifth of them chooses and calibrates (part_texts).
  std::optional<std::filesystem::path> texts = {};
};

/// Hears of each part of the work, of its beginning too; any may be empty.
struct fit_progress {
  progress train_texts;  ///< through the encoder
  progress dev_texts;
  progress heads;  ///< pooling by pooling of each layer; then, where they are learned, mix by mix and head by head
  progress answers = {};          ///< the last exit's, to texts without labels
  progress certified_texts = {};  ///< of fit_certified alone
};

/// Adds exits to the Hugging Face checkpoint in the directory `model`, an encoder or a sequence classifier: a
/// multinomial logistic regression on the frozen hidden states of each layer, its strength (and pooling, and whether it
/// mixes layers) the one with the lowest negative log-likelihood on dev (ties: the plain head, the stronger, then
/// cls), its temperature fitted on dev. Before them stands an exit that reads n-grams of token ids, unless it saves
/// less than a hundredth of the layers on dev (encoder_saving, for a loss of a hundredth). A classifier that the
/// checkpoint has stays the last exit. Mixes are learned from at most 16,384 of the training texts, where every label
/// keeps its share, and the heads on them from all; exits that mix pool alike, in the way that heads without a mix do
/// better with, all layers together. Writes exits.safetensors and then exits.json to `out`; where `out` is another
/// directory than `model`, copies the checkpoint's files there first. Neither the checkpoint nor a file in `out` that
/// differs from its namesake is touched. All or nothing: no exits.json is written before everything else is.
///
/// From texts without labels exits learn the probabilities of the checkpoint's own classifier, at its temperature, or,
/// where its weights have none, those of the last exit that its exits.json describes, which stays the last while the
/// others are fitted anew; where dev has no labels either, answers that agree with the classifier's count as right, so
/// that a confidence says how likely full depth agrees.
///
/// A model that has exits.json already, and layers {0}: an exit before the encoder is added to the others, which stay
/// as they are (written to `out`, which may be `model`); texts without labels are answered by the last of them.
///
/// A checkpoint whose problem_type is multi_label_classification gets exits with a logistic regression for each label;
/// the rows of data files then have any number of labels, as read_dataset takes them.
///
/// Labels are those of config.json, unless they are LABEL_n; else, for a bare encoder, the training data's in the order
/// of their bytes; `options.labels` says how the data write them, or stands for both. A label without texts in dev is a
/// warning: nothing was chosen or calibrated with it. The result depends on the inputs and the instruction set, not on
/// the threads of `run`.
///
/// Throws what classifier::load and read_dataset throw; `bad_data` for a label that occurs in dev but not in train, a
/// label without texts and fewer than two labels; `invalid_argument` for files that do not suffice, options out of
/// range or not for the checkpoint, and dev texts that are all among the train texts; `unsupported` for texts without
/// labels and a checkpoint without a classifier; `bad_model` for features that are not finite; `io` for what cannot be
/// written or stands in the way.
[[nodiscard]] OFFRAMP_API fit_result fit_exits(const std::filesystem::path& model, const fit_files& files,
                                               const std::filesystem::path& out, const fit_options& options = {},
                                               const runner& run = {}, const fit_progress& report = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
