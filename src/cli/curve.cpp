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

std::vector<study::goal> goals_of(const curve_options& options) {
  std::vector<study::goal> goals;
  for (const std::string& text : options.picks) {
    goals.push_back(study::parse_goal(text));
    if (goals.back().what == study::goal::kind::p95 && options.timing.rounds == 0) {
      throw usage_error("--pick " + text + " needs wall time: --rounds is 0, expected at least 1");
    }
  }
  return goals;
}

std::string directory_name(const std::filesystem::path& directory) {
  const std::filesystem::path plain = (directory / "").lexically_normal().parent_path();
  return plain.filename().empty() ? directory.string() : plain.filename().string();
}

/// What is known without a clock.
void add_counted_picks(study::curve_study& result, const std::vector<study::goal>& goals) {
  for (const study::goal& goal : goals) {
    if (goal.what == study::goal::kind::loss) {
      result.picks.push_back({describe(goal), goal.confidence
                                                  ? pick_sure_loss(result.found, goal.value, *goal.confidence)
                                                  : pick_loss(result.found, goal.value)});
    } else if (goal.what == study::goal::kind::speedup) {
      result.picks.push_back({describe(goal) + ", in layers", pick_layer_speedup(result.found, goal.value)});
    }
  }
}

void add_timed_picks(study::curve_study& result, const std::vector<study::goal>& goals) {
  const auto add = [&](const std::string& wanted, std::optional<std::size_t> index) {
    result.picks.push_back({wanted, index ? std::optional(result.timed[*index].point) : std::nullopt});
  };
  for (const study::goal& goal : goals) {
    if (goal.what == study::goal::kind::speedup) {
      add(describe(goal) + ", in wall time", pick_time_speedup(result.found, result.timed, goal.value));
    } else if (goal.what == study::goal::kind::p95) {
      add(describe(goal), pick_p95(result.found, result.timed, goal.value));
    }
  }
}

/// The grid, the points picked so far and full depth.
std::vector<std::size_t> points_to_time(const study::curve_study& result, const grid& wanted) {
  std::vector<std::size_t> points = wanted.points_of(result.found);
  for (const study::pick& chosen : result.picks) {
    if (chosen.point) {
      points.push_back(*chosen.point);
    }
  }
  points.push_back(result.found.points.size() - 1);
  std::ranges::sort(points);
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

void measure(study::curve_study& result, const offramp::classifier& model, const study::dataset& data,
             const grid& wanted) {
  const std::vector<std::size_t> points = points_to_time(result, wanted);
  std::vector<offramp::exit_policy> policies;
  for (const std::size_t point : points) {
    policies.push_back(policy_at(result.found.rule, result.found.points[point].thresholds->shortest));
  }
  const auto times = measure_wall_time(model, data, policies, result.timing, thread_runner(result.timing_threads),
                                       progress_bar("wall time", "texts"));
  for (std::size_t i = 0; i < points.size(); ++i) {
    result.timed.push_back({points[i], times[i]});
  }
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
  const study::sweep_rule rule = rule_of(options);
  const std::vector<study::goal> goals = goals_of(options);
  const grid wanted(options.grid);
  const offramp::classifier model = options.model.load();
  model.check(policy_at(rule, 0.0F));
  const study::dataset data = options.data.read(model);
  const study::exit_logits logits =
      compute_exit_logits(model, data, thread_runner(options.threads), progress_bar("every exit", "texts"));

  study::curve_study result{.model = directory_name(options.model.path()),
                            .numeric_format = options.model.format,
                            .kernels = model.info().kernels,
                            .data = data.name,
                            .data_sha256 = data.sha256,
                            .found = compute_curve(logits, rule),
                            .picks = {},
                            .timed = {},
                            .timing = options.timing,
                            .timing_threads = options.timing_threads,
                            .reliability = reliability_of_exits(logits),
                            .by_label = {},
                            .is_labelled = logits.is_labelled};
  note_choosing(options, data);
  add_counted_picks(result, goals);
  if (options.timing.rounds > 0) {
    measure(result, model, data, wanted);
    add_timed_picks(result, goals);
  }
  const auto first =
      std::ranges::find_if(result.picks, [](const study::pick& chosen) { return chosen.point.has_value(); });
  const std::size_t shown = first == result.picks.end() ? result.found.points.size() - 1 : *first->point;
  result.by_label =
      share_by_label(logits, model.labels(), policy_at(rule, result.found.points[shown].thresholds->shortest));
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
  options->picked =
      parser
          .add_option("--pick", options->picks,
                      "Choose a threshold: loss:POINTS (on these texts), loss:POINTS@PERCENT (so sure on others too), speedup:FACTOR or p95:MILLISECONDS; may be repeated. The model "
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
