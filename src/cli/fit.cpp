// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "data_options.hpp"
#include "json_output.hpp"
#include "model_options.hpp"
#include "ngram_weights_output.hpp"
#include "progress_bar.hpp"
#include "thread_runner.hpp"

#include <offramp/error.hpp>
#include <offramp/names.hpp>
#include <offramp/study/certified_fit.hpp>
#include <offramp/study/fit.hpp>

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace offramp_cli {

namespace {

using offramp::study::certified_fit;
using offramp::study::certified_fit_options;
using offramp::study::class_weighting;
using offramp::study::encoder_saving;
using offramp::study::fit_result;
using offramp::study::fitted_exit;
using offramp::study::layer_mix;
using offramp::study::part_by;
using offramp::study::pooling_choice;

const std::map<std::string, pooling_choice> poolings{
    {"cls", pooling_choice::cls}, {"mean", pooling_choice::mean}, {"auto", pooling_choice::better}};
const std::map<std::string, layer_mix> mixes{{"none", layer_mix::none}, {"learned", layer_mix::learned}};
const std::map<std::string, class_weighting> weightings{{"none", class_weighting::by_text},
                                                        {"balanced", class_weighting::balanced}};
const std::map<std::string, offramp::input_kind> input_kinds{{"single", offramp::input_kind::single},
                                                             {"pair", offramp::input_kind::pair}};

const std::map<std::string, part_by> part_keys{{"text", part_by::text}, {"first-text", part_by::first_text}};

/// An option whose value is one of the names in `choices`, which outlives the parser, as does `value`.
template <class Value, class Choice>
CLI::Option* add_choice(CLI::App& parser, const std::string& name, Value& value,
                        const std::map<std::string, Choice>& choices, const std::string& text) {
  std::vector<std::string> names;
  for (const auto& [choice, meaning] : choices) {
    names.push_back(choice);
  }
  const auto set = [&](const std::string& given) { value = choices.at(given); };
  return parser.add_option_function<std::string>(name, set, text)->check(CLI::IsMember(names));
}

struct fit_arguments {
  std::string model;
  offramp::study::fit_files files;
  std::string out;
  offramp::study::certified_fit_options options;
  std::optional<double> certify;
  std::string format = "float32";
  int threads = offramp::usable_threads();
  const CLI::Option* delta = nullptr;
  const CLI::Option* json_lines = nullptr;
};

const char* pooling_name(const fitted_exit& exit) {
  return exit.layer == 0 ? "n-grams" : exit.pooling == pooling_choice::cls ? "cls" : "mean";
}

std::string number(const char* format, std::optional<double> value) {
  if (!value) {
    return "kept";
  }
  char digits[32];
  std::snprintf(digits, sizeof digits, format, *value);
  return digits;
}

void write_table(const fit_result& result) {
  constexpr const char* row = "%5s  %-7s  %3s  %8s  %9s  %9s  %11s  %9s  %9s  %9s  %9s\n";
  const auto write = [](auto... cells) {
    char line[160];
    std::snprintf(line, sizeof line, row, cells...);
    std::cout << line;
  };
  write("layer", "pooling", "mix", "C", "train acc", result.is_dev_labelled ? "dev acc" : "dev agree", "temperature",
        "NLL", "after", "ECE", "after");
  for (const fitted_exit& exit : result.exits) {
    write(std::to_string(exit.layer).c_str(), pooling_name(exit), exit.mix.empty() ? "no" : "yes",
          number("%g", exit.strength).c_str(), number("%.4f", exit.train_accuracy).c_str(),
          number("%.4f", exit.dev_accuracy).c_str(), number("%.4f", exit.temperature.temperature).c_str(),
          number("%.4f", exit.temperature.nll_before).c_str(), number("%.4f", exit.temperature.nll_after).c_str(),
          number("%.4f", exit.ece_before).c_str(), number("%.4f", exit.ece_after).c_str());
  }
  write_ngram_weights(result.exits);
}

/// A double with the digits of a float, which is what is certain of it.
json rounded(std::optional<double> value) { return value ? json(static_cast<float>(*value)) : json(); }

json saving_fields(const encoder_saving& saving) {
  return {{"share", rounded(saving.share)},
          {"mean_layer", rounded(saving.mean_layer)},
          {"mean_layer_without", rounded(saving.mean_layer_without)},
          {"most_loss", rounded(saving.most_loss)}};
}

void write_json(const fit_result& result) {
  for (const fitted_exit& exit : result.exits) {
    const bool has_saving = exit.layer == 0 && result.before_encoder;
    write_json_line(std::cout, {{"layer", exit.layer},
                                {"layers", result.num_layers},
                                {"pooling", pooling_name(exit)},
                                {"mix", exit.mix.empty() ? json() : json(exit.mix)},
                                {"strength", rounded(exit.strength)},
                                {"optimal", exit.is_optimal},
                                {"train_accuracy", rounded(exit.train_accuracy)},
                                {"ngram_weight", exit.ngram_weight},
                                {"dev_accuracy", rounded(exit.dev_accuracy)},
                                {"temperature", exit.temperature.temperature},
                                {"at_bound", exit.temperature.at_bound},
                                {"dev_labelled", result.is_dev_labelled},
                                {"nll_before", rounded(exit.temperature.nll_before)},
                                {"nll_after", rounded(exit.temperature.nll_after)},
                                {"ece_before", rounded(exit.ece_before)},
                                {"ece_after", rounded(exit.ece_after)},
                                {"saving", has_saving ? saving_fields(*result.before_encoder) : json()}});
  }
}

/// What the exit before the encoder does for the model, or would.
void write_saving(const fit_result& result) {
  const encoder_saving& saving = result.before_encoder.value();
  const bool is_kept = result.exits.front().layer == 0;
  char text[240];
  std::snprintf(text, sizeof text,
                "%s before the encoder: %.1f %% of dev %s there, mean layer %.2f instead of %.2f, "
                "where %s may be %g below full depth's\n",
                is_kept ? "exit" : "no exit", 100 * saving.share, is_kept ? "leave" : "would leave", saving.mean_layer,
                saving.mean_layer_without, result.is_dev_labelled ? "accuracy" : "agreement", saving.most_loss);
  std::cout << text;
}

void write(const fit_result& result, const fit_arguments& arguments) {
  for (const std::string& warning : result.warnings) {
    std::cerr << "offramp: " << warning << '\n';
  }
  if (arguments.json_lines->count() > 0) {
    write_json(result);
    return;
  }
  write_table(result);
  if (result.before_encoder) {
    write_saving(result);
  }
}

void write_promise(const certified_fit& done) {
  const offramp::study::tested_policy& certified = done.promise.certified.value();
  const double early = done.early.single.mean_ms;
  const double full = done.full_depth.single.mean_ms;
  write_json_line(std::cout, {{"loss", "disagreement"},
                              {"epsilon", done.promise.epsilon},
                              {"delta", done.promise.delta},
                              {"n", done.promise.n},
                              {"losses", certified.losses},
                              {"bound", rounded(certified.bound)},
                              {"threshold", certified.policy.threshold()},
                              {"mean_layer", rounded(certified.mean_layer)},
                              {"layers", done.num_layers},
                              {"mean_ms", rounded(early)},
                              {"full_depth_ms", rounded(full)},
                              {"report", done.report.string()}});
}

void fit(const fit_arguments& arguments) {
  if (!arguments.certify && arguments.format != "float32") {
    throw usage_error("--format is for --certify: without it, offramp calibrate fits the temperatures of a format");
  }
  if (!arguments.certify && arguments.delta->count() > 0) {
    throw usage_error("--delta is for --certify: it says how often that promise may be wrong");
  }
  if (!arguments.files.texts && arguments.options.fit.part_texts_by != part_by::text) {
    throw usage_error("--part-by is for --texts, which are parted: --train and --dev are not");
  }
  if (arguments.certify && !arguments.files.texts) {
    throw usage_error("--certify needs texts that nothing was fitted to: some of --texts");
  }
  const offramp::study::fit_progress report{progress_bar("train", "texts"), progress_bar("dev", "texts"),
                                            progress_bar("heads", "fits"), progress_bar("answers", "texts"),
                                            progress_bar("certify", "texts")};
  const offramp::runner run = thread_runner(arguments.threads);
  if (!arguments.certify) {
    write(fit_exits(arguments.model, arguments.files, arguments.out, arguments.options.fit, run, report), arguments);
    return;
  }
  certified_fit_options options = arguments.options;
  options.epsilon = *arguments.certify;
  options.format = offramp::numeric_format_named(arguments.format).value();
  const certified_fit done = fit_certified(arguments.model, arguments.files, arguments.out, options, run, report);
  write(done.fit, arguments);
  if (arguments.json_lines->count() > 0) {
    write_promise(done);
  } else {
    std::cout << describe(done) << '\n';
  }
}

}  // namespace

command add_fit(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("fit", "Adds exits to a Hugging Face checkpoint, which stays as it is");
  const auto arguments = std::make_shared<fit_arguments>();
  offramp::study::fit_options& options = arguments->options.fit;
  parser.add_option("--model", arguments->model, "Directory of the checkpoint")->required();
  parser.add_option("--train", arguments->files.train, "Labelled texts to learn from: label<TAB>text, .jsonl or .csv");
  parser.add_option("--dev", arguments->files.dev, "Labelled texts to choose and calibrate with");
  parser.add_option(
      "--texts", arguments->files.texts,
      "Texts without labels, one a line, .jsonl or .csv: exits learn full depth's answers to them; without "
      "--dev, a fifth of them chooses and calibrates");
  parser.add_option("--out", arguments->out, "Directory of the new model; that of --model: exits.* are added there")
      ->required();
  add_field_names_to(parser, options.fields);
  parser.add_option("--labels", options.labels, "Labels as the data write them, in the order of their ids")
      ->delimiter(',');
  parser.add_option("--cuts", options.cuts, "Of a multi-label checkpoint: probabilities above which labels are given")
      ->delimiter(',');
  parser
      .add_option("--layers", options.layers,
                  "Layers that get an exit, as in 2,4,6; 0 is before the encoder (default: all, 0 where it saves "
                  "something)")
      ->delimiter(',');
  add_choice(parser, "--pooling", options.pooling, poolings,
             "cls, mean, or auto: what does better on dev, exit by exit")
      ->default_str("auto");
  add_choice(parser, "--mix", options.mix, mixes,
             "none, or learned: a sum of all layers so far, where it does better on dev")
      ->default_str("none");
  add_choice(parser, "--class-weights", options.weighting, weightings, "none, or balanced: every label counts alike")
      ->default_str("none");
  parser.add_option("--l2", options.strengths, "Strengths to choose from, as scikit-learn's C: smaller is stronger")
      ->delimiter(',')
      ->default_str("0.0001,0.001,0.01,0.1,1");
  add_choice(parser, "--part-by", options.part_texts_by, part_keys,
             "text, or first-text: pairs with the same first text stay in one part of --texts")
      ->default_str("text");
  parser.add_option("--max-tokens", options.max_tokens, "Longest text in tokens (default: the checkpoint's)");
  add_choice(parser, "--input-kind", options.input, input_kinds,
             "single or pair (default: as the training data's first line)");
  CLI::Option* const threshold =
      parser.add_option("--threshold", options.threshold, "Confidence to leave at by default (default: full depth)");
  parser
      .add_option("--certify", arguments->certify,
                  "Certify with some of --texts that at most this share is answered otherwise than at full depth; the "
                  "threshold becomes the default")
      ->excludes(threshold);
  arguments->delta = parser.add_option("--delta", arguments->options.delta, "Probability that this promise is wrong")
                         ->capture_default_str();
  parser.add_option("--format", arguments->format, "Arithmetic that the promise is for")
      ->check(CLI::IsMember(names_in(offramp::detail::numeric_format_names)))
      ->capture_default_str();
  parser.add_option("--golden", options.golden, "Texts to store for `offramp verify`, one a line");
  parser.add_option("--threads", arguments->threads, "Threads to use")
      ->check(CLI::Range(1, 1024))
      ->default_str("all usable");
  arguments->json_lines = parser.add_flag("--json")->description("Write JSON Lines");
  return {&parser, [arguments] { fit(*arguments); }};
}

}  // namespace offramp_cli
