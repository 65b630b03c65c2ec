// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_copy.hpp"
#include "exit_calibration.hpp"
#include "exit_choice.hpp"
#include "fit_inputs.hpp"
#include "layer_features.hpp"
#include "mix_fit.hpp"
#include "ngram_addition.hpp"
#include "ngram_choice.hpp"
#include "study/exit_files.hpp"
#include "study/update_exits.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/exits/writer.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/model/sha256.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/metrics.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Fits exits to one checkpoint and makes their files.
class exit_fitter {
 public:
  exit_fitter(const model::file_set& checkpoint, const std::filesystem::path& train, const std::filesystem::path& dev,
              const fit_options& options, const runner& run, const fit_progress& report)
      : checkpoint_(checkpoint), options_(options), run_(run), report_(report) {
    check_fit_options(options);
    bare_ = open_bare_model(checkpoint_, options.max_tokens);
    content_.max_tokens = static_cast<int>(bare_->reader.max_tokens);
    layers_ = choose_layers(*bare_, options.layers);
    const data_description description = describe_data(train);
    const label_names labels = choose_labels(*bare_, options.labels, description, train);
    const input_kind input = options.input.value_or(description.input);
    train_ = read_dataset(train, labels.in_data, input);
    dev_ = read_dataset(dev, labels.in_data, input);
    result_.warnings = check_counts(train_, dev_, labels.in_data);
    result_.labels = labels.in_model;
    result_.num_layers = bare_->config.num_layers;
    content_.labels = labels.in_model;
    content_.input = input;
    if (options.golden) {
      golden_ = read_golden_texts(*options.golden, input);
    }
  }

  /// The finished files.
  [[nodiscard]] exit_files fit() {
    if (!options_.layers.empty() && options_.layers.front() == 0) {
      add_ngrams();
    }
    choose_heads();
    const std::string tensors = model::write_safetensors(tensors_);
    const std::string digest = model::sha256_hex(tensors);
    const classifier fitted = load_with(checkpoint_, {model::write_exits_json(content_, digest), tensors}, {});
    calibrate(compute_exit_logits(fitted, dev_, run_, {}));
    if (options_.threshold) {
      content_.default_policy.emplace().threshold = *options_.threshold;
    }
    add_golden_texts(fitted);
    return {model::write_exits_json(content_, digest), tensors};
  }

  [[nodiscard]] fit_result result() && { return std::move(result_); }

 private:
  /// What heads are to be fitted to, by ascending layer.
  [[nodiscard]] std::vector<pooled_layer> inputs() const {
    std::vector<pooled_layer> all;
    for (const int layer : layers_) {
      if (!is_kept(layer) && options_.pooling != pooling_choice::mean) {
        all.push_back({layer, model::pooling::cls});
      }
      if (!is_kept(layer) && options_.pooling != pooling_choice::cls) {
        all.push_back({layer, model::pooling::mean});
      }
    }
    return all;
  }

  /// Whether the checkpoint's own classifier stands there.
  [[nodiscard]] bool is_kept(int layer) const {
    return !bare_->classifier.empty() && layer == bare_->config.num_layers;
  }

  void add_ngrams() {
    const exits::ngram_shape shape{options_.ngram_longest, options_.ngram_bucket_bits};
    const ngram_choice choice = choose_ngrams(bare_->reader, train_, dev_, content_.labels.size(), shape, run_);
    std::ranges::move(describe_ngrams(choice.head, "exits.0.classifier"), std::back_inserter(tensors_));
    content_.exits.push_back({.ngrams = shape});
    result_.exits.push_back(choice.fitted());
    warn_of_steps(result_.exits.back());
  }

  void warn_of_steps(const fitted_exit& exit) {
    if (!exit.is_optimal) {
      result_.warnings.push_back("the fit of the head on layer " + std::to_string(exit.layer) +
                                 " ran out of steps before the optimum; a stronger penalty (a smaller C) ends sooner");
    }
  }

  void choose_heads() {
    const std::vector<head_choice> choices = choose_all();
    for (const int layer : layers_) {
      if (is_kept(layer)) {
        add_own_classifier();
        continue;
      }
      const head_choice* best = nullptr;
      for (const head_choice& choice : choices) {
        if (choice.input.layer == layer && (best == nullptr || choice.dev_nll < best->dev_nll)) {
          best = &choice;
        }
      }
      add_head(*best);
    }
  }

