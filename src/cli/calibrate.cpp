// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "data_options.hpp"
#include "json_output.hpp"
#include "model_options.hpp"
#include "ngram_weights_output.hpp"
#include "policy_options.hpp"
#include "progress_bar.hpp"
#include "thread_runner.hpp"

#include <offramp/classifier.hpp>
#include <offramp/model/write_file.hpp>
#include <offramp/names.hpp>
#include <offramp/study/calibration.hpp>
#include <offramp/study/ngram_weights.hpp>
#include <offramp/study/reliability_chart.hpp>
#include <offramp/study/sweep_rule.hpp>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace offramp_cli {

namespace {

namespace study = offramp::study;

struct calibrate_options {
  model_options model;
  data_options data;
  std::optional<float> threshold;
  std::optional<std::string> reliability;
  int threads = 1;
  const CLI::Option* accept_bound = nullptr;
  const CLI::Option* dry_run = nullptr;
  const CLI::Option* no_fit = nullptr;
  const CLI::Option* ngram_weights = nullptr;
  const CLI::Option* keep_full_depth = nullptr;
  const CLI::Option* json_lines = nullptr;
};

json number(std::optional<double> value) { return value ? json(static_cast<float>(*value)) : json(); }

json quality_fields(const study::exit_quality& quality) {
  json bins = json::array();
  for (const study::reliability_bin& bin : quality.reliability) {
    const bool is_empty = bin.texts == 0;
    bins.push_back({{"lower", number(bin.lower)},
                    {"upper", number(bin.upper)},
                    {"texts", bin.texts},
                    {"confidence", is_empty ? json() : number(bin.confidence)},
                    {"accuracy", is_empty ? json() : number(bin.accuracy)}});
  }
  const study::exit_quality::leaving_texts& leaving = quality.leaving;
  const bool nobody_leaves = leaving.texts == 0;
  return {{"accuracy", number(quality.accuracy)},
          {"confidence", number(quality.confidence)},
          {"nll", number(quality.nll)},
          {"brier", number(quality.brier)},
          {"ece", number(quality.ece)},
          {"ece_of_draws", number(quality.ece_of_draws)},
          {"equal_mass_ece", number(quality.equal_mass_ece)},
          {"class_wise_ece", number(quality.class_wise_ece)},
          {"auroc_correct", number(quality.auroc_correct)},
          {"auroc_agreement", number(quality.auroc_agreement)},
          {"aurc", number(quality.aurc)},
          {"leaving",
           {{"texts", leaving.texts},
            {"accuracy", nobody_leaves ? json() : number(leaving.accuracy)},
            {"confidence", nobody_leaves ? json() : number(leaving.confidence)}}},
          {"reliability", std::move(bins)}};
}

void write_json(const study::calibration& fitted, const std::string& format, const study::dataset& data) {
  for (const study::exit_calibration& exit : fitted.exits) {
    write_json_line(std::cout, {{"layer", exit.layer},
                                {"format", format},
                                {"temperature", exit.temperature},
                                {"ngram_weight", exit.ngram_weight},
                                {"at_bound", exit.at_bound},
                                {"texts", fitted.num_texts},
                                {"labelled", data.is_labelled()},
                                {"before", quality_fields(exit.before)},
                                {"after", quality_fields(exit.after)}});
  }
}

std::string cell(std::optional<double> value, int digits = 4) {
  char text[64];
  if (value) {
    std::snprintf(text, sizeof text, "%9.*f", digits, *value);
  } else {
    std::snprintf(text, sizeof text, "%9s", "-");
  }
  return text;
}

std::string heading(const char* name) {
  char text[64];
  std::snprintf(text, sizeof text, "%9s", name);
  return text;
}

void write_row(const std::string& title, float temperature, const study::exit_quality& quality) {
  const study::exit_quality::leaving_texts& leaving = quality.leaving;
  const auto of_leaving = [&](double value) { return leaving.texts > 0 ? std::optional(value) : std::nullopt; };
  std::cout << title << cell(static_cast<double>(temperature)) << cell(quality.accuracy) << cell(quality.confidence)
            << cell(quality.nll) << cell(quality.brier) << cell(quality.ece) << cell(quality.ece - quality.ece_of_draws)
            << cell(quality.equal_mass_ece) << cell(quality.class_wise_ece) << cell(quality.auroc_correct)
            << cell(quality.auroc_agreement) << cell(quality.aurc) << cell(static_cast<double>(leaving.texts), 0)
            << cell(of_leaving(leaving.accuracy)) << cell(of_leaving(leaving.confidence)) << '\n';
}

/// Each exit at temperature 1, then at its own.
void write_text(const study::calibration& fitted, const study::dataset& data) {
  std::cout << "layer";
  const char* const right = data.is_labelled() ? "accuracy" : "agrees";
  for (const char* name : {"temp.", right, "conf.", "NLL", "Brier", "ECE", "-drawn", "eq.mass", "by label", "AUROC",
                           "agree", "AURC", "leave", right, "conf."}) {
    std::cout << heading(name);
  }
  std::cout << '\n';
  for (const study::exit_calibration& exit : fitted.exits) {
    char layer[16];
    std::snprintf(layer, sizeof layer, "%5d", exit.layer);
    write_row(layer, 1.0F, exit.before);
    write_row("     ", exit.temperature, exit.after);
  }
  write_ngram_weights(fitted.exits);
}

/// A diagram for each exit, at its own temperature.
void draw_reliability(const study::calibration& fitted, const std::string& file) {
  std::vector<study::reliability_panel> panels;
  for (const study::exit_calibration& exit : fitted.exits) {
    char note[64];
    std::snprintf(note, sizeof note, "error %.3f, before %.3f", exit.after.ece, exit.before.ece);
    panels.push_back({"Layer " + std::to_string(exit.layer), note, exit.after.reliability});
  }
  offramp::detail::write_file(file, study::reliability_svg(panels), offramp::detail::links::followed);
}

/// What a reader of the numbers must know.
void warn(const study::calibration& fitted, const study::dataset& data, const std::vector<std::string>& labels) {
  for (const study::exit_calibration& exit : fitted.exits) {
    if (exit.at_bound) {
      std::cerr << "offramp: layer " << exit.layer << ": the temperature " << exit.temperature
                << " lies at the end of its range\n";
    }
  }
  if (!data.is_labelled()) {
    return;
  }
  const std::vector<std::size_t> counts = study::count_labels(data, labels.size());
  for (std::size_t label = 0; label < labels.size(); ++label) {
    if (counts[label] == 0) {
      std::cerr << "offramp: " << data.name << ": no text has the label \"" << labels[label] << "\"\n";
    }
  }
}

study::calibration calibration_of(const offramp::classifier& model, const study::dataset& data,
                                  const offramp::exit_policy& policy, const calibrate_options& options) {
  study::exit_logits logits =
      study::compute_exit_logits(model, data, thread_runner(options.threads), progress_bar(data.name, "texts"));
  if (options.no_fit->count() > 0) {
    return study::measure(std::move(logits), policy);
  }
  if (options.ngram_weights->count() > 0) {
    logits = study::fit_ngram_weights(std::move(logits), options.keep_full_depth->count() > 0
                                                             ? study::full_depth_answers::kept
                                                             : study::full_depth_answers::fitted);
  }
  return study::calibrate(std::move(logits), policy, study::read_previous_logit_weights(options.model.path()));
}

void store(const study::calibration& fitted, const study::dataset& data, const calibrate_options& options) {
  const study::removed_certificates removed = study::store_calibration(
      options.model.path(), offramp::numeric_format_named(options.model.format).value(), fitted, data,
      options.accept_bound->count() > 0 ? study::temperature_at_bound::store : study::temperature_at_bound::refuse);
  if (removed.count > 0) {
    std::cerr << "offramp: " << options.model.path().string()
              << ": certificates removed, because temperatures changed: " << removed.count << '\n';
  }
  if (removed.had_default) {
    std::cerr << "offramp: the default policy stays, but was certified under other temperatures: it promises nothing "
                 "until offramp certify certifies it anew\n";
  }
}

void calibrate(const calibrate_options& options) {
  const bool is_stored = options.dry_run->count() == 0 && options.no_fit->count() == 0;
  if (is_stored) {
    options.model.check_own("calibrate writes temperatures");
  }
  const auto asked_for = options.threshold ? std::optional(confidence_of_at_least(*options.threshold)) : std::nullopt;
  const offramp::classifier model = options.model.load();
  const study::dataset data = options.data.read(model);
  const study::calibration fitted = calibration_of(model, data, asked_for.value_or(model.default_policy()), options);
  if (options.json_lines->count() > 0) {
    write_json(fitted, options.model.format, data);
  } else {
    write_text(fitted, data);
  }
  if (!std::cout.flush()) {
    throw std::runtime_error("standard output cannot be written");
  }
  if (options.reliability) {
    draw_reliability(fitted, *options.reliability);
  }
  warn(fitted, data, options.data.labels.of(model.labels()));
  if (is_stored) {
    store(fitted, data, options);
  }
}

}  // namespace

