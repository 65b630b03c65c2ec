// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "half_rows.hpp"

#include <offramp/detail/lend.hpp>
#include <offramp/detail/memory_pool.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/batching.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/nn/layer_runner.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/progress.hpp>
#include <offramp/text/tokenizer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// One way to represent a text by a row [hidden].
struct pooled_layer {
  int layer = 0;  // from 1
  model::pooling pooling = model::pooling::cls;
  std::vector<float> mix = {};  // [layer], weights of layers 1 to `layer`; empty: `layer` alone
};

/// The encoder run over texts that all stay to the end: each layer's rows, pooled. Every row is what the engine would
/// pool, bit for bit, whatever batch it came from.
class feature_pass {
 public:
  /// `wanted` goes by ascending layer.
  feature_pass(const nn::encoder& encoder, const offramp::detail::text_reader& reader,
               std::span<const pooled_layer> wanted)
      : encoder_(encoder), reader_(reader), wanted_(wanted) {}

  /// For each wanted layer the features [texts, hidden]. Throws `bad_model` for numbers that are not finite.
  [[nodiscard]] std::vector<half_rows> run(const dataset& data, const runner& run, const progress& report) {
    constexpr std::size_t texts_at_once = 4096;  // bounds the memory of token ids
    std::vector<half_rows> features;
    for (const pooled_layer& wanted : wanted_) {
      features.emplace_back(data.texts.size(), ranges_of(wanted));
    }
    const std::size_t texts = data.texts.size();
    const auto tell = [&](std::size_t done) {
      if (report) {
        report(done, texts);
      }
    };
    tell(0);
    for (std::size_t begin = 0; begin < texts; begin += texts_at_once) {
      const std::size_t count = std::min(texts_at_once, texts - begin);
      run_texts(data, begin, count, features, run);
      tell(begin + count);
    }
    return features;
  }

 private:
  /// The rows that exits read come from a normalization: they lie within scale * sqrt(hidden) of its shift, and so do
  /// their means.
  [[nodiscard]] std::vector<column_range> ranges_of(const pooled_layer& wanted) const {
    std::vector<column_range> ranges(encoder_.hidden, {0, 0});
    const auto add = [&](int number, float weight) {
      const nn::layer_norm& norm = encoder_.last_norm(static_cast<std::size_t>(number) - 1);
      for (std::size_t i = 0; i < ranges.size(); ++i) {
        ranges[i].center += weight * norm.shift[i];
        ranges[i].reach += std::abs(weight * norm.scale[i]) * std::sqrt(static_cast<float>(ranges.size()));
      }
    };
    if (wanted.mix.empty()) {
      add(wanted.layer, 1);
    }
    for (std::size_t below = 0; below < wanted.mix.size(); ++below) {
      add(static_cast<int>(below) + 1, wanted.mix[below]);
    }
    return ranges;
  }

  void run_texts(const dataset& data, std::size_t begin, std::size_t count, std::vector<half_rows>& features,
                 const runner& run) {
    batch_.encoded.resize(count);
    batch_.texts.resize(count);
    offramp::detail::lend(run, count, [&](std::size_t i) {
      const labelled_text& text = data.texts[begin + i];
      text::encode_memory memory;
      batch_.encoded[i] = reader_.encode(text.first, text.second, memory);
      batch_.texts[i] = &batch_.encoded[i];
    });
    offramp::detail::cut_batches(batch_, offramp::detail::batch_order::longest_first, run.width());
    offramp::detail::lend(run, batch_.ends.size(), [&](std::size_t cut) {
      const offramp::detail::memory_pool<exits::engine_memory>::lease memory(memory_);
      const std::size_t first = cut == 0 ? 0 : batch_.ends[cut - 1];
      const auto texts = std::span(batch_.order).subspan(first, batch_.ends[cut] - first);
      run_batch(texts, *memory, [&](std::size_t kind, std::size_t i, std::span<const float> row) {
        if (!features[kind].set(begin + i, row)) {
          refuse(data, data.texts[begin + i], wanted_[kind].layer);
        }
      });
    });
  }

  /// Runs the texts with these indices and gives each pooled row to `take(index into wanted, index of the text, row)`.
  template <class Take>
  void run_batch(std::span<const std::size_t> texts, exits::engine_memory& memory, const Take& take) const {
    memory.offsets.assign(1, 0);
    for (const std::size_t text : texts) {
      memory.offsets.push_back(memory.offsets.back() + batch_.texts[text]->ids.size());
    }
    nn::grow(memory.rows, memory.offsets.back() * encoder_.hidden);
    nn::team alone;
    nn::layer_runner layers(encoder_, memory.scratch, alone);
    layers.embed(
        texts.size(), [&](std::size_t i) -> const encoding& { return *batch_.texts[texts[i]]; }, memory.offsets,
        memory.rows.data());
    std::vector<std::vector<float>> mixed(wanted_.size());  // each [texts, hidden], of the layers so far
    for (int number = 1; number <= wanted_.back().layer; ++number) {
      const nn::encoder_layer& layer = encoder_.layer(static_cast<std::size_t>(number) - 1);
      layers.run(layer, memory.offsets, memory.rows.data(), nullptr);
      for (std::size_t kind = 0; kind < wanted_.size(); ++kind) {
        if (wanted_[kind].layer == number || (wanted_[kind].layer > number && !wanted_[kind].mix.empty())) {
          pool_batch(texts, number, kind, layers, memory, mixed[kind], take);
        }
      }
    }
  }

  /// Pools the rows of layer `number` for one kind of feature, which is done with its own layer.
  template <class Take>
  void pool_batch(std::span<const std::size_t> texts, int number, std::size_t kind, nn::layer_runner& layers,
                  exits::engine_memory& memory, std::vector<float>& mixed, const Take& take) const {
    const pooled_layer& wanted = wanted_[kind];
    memory.head_input.resize(encoder_.hidden);
    mixed.resize(wanted.mix.empty() ? 0 : texts.size() * encoder_.hidden);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::span<float> row = memory.head_input;
      exits::pool(wanted.pooling, layers, memory.rows.data() + memory.offsets[i] * encoder_.hidden,
                  memory.offsets[i + 1] - memory.offsets[i], row);
      if (!wanted.mix.empty()) {
        const float weight = wanted.mix[static_cast<std::size_t>(number) - 1];
        const auto sum = std::span(mixed).subspan(i * encoder_.hidden, encoder_.hidden);
        std::ranges::transform(sum, row, sum.begin(),
                               [&](float so_far, float value) { return so_far + weight * value; });
        row = sum;
      }
      if (wanted.layer == number) {
        take(kind, texts[i], row);
      }
    }
    if (wanted.layer == number) {
      mixed = {};
    }
  }

  [[noreturn]] static void refuse(const dataset& data, const labelled_text& text, int layer) {
    throw error(error_kind::bad_model, data.name + ":" + std::to_string(text.line) + ": layer " +
                                           std::to_string(layer) + " answers with numbers that are not finite");
  }

  const nn::encoder& encoder_;
  const offramp::detail::text_reader& reader_;
  std::span<const pooled_layer> wanted_;
  offramp::detail::batch_memory batch_;
  offramp::detail::memory_pool<exits::engine_memory> memory_{offramp::detail::most_kept_for_calls};
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