  /// Every head to choose from, those without a mix first.
  [[nodiscard]] std::vector<head_choice> choose_all() {
    const std::vector<pooled_layer> plain = inputs();
    if (plain.empty()) {
      return {};
    }
    choice_task task{label_ids(train_), label_ids(dev_), content_.labels.size(), {}, options_.strengths};
    std::ranges::sort(task.strengths);
    if (options_.weighting == class_weighting::balanced) {
      task.class_weights = balanced_weights(task.train_ids, task.num_labels);
    }
    const nn::encoder encoder =
        model::read_encoder(bare_->tensors, bare_->config, plain.back().layer, nn::choose_kernels({}));
    std::vector<head_choice> choices = choose_strengths(task, encoder, plain);
    if (options_.mix == layer_mix::learned) {
      if (const std::vector<pooled_layer> mixes = learn_mixes(task, encoder, choices); !mixes.empty()) {
        std::ranges::move(choose_strengths(task, encoder, mixes), std::back_inserter(choices));
      }
    }
    return choices;
  }

  /// The best head for each of these inputs.
  [[nodiscard]] std::vector<head_choice> choose_strengths(const choice_task& task, const nn::encoder& encoder,
                                                          std::span<const pooled_layer> wanted) const {
    const std::size_t bytes = 2 * encoder.hidden * (train_.texts.size() + dev_.texts.size());
    const std::size_t at_once = std::max<std::size_t>(options_.feature_bytes / bytes, 1);
    std::vector<head_choice> choices;
    for (std::size_t first = 0; first < wanted.size(); first += at_once) {
      const auto group = wanted.subspan(first, std::min(at_once, wanted.size() - first));
      // One object for each, so that the encoder's scratch memory is gone before heads need memory of their own.
      std::vector<half_rows> train = feature_pass(encoder, bare_->reader, group).run(train_, run_, report_.train_texts);
      std::vector<half_rows> dev = feature_pass(encoder, bare_->reader, group).run(dev_, run_, report_.dev_texts);
      for (std::size_t i = 0; i < group.size(); ++i) {
        tell_heads(choices.size(), wanted.size());
        choices.push_back(choose_strength(task, group[i], std::move(train[i]), std::move(dev[i]), run_));
      }
    }
    tell_heads(choices.size(), wanted.size());
    return choices;
  }

  /// A mix for each layer above the first that has a head without.
  [[nodiscard]] std::vector<pooled_layer> learn_mixes(const choice_task& task, const nn::encoder& encoder,
                                                      std::span<const head_choice> plain) const {
    constexpr std::size_t most_texts = 16384;  // a mix has a weight for each layer only
    const model::pooling pooling = better_pooling(plain);
    std::vector<pooled_layer> mixes;
    std::vector<double> penalties;
    for (const head_choice& choice : plain) {
      if (choice.input.pooling == pooling && choice.input.layer > 1) {
        mixes.push_back(choice.input);
        penalties.push_back(1 / (choice.strength * static_cast<double>(train_.texts.size())));
      }
    }
    if (mixes.empty()) {
      return {};
    }
    std::vector<pooled_layer> every_layer;
    for (int layer = 1; layer <= mixes.back().layer; ++layer) {
      every_layer.push_back({layer, pooling});
    }
    const dataset data = thin_out(train_, task.num_labels, most_texts);
    const layered_texts texts{feature_pass(encoder, bare_->reader, every_layer).run(data, run_, report_.train_texts),
                              label_ids(data), task.num_labels, task.class_weights};
    const mix_learner learner(texts, run_);
    for (std::size_t i = 0; i < mixes.size(); ++i) {
      tell_heads(i, mixes.size());
      mixes[i].mix = learner.learn(mixes[i].layer, penalties[i]);
    }
    tell_heads(mixes.size(), mixes.size());
    return mixes;
  }

  void tell_heads(std::size_t done, std::size_t total) const {
    if (report_.heads) {
      report_.heads(done, total);
    }
  }