command add_calibrate(CLI::App& app) {
  CLI::App& parser =
      *app.add_subcommand("calibrate", "Fits the temperature of every exit and writes it into exits.json");
  const auto options = std::make_shared<calibrate_options>();
  options->model.add_to(
      parser, "Model directory, which is written into; with --dry-run or --no-fit also a bundled model's name");
  options->model.add_format_to(parser);
  options->data.add_to(parser);
  parser.add_option("--threshold", options->threshold,
                    "Confidence at which texts leave, for the last three columns (default: the model's policy)");
  parser.add_option("--reliability", options->reliability, "SVG file to write: accuracy against confidence per exit");
  parser.add_option("--threads", options->threads, "Threads to use")->check(CLI::Range(1, 1024))->capture_default_str();
  options->accept_bound =
      parser.add_flag("--accept-bound")
          ->description("Store temperatures at the end of their range, which few texts or a useless exit lead to");
  options->dry_run = parser.add_flag("--dry-run")->description("Write nothing into the model");
  options->no_fit = parser.add_flag("--no-fit")->description("Measure the model's own temperatures, write nothing");
  options->ngram_weights =
      parser.add_flag("--ngram-weights")
          ->description("Let every exit add the logits of the one before the encoder, and fit how much; answers change")
          ->excludes(parser.get_option("--no-fit"));
  options->keep_full_depth = parser.add_flag("--keep-full-depth")
                                 ->description("... but not those of the last exit")
                                 ->needs(parser.get_option("--ngram-weights"));
  options->json_lines = parser.add_flag("--json")->description("Write JSON Lines, with reliability bins");
  parser.footer(
      "Per exit two rows, at temperature 1 and at its own: temperature; accuracy and mean confidence; negative\n"
      "log-likelihood; Brier score; expected calibration error (15 bins), the same minus what labels drawn from the\n"
      "model's own probabilities show, with bins of equally many texts, and averaged over labels; area under the ROC\n"
      "curve with which confidence tells right from wrong answers, and answers that agree with the last exit's from\n"
      "others; area under the risk-coverage curve; and of the texts that leave there their number, accuracy and mean\n"
      "confidence. With --texts, answers that agree with the last exit's count as right, and its temperature stays.");
  return {&parser, [options] { calibrate(*options); }};
}

}  // namespace offramp_cli
