// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/labelling.hpp>
#include <offramp/exits/ngrams.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/nn/dot.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/layer_runner.hpp>
#include <offramp/nn/linear.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// The last step of a head, W x + b for a handful of labels: always float32, as stored.
struct classification {
  std::vector<float> weights;  // [labels, inputs]
  std::vector<float> bias;     // [labels]

  void apply(std::span<const float> input, std::span<float> logits) const {
    for (std::size_t label = 0; label < bias.size(); ++label) {
      logits[label] = nn::dot(weights.data() + label * input.size(), input.data(), input.size()) + bias[label];
    }
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return (weights.size() + bias.size()) * sizeof(float); }
};

/// The classifier head on one encoder layer, in the general form that covers the published early-exit models.
struct head {
  int layer = 0;  // from 1; 0: before the encoder
  /// On layer 0, and only there: what the exit consists of.
  std::optional<ngram_head> ngrams;
  model::pooling pooling = model::pooling::cls;
  /// Set when the exit has a pooler of its own: p = f(W h + b).
  std::optional<nn::linear> pooler;
  nn::epilogue pooler_activation = nn::epilogue::tanh;
  bool uses_shared_pooler = false;
  /// Of what the pooler gives, where that is normalized.
  std::optional<nn::layer_norm> pooler_norm = {};
  /// One weight per layer 1..layer; empty when the head looks at its own layer only.
  std::vector<float> mix;
  /// The classifier's input ends with the earlier exits' logits, already divided by their temperatures.
  bool appends_previous_logits = false;
  classification classifier;
  /// Times the logits of the exit before the encoder, which are added to the classifier's; 0: they are not.
  float ngram_weight = 0.0F;
  float temperature = 1.0F;
  /// Which of the exits that may answer it is, from 0; none where it runs for later heads only.
  std::optional<std::size_t> exit = {};
};

/// Every head of a model, by ascending layer.
struct head_set {
  std::vector<head> heads;
  std::optional<nn::linear> shared_pooler;
  /// Set when the model learned when to leave: one output, see uncertainty().
  std::optional<classification> gate;
  std::size_t num_labels = 0;
  /// [labels] of a multi-label model: a label is given where its probability is above its cut. Empty: labels exclude
  /// each other.
  std::vector<float> cuts = {};
  /// Some head reads the logits of earlier ones.
  bool append_logits = false;
  /// Some head adds the logits of the one before the encoder.
  bool adds_ngrams = false;

  /// Whether later heads may read the logits of this one.
  [[nodiscard]] bool are_read_later(const head& head) const noexcept {
    return append_logits || (adds_ngrams && head.ngrams);
  }

  [[nodiscard]] labelling labels() const noexcept { return labelling(cuts); }

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = (shared_pooler ? shared_pooler->bytes() : 0) + (gate ? gate->bytes() : 0);
    for (const head& head : heads) {
      sum += (head.pooler ? head.pooler->bytes() : 0) + (head.pooler_norm ? head.pooler_norm->bytes() : 0) +
             (head.ngrams ? head.ngrams->bytes() : 0) + head.mix.size() * sizeof(float) + head.classifier.bytes();
    }
    return sum;
  }

  /// The pooler of a head, if it has one.
  [[nodiscard]] const nn::linear* pooler_of(const head& head) const noexcept {
    return head.pooler ? &*head.pooler : head.uses_shared_pooler ? &*shared_pooler : nullptr;
  }

  /// A head that mixes, if there is one; all that do pool alike.
  [[nodiscard]] const head* mixing_head() const noexcept {
    for (const head& head : heads) {
      if (!head.mix.empty()) {
        return &head;
      }
    }
    return nullptr;
  }
};

/// How unsure a learned gate thinks the exit is whose pooled state it sees: sigmoid(w p + b), from 0 to 1 (BERxiT, Xin
/// et al. 2021).
inline float uncertainty(const classification& gate, std::span<const float> pooled) {
  float logit = 0.0F;
  gate.apply(pooled, std::span(&logit, 1));
  return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit))));
}

/// What the heads remember of one text from layer to layer.
struct head_memory {
  std::vector<float> pooled_layers;    // [layers so far, hidden], kept only for heads that mix
  std::vector<float> previous_logits;  // [exits so far * labels], divided by their temperatures
  std::vector<float> ngram_logits;     // [labels], where a head adds them
};

/// The row [hidden] that represents a text whose rows of a layer are `rows` [tokens, hidden], before any pooler.
inline void pool(model::pooling kind, nn::layer_runner& layers, const float* rows, std::size_t tokens,
                 std::span<float> pooled) {
  const std::size_t hidden = pooled.size();
  rows = layers.read_by_exits(rows, kind == model::pooling::mean ? tokens : 1);
  std::copy_n(rows, hidden, pooled.begin());
  if (kind == model::pooling::mean) {
    const auto columns = static_cast<Eigen::Index>(hidden);
    Eigen::Map<Eigen::ArrayXf> sums(pooled.data(), columns);
    for (std::size_t token = 1; token < tokens; ++token) {
      sums += Eigen::Map<const Eigen::ArrayXf>(rows + token * hidden, columns);
    }
    sums /= static_cast<float>(tokens);
  }
}

/// The same for each of some texts into `pooled` [texts, hidden]; text t has the rows offsets[t] to offsets[t + 1] - 1.
inline void pool_each(model::pooling kind, nn::layer_runner& layers, const float* rows,
                      std::span<const std::size_t> offsets, std::span<float> pooled) {
  const std::size_t texts = offsets.size() - 1;
  const std::size_t hidden = pooled.size() / texts;
  for (std::size_t text = 0; text < texts; ++text) {
    pool(kind, layers, rows + offsets[text] * hidden, offsets[text + 1] - offsets[text],
         pooled.subspan(text * hidden, hidden));
  }
}

/// sum_l mix[l] * p_l over the layers so far; `pooled_layers` is [mix.size(), hidden].
inline void mix_layers(std::span<const float> mix, std::span<const float> pooled_layers, std::span<float> mixed) {
  std::fill(mixed.begin(), mixed.end(), 0.0F);
  for (std::size_t layer = 0; layer < mix.size(); ++layer) {
    for (std::size_t i = 0; i < mixed.size(); ++i) {
      mixed[i] += mix[layer] * pooled_layers[layer * mixed.size() + i];
    }
  }
}

/// The logits [labels] of one exit behind a layer, before the temperature, from the pooled state of that layer (unused
/// by heads that mix). `input` is scratch.
inline void apply_head(const head& head, std::span<const float> pooled, const head_memory& memory,
                       std::vector<float>& input, std::span<float> logits) {
  input.resize(pooled.size());
  if (head.mix.empty()) {
    std::copy(pooled.begin(), pooled.end(), input.begin());
  } else {
    mix_layers(head.mix, memory.pooled_layers, input);
  }
  if (head.appends_previous_logits) {
    input.insert(input.end(), memory.previous_logits.begin(), memory.previous_logits.end());
  }
  head.classifier.apply(input, logits);
  if (head.ngram_weight != 0.0F) {
    for (std::size_t label = 0; label < logits.size(); ++label) {
      logits[label] += head.ngram_weight * memory.ngram_logits[label];
    }
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
