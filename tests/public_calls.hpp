// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.hpp>
#include <offramp/study/calibration.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/curve_report.hpp>
#include <offramp/study/data_description.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/thread_pool.hpp>

#include "model_in_memory.hpp"
#include "study/fit_files.hpp"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace offramp_tests {

/// What calls returned, as text in which every bit of a number counts.
class transcript {
 public:
  void add(std::string_view text) { text_.append(text).push_back('\n'); }
  void add(float value) { add(std::to_string(std::bit_cast<std::uint32_t>(value))); }
  void add(const std::vector<float>& values) {
    for (const float value : values) {
      add(value);
    }
  }
  void add(const offramp::prediction& answer) {
    add(answer.label);
    add(answer.probabilities);
    add(std::to_string(answer.layer) + ' ' + std::to_string(answer.tokens));
  }
  void add(const std::vector<offramp::prediction>& answers) {
    for (const offramp::prediction& answer : answers) {
      add(answer);
    }
  }
  void add(const std::vector<offramp::exit_output>& outputs) {
    for (const offramp::exit_output& output : outputs) {
      add(output.logits);
      add(output.answer);
    }
  }
  void add(const offramp::encoding& tokens) {
    for (const std::int32_t id : tokens.ids) {
      add(std::to_string(id));
    }
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// One use of the public interface; what it returns is the same every time.
struct public_call {
  std::string name;
  std::function<std::string()> run;
};

/// A directory with a tiny model and labelled texts, and calls on them that cover the public interface. Those that
/// write do so below the directory, the same every time.
class public_calls {
 public:
  explicit public_calls(std::string model = "tiny")
      : files_(model), in_memory_(model), model_(offramp::classifier::load(files_ / "model")) {
    files_.write("train.tsv", labelled_lines(model_.labels(), 40, 1));
    files_.write("dev.tsv", new_lines(model_.labels(), 30, 2, files_.read("train.tsv")));
    files_.write("held-out.tsv", new_lines(model_.labels(), 60, 3, files_.read("train.tsv") + files_.read("dev.tsv")));
  }

  [[nodiscard]] std::filesystem::path directory() const { return files_ / ""; }
  [[nodiscard]] const offramp::classifier& model() const { return model_; }

  [[nodiscard]] std::vector<public_call> loading() const {
    return {{"load", [this] { return answer_of(offramp::classifier::load(files_ / "model")); }},
            {"load from memory", [this] { return answer_of(in_memory_.load()); }}};
  }

  /// Calls of a model as it was loaded from the directory.
  [[nodiscard]] static std::vector<public_call> classifying(const offramp::classifier& model,
                                                            const offramp::runner& run = {}) {
    const auto call = [](const auto& result) {
      return [result] {
        transcript found;
        found.add(result());
        return found.text();
      };
    };
    return {
        {"classify", call([=] { return model.classify(text, 0.6F, run); })},
        {"classify a pair", call([=] {
           return model.classify(offramp::sentence_pair{text, "dull"});
         })},
        {"classify tokens", call([=] {
           return model.classify(offramp::encoding{{2, 5, 3}, {}}, offramp::exit_policy::full_depth(), run);
         })},
        {"classify_batch", call([=] {
           return model.classify_batch(std::vector<std::string>{text, "", "the dog", std::string(300, 'a')}, 0.6F, run);
         })},
        {"classify_every_exit", call([=] { return model.classify_every_exit(text, run); })},
        {"tokenize", call([=] { return model.tokenize(text); })}};
  }

  [[nodiscard]] std::vector<public_call> studying() const {
    return {{"fit", [this] { return fit(); }},
            {"calibrate", [this] { return calibrate(); }},
            {"certify", [this] { return certify(); }},
            {"curve", [this] { return write_curve(); }}};
  }

 private:
  static constexpr const char* text = "a warm film, never dull";

  static std::string answer_of(const offramp::classifier& model) {
    transcript found;
    found.add(model.classify_every_exit(text));
    return found.text();
  }

  [[nodiscard]] offramp::study::dataset read(const std::string& name) const {
    return offramp::study::read_dataset(files_ / name, model_.labels(), offramp::input_kind::single);
  }

  [[nodiscard]] std::string fit() const {
    offramp::study::fit_options options;
    options.layers = {1, 3};
    options.pooling = offramp::study::pooling_choice::cls;
    options.strengths = {0.1};
    const auto result = offramp::study::fit_exits(
        files_ / "model", {.train = files_ / "train.tsv", .dev = files_ / "dev.tsv"}, files_ / "fitted", options);
    transcript found;
    for (const auto& exit : result.exits) {
      found.add(exit.temperature.temperature);
    }
    return found.text();
  }

  [[nodiscard]] std::string calibrate() const {
    const offramp::study::dataset data = read("dev.tsv");
    const auto fitted = offramp::study::calibrate(offramp::study::compute_exit_logits(model_, data), 0.7F,
                                                  offramp::study::read_previous_logit_weights(files_ / "model"));
    offramp::study::store_calibration(files_ / "model", offramp::numeric_format::bfloat16, fitted, data,
                                      offramp::study::temperature_at_bound::store);
    transcript found;
    for (const auto& exit : fitted.exits) {
      found.add(exit.temperature);
    }
    return found.text();
  }

  [[nodiscard]] std::string certify() const {
    std::filesystem::remove(files_ / "model/exits.texts.safetensors");  // it counts how often texts were tested on
    const offramp::study::dataset data = read("held-out.tsv");
    const offramp::study::replay texts(offramp::study::compute_exit_logits(model_, data));
    const std::vector<offramp::exit_policy> path{offramp::exit_policy::full_depth(), 0.9F};
    const auto result = offramp::study::certify(texts, path, offramp::certified_loss::disagreement, 0.3, 0.1);
    offramp::study::store_certificate(files_ / "model", model_, result, data);
    return std::to_string(result.certified->bound);
  }

  [[nodiscard]] std::string write_curve() const {
    const offramp::study::dataset data = read("dev.tsv");
    const auto logits = offramp::study::compute_exit_logits(model_, data);
    offramp::study::curve_study study{.model = "tiny",
                                      .numeric_format = "float32",
                                      .kernels = model_.info().kernels,
                                      .data = data.name,
                                      .data_sha256 = data.sha256,
                                      .found = offramp::study::compute_curve(logits, {}),
                                      .picks = {},
                                      .timed = {},
                                      .timing = {},
                                      .timing_threads = 1,
                                      .reliability = offramp::study::reliability_of_exits(logits),
                                      .by_label = offramp::study::share_by_label(logits, model_.labels(), 0.7F)};
    study.picks = {{"no loss", offramp::study::pick_loss(study.found, 0)}};
    offramp::study::write_curve_study(study, 5, files_ / "report");
    return std::to_string(study.found.points.size());
  }

  fit_directory files_;
  model_in_memory in_memory_;
  offramp::classifier model_;
};

}  // namespace offramp_tests
