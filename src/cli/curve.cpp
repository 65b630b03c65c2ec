// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "curve_output.hpp"
#include "data_options.hpp"
#include "grid_option.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"
#include "progress_bar.hpp"
#include "thread_runner.hpp"

#include <offramp/classifier.hpp>
#include <offramp/study/curve_report.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/run_study.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace offramp_cli {

namespace study = offramp::study;

namespace {

struct curve_options {
  model_options model;
  data_options data;
  std::string rule = "confidence";
  std::optional<int> patience;
  std::optional<float> decline;
  int threads = offramp::usable_threads();
  int timing_threads = 1;
  std::string grid = "16";
  study::timing_options timing;
  std::size_t points = 1000;
  std::string out;
  std::vector<std::string> picks = {"loss:1", "loss:2", "speedup:3"};
  const CLI::Option* picked = nullptr;
  const CLI::Option* json_lines = nullptr;
};

constexpr std::array swept_rules = [] {
  using enum offramp::exit_policy::rule;
  return std::array{confidence, declining, entropy, normalized_entropy, margin, patience, patience_entropy, learned};
}();

study::sweep_rule rule_of(const curve_options& options) {
  if (options.patience.has_value() != (options.rule == "patience-entropy")) {
    throw usage_error("--patience is needed by --rule patience-entropy, and by no other: --rule patience sweeps it");
  }
  check_decline(options.rule, options.decline);
  const study::sweep_rule rule{*std::ranges::find(swept_rules, options.rule, rule_name), options.patience.value_or(1),
                               options.decline.value_or(0.0F)};
  static_cast<void>(policy_at(rule, 0.0F));
  return rule;
}

std::vector<study::pick_goal> goals_of(const curve_options& options) {
  std::vector<study::pick_goal> goals;
  for (const std::string& text : options.picks) {
    goals.push_back(study::parse_pick_goal(text));
    if (goals.back().what == study::pick_goal::kind::p95 && options.timing.rounds == 0) {
      throw usage_error("--pick " + text + " needs wall time: --rounds is 0, expected at least 1");
    }
  }
  return goals;
}

std::string directory_name(const std::filesystem::path& directory) {
  const std::filesystem::path plain = (directory / "").lexically_normal().parent_path();
  return plain.filename().empty() ? directory.string() : plain.filename().string();
}

study::study_options study_options_of(const curve_options& options) {
  study::study_options wanted{.model_name = directory_name(options.model.path()),
                              .rule = rule_of(options),
                              .goals = goals_of(options),
                              .timing = options.timing,
                              .timing_threads = options.timing_threads};
  set_grid(options.grid, wanted);
  return wanted;
}

/// The texts of asked-for picks must not certify later. A bundled model stays as it is.
void note_choosing(const curve_options& options, const study::dataset& data) {
  if (options.picked->count() == 0 || options.model.path() != options.model.directory) {
    return;
  }
  try {
    study::note_texts(options.model.path(), study::text_use::chosen, data);
  } catch (const offramp::error& problem) {
    std::cerr << "offramp: certify will not know that these texts chose: " << problem.what() << '\n';
  }
}

void run_curve(const curve_options& options) {
  // Mistakes on the command line should not wait for the model.
  const study::study_options wanted = study_options_of(options);
  const offramp::classifier model = options.model.load();
  model.check(policy_at(wanted.rule, 0.0F));
  const study::dataset data = options.data.read(model);
  note_choosing(options, data);
  const study::curve_study result =
      run_study(model, data, wanted, thread_runner(options.threads), thread_runner(options.timing_threads),
                {progress_bar("every exit", "texts"), progress_bar("wall time", "texts")});
  write_curve_study(result, points_to_write(result, options.points == 0 ? result.found.points.size() : options.points),
                    options.out);
  if (options.json_lines->count() > 0) {
    write_curve_json(result);
  } else {
    write_curve_text(result);
  }
}

void add_timing_to(CLI::App& parser, curve_options& options) {
  parser.add_option("--grid", options.grid, "Thresholds to time: how many, evenly spread, or a list as in 0.5,0.9")
      ->capture_default_str();
  parser.add_option("--rounds", options.timing.rounds, "Times that each threshold is timed; 0: none is")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  parser.add_option("--batch", options.timing.batch, "Texts per call, where they are timed in batches")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  parser.add_option("--timed-texts", options.timing.texts, "At most so many texts are timed, drawn by --seed")
      ->check(CLI::Range(1, 100000000))
      ->capture_default_str();
  parser.add_option("--timing-threads", options.timing_threads, "Threads lent to each timed call")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  parser.add_option("--seed", options.timing.seed, "Draws the timed texts and the order of thresholds")
      ->capture_default_str();
}

}  // namespace

command add_curve(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("curve", "Accuracy, layers and wall time over all thresholds, as a report");
  const auto options = std::make_shared<curve_options>();
  options->model.add_to(parser);
  options->model.add_format_to(parser);
  options->model.add_exits_to(parser);
  options->data.add_to(parser);
  parser.add_option("--out", options->out, "Directory for curve.{jsonl,csv,svg}, reliability.svg and report.html")
      ->required();
  std::vector<std::string> rules;
  std::ranges::transform(swept_rules, std::back_inserter(rules), rule_name);
  parser.add_option("--rule", options->rule, "What is swept")->check(CLI::IsMember(rules))->capture_default_str();
  parser.add_option("--patience", options->patience, "Exits in a row, for --rule patience-entropy");
  add_decline_to(parser, options->decline);
  options->picked = parser
                        .add_option("--pick", options->picks,
                                    "Choose a threshold: loss:POINTS (on these texts), loss:POINTS@PERCENT (so sure on "
                                    "others too), speedup:FACTOR or p95:MILLISECONDS; may be repeated. The model "
                                    "directory notes that these texts chose")
                        ->allow_extra_args(false)
                        ->capture_default_str();
  parser.add_option("--points", options->points, "About how many points of the curve to write; 0: all")
      ->capture_default_str();
  parser.add_option("--threads", options->threads, "Threads for the pass over the data")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  add_timing_to(parser, *options);
  options->json_lines = parser.add_flag("--json")->description("Write JSON Lines");
  return {&parser, [options] { run_curve(*options); }};
}

}  // namespace offramp_cli
