// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_copy.hpp"
#include "encoder_saving.hpp"
#include "exit_calibration.hpp"
#include "exit_choice.hpp"
#include "fit_inputs.hpp"
#include "fit_model.hpp"
#include "fit_texts.hpp"
#include "head_search.hpp"
#include "layer_features.hpp"
#include "ngram_addition.hpp"
#include "ngram_choice.hpp"
#include "study/exit_files.hpp"
#include "study/update_exits.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/exits/writer.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/model/sha256.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/ngram_weights.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Fits exits to one checkpoint and makes their files.
class exit_fitter {
 public:
  /// `known`: to the exits that the checkpoint has, if it has some.
  exit_fitter(const model::file_set& checkpoint, const known_texts& known, const fit_files& files,
              const fit_options& options, const fit_purpose& purpose, const runner& run, const fit_progress& report)
      : checkpoint_(checkpoint), options_(options), purpose_(purpose), run_(run), report_(report) {
    check_fit_options(options);
    check_files(files);
    bare_ = open_bare_model(checkpoint_, options.max_tokens);
    if (files.texts && bare_->classifier.empty()) {
      take_last_exit(*bare_, checkpoint_, options.max_tokens);
      known_ = known.of(text_use::learned);
    }
    content_.max_tokens = static_cast<int>(bare_->reader.max_tokens);
    layers_ = choose_layers(*bare_, options.layers);
    if (files.texts && bare_->classifier.empty()) {
      throw error(error_kind::unsupported, checkpoint.describe("model.safetensors") +
                                               ": has no classifier, whose answers exits could learn from texts "
                                               "without labels");
    }
    const label_names labels = choose_labels(*bare_, options.labels, files.train, options.fields);
    const input_kind input =
        options.input ? *options.input : find_input(files, options.fields, labels_per_row(bare_->config));
    content_.cuts = choose_cuts(bare_->config, options, labels.in_model.size());
    reader_.emplace(
        files, known_, labels.in_data, input,
        text_shares{purpose.held_out, options.part_texts_by, options.fields, labels_per_row(bare_->config)});
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
    const auto load_teacher = [&] {
      load_options limits;
      limits.max_tokens = options_.max_tokens;
      if (!bare_->is_described_exit) {
        return load_with(checkpoint_, {}, limits);
      }
      limits.exits = {bare_->config.num_layers};
      return load_with(checkpoint_, read_exit_files(checkpoint_), limits);
    };
    texts_ = std::move(*reader_).answer(load_teacher, run_, report_.answers);
    check_weighting(options_.weighting, texts_.train, content_.labels);
    result_.warnings = texts_.warnings;
    result_.is_dev_labelled = texts_.dev.data.is_labelled();
    known_.add(text_use::learned, texts_.train.data);
    known_.add(text_use::calibrated, texts_.dev.data);
    if (bare_->ngrams) {
      add_ngrams(*bare_->ngrams, {});
    } else if (options_.layers.empty() || options_.layers.front() == 0) {
      const ngram_choice choice =
          choose_ngrams(bare_->reader, texts_, content_.labels.size(), content_.cuts, options_, run_);
      add_ngrams(choice.head, choice.fitted());
    }
    choose_heads();
    exit_logits logits = calibrate(compute_exit_logits(load_fitted(), texts_.dev.data, run_, {}));
    const auto has_ngrams_beside_layers = [&] { return content_.exits.front().ngrams && content_.exits.size() > 1; };
    if (has_ngrams_beside_layers()) {
      judge_ngrams(logits);
    }
    if (has_ngrams_beside_layers()) {
      add_ngram_weights(std::move(logits));
    }
    for (const fitted_exit& exit : result_.exits) {
      warn_of(exit);
    }
    describe_calibration();
    if (options_.threshold) {
      content_.default_policy.emplace().threshold = *options_.threshold;
    }
    if (!golden_.empty()) {
      add_golden_texts(load_fitted());
    }
    return files();
  }

  [[nodiscard]] fit_outcome outcome() && {
    return {std::move(result_), std::move(texts_.dev.data), std::move(texts_.held_out)};
  }

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

  void add_ngrams(const exits::ngram_head& head, fitted_exit exit) {
    tensors_.push_back(describe_ngrams(head));
    content_.exits.push_back({.ngrams = head.shape});
    result_.exits.push_back(std::move(exit));
  }