  void add_head(const head_choice& choice) {
    const std::string name = "exits." + std::to_string(content_.exits.size()) + ".";
    const std::size_t labels = choice.head.bias.size();
    const std::vector<float>& mix = choice.input.mix;
    tensors_.push_back(
        {name + "classifier.weight", {labels, choice.head.weights.size() / labels}, choice.head.weights});
    tensors_.push_back({name + "classifier.bias", {labels}, choice.head.bias});
    content_.exits.push_back({.layer = choice.input.layer, .pooling = choice.input.pooling});
    if (!mix.empty()) {
      tensors_.push_back({name + "mix", {mix.size()}, mix});
      content_.exits.back().mix = true;
    }
    fitted_exit& exit = result_.exits.emplace_back();
    exit.layer = choice.input.layer;
    exit.pooling = choice.input.pooling == model::pooling::cls ? pooling_choice::cls : pooling_choice::mean;
    exit.mix = mix;
    exit.strength = choice.strength;
    exit.train_accuracy = choice.train_accuracy;
    exit.is_optimal = choice.head.is_optimal;
    warn_of_steps(exit);
  }

  void add_own_classifier() {
    const std::string name = "exits." + std::to_string(content_.exits.size()) + ".";
    for (model::named_tensor& tensor : bare_->classifier) {
      tensors_.push_back({name + tensor.name, tensor.shape, tensor.values});
    }
    content_.exits.push_back({.layer = bare_->config.num_layers, .pooler = model::pooler::own});
    content_.exits.back().pooler_activation = bare_->activation;
    result_.exits.emplace_back().layer = bare_->config.num_layers;
  }

  /// Temperatures and what they do, on dev.
  void calibrate(const exit_logits& logits) {
    model::calibration_description calibration{
        numeric_format::float32, dev_.sha256, static_cast<std::int64_t>(dev_.texts.size()), {}};
    for (std::size_t j = 0; j < logits.exits.size(); ++j) {
      fitted_exit& exit = result_.exits[j] = calibrated(std::move(result_.exits[j]), logits, j);
      content_.exits[j].temperature.float32 = exit.temperature.temperature;
      calibration.exits.push_back(
          stored_quality(exit.temperature.nll_before, exit.temperature.nll_after, exit.ece_before, exit.ece_after));
      if (exit.temperature.at_bound) {
        result_.warnings.push_back("the temperature of the exit on layer " + std::to_string(exit.layer) +
                                   " lies at the end of its range");
      }
    }
    content_.calibration.push_back(std::move(calibration));
    if (content_.exits.front().ngrams) {
      result_.share_before_encoder = share_as_right(logits);
    }
  }

  void add_golden_texts(const classifier& fitted) {
    for (golden_text& golden : golden_) {
      const std::vector<exit_output> outputs =
          golden.second ? fitted.classify_every_exit(sentence_pair{golden.first, *golden.second}, run_)
                        : fitted.classify_every_exit(golden.first, run_);
      for (const exit_output& output : outputs) {
        golden.logits.push_back(output.logits);
      }
    }
    content_.golden = golden_;
  }

  const model::file_set& checkpoint_;
  const fit_options& options_;
  const runner& run_;
  const fit_progress& report_;
  std::optional<bare_model> bare_;
  std::vector<int> layers_;  // of the encoder
  dataset train_;
  dataset dev_;
  std::vector<golden_text> golden_;
  model::exits_file content_;
  std::vector<model::named_tensor> tensors_;
  fit_result result_;
};

}  // namespace
}  // namespace detail

fit_result fit_exits(const std::filesystem::path& model, const std::filesystem::path& train,
                     const std::filesystem::path& dev, const std::filesystem::path& out, const fit_options& options,
                     const runner& run, const fit_progress& report) {
  const offramp::detail::default_floating_point environment;
  const model::file_set checkpoint(model);
  if (options.layers == std::vector<int>{0} && checkpoint.find("exits.json")) {
    detail::make_directory(out);
    detail::ngram_addition added = detail::add_ngrams(checkpoint, train, dev, options, run);
    detail::copy_checkpoint(checkpoint, out);
    detail::write_exit_files(out, added.files);
    return std::move(added.result);
  }
  detail::exit_fitter fitter(checkpoint, train, dev, options, run, report);
  // What would only fail at the end should not wait until then.
  detail::make_directory(out);
  detail::check_nothing_in_the_way(checkpoint, model::file_set(out));
  const detail::exit_files files = fitter.fit();
  detail::copy_checkpoint(checkpoint, out);
  detail::write_exit_files(out, files);
  return std::move(fitter).result();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
