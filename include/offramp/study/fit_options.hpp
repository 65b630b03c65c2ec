// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What represents a text at an exit: the first row of the layer's hidden states, their mean, or for each exit
/// whichever of the two does better on dev.
enum class pooling_choice { cls, mean, better };

/// What a head looks at: its own layer alone; or, where that does better on dev, exit by exit, a weighted sum of all
/// layers so far, whose weights are learned together with the head (Right Tool, Schwartz et al. 2020).
enum class layer_mix { none, learned };

/// Whether labels count by their texts, or all alike in sum (balanced_weights).
enum class class_weighting { by_text, balanced };

/// How exits are added to a checkpoint.
struct fit_options {
  /// Labels as the data write them, by label id. Needed where neither the checkpoint nor the training data may name
  /// them: for a checkpoint that has a classifier and calls its labels LABEL_n.
  std::vector<std::string> labels = {};
  /// Of a multi-label checkpoint, one between 0 and 1 for each label, above which a label is given; empty: 0.5 for all.
  /// Such a checkpoint takes no `mix` and no balanced `weighting`.
  std::vector<float> cuts = {};
  /// Layers that get an exit, ascending; 0: before the encoder, from the n-grams of a text's token ids. Empty: all, 0
  /// where it saves something.
  std::vector<int> layers = {};
  /// The exit before the encoder reads n-grams of 1 to this many ids, 1 to 8 ...
  int ngram_longest = 2;
  /// ... hashed into 2 to the power of this many buckets, 1 to 24; a bucket takes a byte for each label.
  int ngram_bucket_bits = 18;
  /// ... of so many tokens of a single text, 1 to 65,536, where that is more than max_tokens.
  int ngram_max_tokens = 4096;
  pooling_choice pooling = pooling_choice::better;
  layer_mix mix = layer_mix::none;
  class_weighting weighting = class_weighting::by_text;
  /// Values of C (fit_heads) to choose from.
  std::vector<double> strengths = {1e-4, 1e-3, 1e-2, 1e-1, 1.0};
  /// Longest text in tokens, special tokens included; default: what the model directory says.
  std::optional<int> max_tokens = {};
  /// Default: pairs where the first line of the training data holds one. Needed for unlabelled lines with tabs.
  std::optional<input_kind> input = {};
  /// What the fields of data files are called where their rows name them.
  field_names fields = {};
  /// What keeps texts without labels together where they are parted.
  part_by part_texts_by = part_by::text;
  /// Confidence threshold to store as the model's default policy; without it every layer runs by default.
  std::optional<float> threshold = {};
  /// Texts to store in the model with their logits, one a line (pairs: divided by a tab), for `offramp verify`.
  std::optional<std::filesystem::path> golden = {};
  /// Memory that features may take, in bytes. Where those of all layers need more, the encoder runs several times.
  /// Mixes are learned from at most 16,384 texts, whose features of every layer are in memory together.
  std::size_t feature_bytes = std::size_t{1400} << 20;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