  void choose_heads() {
    const std::vector<head_choice> choices =
        head_search(*bare_, texts_, content_.labels.size(), content_.cuts, options_, run_, report_).find(inputs());
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

  void add_head(const head_choice& choice) {
    const std::size_t labels = choice.head.bias.size();
    const std::vector<float>& mix = choice.input.mix;
    std::vector<model::named_tensor>& tensors = tensors_.emplace_back();
    tensors.push_back({"classifier.weight", {labels, choice.head.weights.size() / labels}, choice.head.weights});
    tensors.push_back({"classifier.bias", {labels}, choice.head.bias});
    content_.exits.push_back({.layer = choice.input.layer, .pooling = choice.input.pooling});
    if (!mix.empty()) {
      tensors.push_back({"mix", {mix.size()}, mix});
      content_.exits.back().mix = true;
    }
    fitted_exit& exit = result_.exits.emplace_back();
    exit.layer = choice.input.layer;
    exit.pooling = choice.input.pooling == model::pooling::cls ? pooling_choice::cls : pooling_choice::mean;
    exit.mix = mix;
    exit.strength = choice.strength;
    exit.train_accuracy = choice.train_accuracy;
    exit.is_optimal = choice.head.is_optimal;
  }

  void add_own_classifier() {
    tensors_.push_back(bare_->classifier);
    content_.exits.push_back(bare_->exit);
    fitted_exit& exit = result_.exits.emplace_back();
    exit.layer = bare_->exit.layer;
    exit.pooling = bare_->exit.pooling == model::pooling::cls ? pooling_choice::cls : pooling_choice::mean;
  }

  /// The exits as they stand.
  [[nodiscard]] exit_files files() const {
    std::vector<model::named_tensor> all;
    for (std::size_t exit = 0; exit < tensors_.size(); ++exit) {
      for (const model::named_tensor& tensor : tensors_[exit]) {
        all.push_back(tensor);
        all.back().name = model::exit_prefix(exit) + tensor.name;
      }
    }
    const std::string tensors = model::write_safetensors(all);
    return {model::write_exits_json(content_, model::sha256_hex(tensors)), tensors, known_.bytes()};
  }

  [[nodiscard]] classifier load_fitted() const { return load_with(checkpoint_, files(), {}); }

  /// Temperatures and what they do, on dev. Gives its logits with them.
  [[nodiscard]] exit_logits calibrate(exit_logits logits) {
    for (std::size_t j = 0; j < logits.exits.size(); ++j) {
      fitted_exit& exit = result_.exits[j] = calibrated(std::move(result_.exits[j]), logits, j);
      logits.exits[j].temperature = exit.temperature.temperature;
      content_.exits[j].temperature.float32 = exit.temperature.temperature;
    }
    return logits;
  }

  /// What the exit before the encoder saves; drops it where that is nothing, unless it was asked for or is heard.
  void judge_ngrams(const exit_logits& logits) {
    const encoder_saving saving = measure_saving(logits, purpose_.most_loss);
    result_.before_encoder = saving;
    if (options_.layers.empty() && !bare_->ngrams && !is_worth_it(saving)) {
      tensors_.erase(tensors_.begin());
      content_.exits.erase(content_.exits.begin());
      result_.exits.erase(result_.exits.begin());
    }
  }

  /// Lets the exits hear the one before the encoder, but the checkpoint's own classifier.
  void add_ngram_weights(exit_logits logits) {
    logits = fit_ngram_weights(std::move(logits),
                               is_kept(layers_.back()) ? full_depth_answers::kept : full_depth_answers::fitted);
    for (std::size_t j = 0; j < logits.exits.size(); ++j) {
      result_.exits[j].ngram_weight = content_.exits[j].ngram_weight = logits.exits[j].ngram_weight;
    }
    (void)calibrate(std::move(logits));
  }

  void warn_of(const fitted_exit& exit) {
    const std::string layer = "layer " + std::to_string(exit.layer);
    if (!exit.is_optimal) {
      result_.warnings.push_back("the fit of the head on " + layer +
                                 " ran out of steps before the optimum; a stronger penalty (a smaller C) ends sooner");
    }
    if (exit.temperature.at_bound) {
      result_.warnings.push_back("the temperature of the exit on " + layer + " lies at the end of its range");
    }
  }

  void describe_calibration() {
    const dataset& dev = texts_.dev.data;
    model::calibration_description calibration{
        numeric_format::float32, dev.sha256, static_cast<std::int64_t>(dev.texts.size()), {}};
    for (const fitted_exit& exit : result_.exits) {
      calibration.exits.push_back(
          stored_quality(exit.temperature.nll_before, exit.temperature.nll_after, exit.ece_before, exit.ece_after));
    }
    content_.calibration.push_back(std::move(calibration));
  }

  void add_golden_texts(const classifier& fitted) {
    for (golden_text& golden : golden_) {
      for (const exit_output& output : outputs_of(fitted, golden, run_)) {
        golden.logits.push_back(output.logits);
      }
    }
    content_.golden = golden_;
  }

  const model::file_set& checkpoint_;
  const fit_options& options_;
  const fit_purpose& purpose_;
  const runner& run_;
  const fit_progress& report_;
  std::optional<bare_model> bare_;
  std::vector<int> layers_;  // of the encoder
  std::optional<fit_reader> reader_;
  fit_texts texts_;
  known_texts known_;
  std::vector<golden_text> golden_;
  model::exits_file content_;
  std::vector<std::vector<model::named_tensor>> tensors_;  // [exits]
  fit_result result_;
};

}  // namespace

fit_outcome fit_model(const std::filesystem::path& model, const fit_files& files, const std::filesystem::path& out,
                      const fit_options& options, const fit_purpose& purpose, const runner& run,
                      const fit_progress& report) {
  const model::file_set checkpoint(model);
  // What would only fail at the end should not wait until then.
  const auto prepare_target = [&] {
    make_directory(out);
    check_nothing_in_the_way(checkpoint, model::file_set(out));
  };
  if (options.layers == std::vector<int>{0} && checkpoint.find("exits.json")) {
    prepare_target();
    ngram_addition added = add_ngrams(checkpoint, known_texts::read(model), files, options, purpose, run, report);
    copy_checkpoint(checkpoint, out);
    write_exit_files(out, added.files);
    return std::move(added.outcome);
  }
  exit_fitter fitter(checkpoint, known_texts::read(model), files, options, purpose, run, report);
  prepare_target();
  const exit_files written = fitter.fit();
  copy_checkpoint(checkpoint, out);
  write_exit_files(out, written);
  return std::move(fitter).outcome();
}

}  // namespace detail

fit_result fit_exits(const std::filesystem::path& model, const fit_files& files, const std::filesystem::path& out,
                     const fit_options& options, const runner& run, const fit_progress& report) {
  const offramp::detail::default_floating_point environment;
  return detail::fit_model(model, files, out, options, {}, run, report).result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
