// SPDX-License-Identifier: Apache-2.0
#include "head_search.hpp"

#include "mix_fit.hpp"
#include "targets.hpp"

#include <offramp/model/encoder_reader.hpp>
#include <offramp/nn/kernels.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

head_search::head_search(const bare_model& bare, const fit_texts& texts, std::size_t num_labels,
                         std::span<const float> cuts, const fit_options& options, const runner& run,
                         const fit_progress& report)
    : bare_(bare),
      texts_(texts),
      options_(options),
      run_(run),
      report_(report),
      task_{texts.train.targets,
            texts.dev.targets,
            num_labels,
            cuts,
            class_weights_for(options.weighting, texts.train.targets, num_labels),
            options.strengths} {
  std::ranges::sort(task_.strengths);
}

std::vector<head_choice> head_search::find(std::span<const pooled_layer> plain) const {
  if (plain.empty()) {
    return {};
  }
  const nn::encoder encoder =
      model::read_encoder(bare_.tensors, bare_.config, plain.back().layer, nn::choose_kernels({}));
  std::vector<head_choice> choices = choose_strengths(encoder, plain);
  if (options_.mix == layer_mix::learned) {
    if (const std::vector<pooled_layer> mixes = learn_mixes(encoder, choices); !mixes.empty()) {
      std::ranges::move(choose_strengths(encoder, mixes), std::back_inserter(choices));
    }
  }
  return choices;
}

std::vector<head_choice> head_search::choose_strengths(const nn::encoder& encoder,
                                                       std::span<const pooled_layer> wanted) const {
  const std::size_t texts = texts_.train.data.texts.size() + texts_.dev.data.texts.size();
  const std::size_t at_once = std::max<std::size_t>(options_.feature_bytes / (2 * encoder.hidden * texts), 1);
  std::vector<head_choice> choices;
  for (std::size_t first = 0; first < wanted.size(); first += at_once) {
    const auto group = wanted.subspan(first, std::min(at_once, wanted.size() - first));
    // One object for each, so that the encoder's scratch memory is gone before heads need memory of their own.
    std::vector<half_rows> train =
        feature_pass(encoder, bare_.reader, group).run(texts_.train.data, run_, report_.train_texts);
    std::vector<half_rows> dev =
        feature_pass(encoder, bare_.reader, group).run(texts_.dev.data, run_, report_.dev_texts);
    for (std::size_t i = 0; i < group.size(); ++i) {
      tell_heads(choices.size(), wanted.size());
      choices.push_back(choose_strength(task_, group[i], std::move(train[i]), std::move(dev[i]), run_));
    }
  }
  tell_heads(choices.size(), wanted.size());
  return choices;
}

std::vector<pooled_layer> head_search::learn_mixes(const nn::encoder& encoder,
                                                   std::span<const head_choice> plain) const {
  constexpr std::size_t most_texts = 16384;  // a mix has a weight for each layer only
  const model::pooling pooling = better_pooling(plain);
  std::vector<pooled_layer> mixes;
  std::vector<double> penalties;
  for (const head_choice& choice : plain) {
    if (choice.input.pooling == pooling && choice.input.layer > 1) {
      mixes.push_back(choice.input);
      penalties.push_back(1 / (choice.strength * static_cast<double>(texts_.train.data.texts.size())));
    }
  }
  if (mixes.empty()) {
    return {};
  }
  std::vector<pooled_layer> every_layer;
  for (int layer = 1; layer <= mixes.back().layer; ++layer) {
    every_layer.push_back({layer, pooling});
  }
  const taught_texts few = thin_out(texts_.train, task_.num_labels, most_texts);
  const layered_texts layers{feature_pass(encoder, bare_.reader, every_layer).run(few.data, run_, report_.train_texts),
                             few.targets, task_.num_labels, task_.class_weights};
  const mix_learner learner(layers, run_);
  for (std::size_t i = 0; i < mixes.size(); ++i) {
    tell_heads(i, mixes.size());
    mixes[i].mix = learner.learn(mixes[i].layer, penalties[i]);
  }
  tell_heads(mixes.size(), mixes.size());
  return mixes;
}

void head_search::tell_heads(std::size_t done, std::size_t total) const {
  if (report_.heads) {
    report_.heads(done, total);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
