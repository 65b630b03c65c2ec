// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "curve_output.hpp"
#include "data_options.hpp"
#include "grid_option.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"
#include "progress_bar.hpp"
#include "study_origin.hpp"
#include "texts_output.hpp"
#include "thread_runner.hpp"

#include <offramp/certificate.hpp>
#include <offramp/classifier.hpp>
#include <offramp/detail/directory_name.hpp>
#include <offramp/names.hpp>
#include <offramp/study/curve_report.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/run_study.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace offramp_cli {

namespace study = offramp::study;

namespace {

struct curve_options {
  std::vector<std::string> models;
  std::vector<std::string> formats = {"float32"};
  std::optional<std::string> exits;
  data_options data;
  std::vector<std::string> rules = {"confidence"};
  std::vector<double> certified;
  const CLI::Option* own_policy = nullptr;
  std::size_t examples = 3;
  texts_output texts;
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

/// Of the rules that were asked for, in their order.
std::vector<study::sweep_rule> rules_of(const curve_options& options) {
  const auto is_asked = [&](const char* name) { return std::ranges::find(options.rules, name) != options.rules.end(); };
  if (options.patience.has_value() != is_asked("patience-entropy")) {
    throw usage_error("--patience is needed by --rule patience-entropy, and by no other: --rule patience sweeps it");
  }
  check_decline(is_asked("declining") ? "declining" : "", options.decline);
  std::vector<study::sweep_rule> rules;
  for (const std::string& name : options.rules) {
    const auto kind = *std::ranges::find(swept_rules, name, rule_name);
    const bool declines = kind == offramp::exit_policy::rule::declining;
    const bool counts = kind == offramp::exit_policy::rule::patience_entropy;
    rules.push_back({kind, counts ? *options.patience : 1, declines ? *options.decline : 0.0F});
    static_cast<void>(policy_at(rules.back(), 0.0F));
  }
  return rules;
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

study::study_options study_options_of(const curve_options& options) {
  study::study_options wanted{.goals = goals_of(options),
                              .timing = options.timing,
                              .examples = options.examples,
                              .timing_threads = options.timing_threads};
  set_grid(options.grid, wanted);
  return wanted;
}

/// One for each model and format.
std::vector<model_options> models_of(const curve_options& options) {
  std::vector<model_options> models;
  for (std::size_t i = 0; i < std::max<std::size_t>(1, options.models.size()); ++i) {
    for (const std::string& format : options.formats) {
      models.push_back(
          {options.models.empty() ? std::nullopt : std::optional(options.models[i]), format, options.exits});
    }
  }
  return models;
}

/// As in "certified: 2 % disagreement at every exit".
std::string name_of(const offramp::certificate& promise) {
  const bool is_overall = promise.scope == offramp::certified_scope::overall;
  return "certified: " + CLI::detail::to_string(100.0 * promise.epsilon) + " % " + std::string(name_of(promise.loss)) +
         (is_overall ? "" : " at every exit");
}

/// The policies to show beside the curve. Throws std::runtime_error for a certificate that the model has not.
std::vector<study::named_policy> marked_policies(const curve_options& options, const offramp::classifier& model) {
  std::vector<study::named_policy> marked;
  if (options.own_policy->count() > 0) {
    marked.push_back({"the model's own policy", model.default_policy()});
  }
  for (const double epsilon : options.certified) {
    const std::size_t before = marked.size();
    for (const offramp::certificate& promise : model.certificates()) {
      if (std::abs(promise.epsilon - epsilon) < 1e-9) {
        marked.push_back({name_of(promise), promise.policy});
      }
    }
    if (marked.size() == before) {
      throw std::runtime_error("the model has no certificate of " + CLI::detail::to_string(epsilon) +
                               " in this format, with these exits");
    }
  }
  return marked;
}

/// The texts of asked-for picks must not certify later. A bundled model stays as it is.
void note_choosing(const curve_options& options, const model_options& model, const study::dataset& data) {
  if (options.picked->count() == 0 || model.is_bundled()) {
    return;
  }
  try {
    study::note_texts(model.path(), study::text_use::chosen, data);
  } catch (const offramp::error& problem) {
    std::cerr << "offramp: certify will not know that these texts chose: " << problem.what() << '\n';
  }
}

/// The studies of one model in one format, one for each rule, from one pass over the data.
void append_studies(const CLI::App& parser, curve_options& options, const std::vector<study::sweep_rule>& rules,
                    study::study_options wanted, const model_options& given, std::vector<study::curve_study>& studies) {
  const offramp::classifier model = given.load_and_warn();
  for (const study::sweep_rule& rule : rules) {
    model.check(policy_at(rule, 0.0F));
  }
  wanted.model_name = offramp::detail::directory_name(given.path());
  wanted.marked = marked_policies(options, model);
  const study::dataset data = options.data.read(model);
  note_choosing(options, given, data);
  const study::exit_logits logits =
      compute_exit_logits(model, data, thread_runner(options.threads), progress_bar("every exit", "texts"));
  options.texts.write(wanted.model_name, model, logits);
  wanted.origin = origin_of(parser, given.path());
  for (const study::sweep_rule& rule : rules) {
    wanted.rule = rule;
    studies.push_back(run_study(model, data, logits, wanted, thread_runner(options.timing_threads),
                                progress_bar("wall time", "texts")));
  }
}

void run_curve(const CLI::App& parser, curve_options& options) {
  // Mistakes on the command line should not wait for the model.
  const std::vector<study::sweep_rule> rules = rules_of(options);
  const study::study_options wanted = study_options_of(options);
  options.texts.open();
  std::vector<study::curve_study> studies;
  for (const model_options& model : models_of(options)) {
    append_studies(parser, options, rules, wanted, model, studies);
  }
  options.texts.commit();
  const study::curve_study& main = studies.front();
  write_curve_study(main, options.points, options.out, std::span(studies).subspan(1));
  for (const study::curve_study& each : studies) {
    if (options.json_lines->count() > 0) {
      write_curve_json(each);
    } else {
      if (studies.size() > 1) {
        std::cout << (&each == &main ? "" : "\n") << each.model << ", " << each.numeric_format << ", "
                  << rule_name(each.found.rule.kind) << ":\n";
      }
      write_curve_text(each);
    }
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
  parser
      .add_option("--model", options->models,
                  "Model directory, or a bundled model's name (default: sentiment-en); repeated, the curves of several "
                  "in one picture")
      ->allow_extra_args(false);
  parser.add_option("--format", options->formats, "Arithmetic of the linear layers; may be repeated")
      ->check(CLI::IsMember(names_in(offramp::detail::numeric_format_names)))
      ->allow_extra_args(false)
      ->capture_default_str();
  parser.add_option("--exits", options->exits, "Layers whose exits may answer, as in 2,4,6 (default: all)");
  options->data.add_to(parser);
  parser.add_option("--out", options->out, "Directory for curve.{jsonl,csv,svg}, reliability.svg and report.html")
      ->required();
  std::vector<std::string> rules;
  std::ranges::transform(swept_rules, std::back_inserter(rules), rule_name);
  parser.add_option("--rule", options->rules, "What is swept; may be repeated")
      ->check(CLI::IsMember(rules))
      ->allow_extra_args(false)
      ->capture_default_str();
  parser.add_option("--patience", options->patience, "Exits in a row, for --rule patience-entropy");
  add_decline_to(parser, options->decline);
  options->picked = parser
                        .add_option("--pick", options->picks,
                                    "Choose a threshold: loss:POINTS (on these texts), loss:POINTS@PERCENT (so sure on "
                                    "others too), speedup:FACTOR or p95:MILLISECONDS; may be repeated. The model "
                                    "directory notes that these texts chose")
                        ->allow_extra_args(false)
                        ->capture_default_str();
  parser
      .add_option("--certified", options->certified, "Show the model's certificates of this epsilon; may be repeated")
      ->allow_extra_args(false);
  options->own_policy = parser.add_flag("--own-policy")->description("Show the model's own policy");
  parser.add_option("--examples", options->examples, "Texts of each kind that the report quotes; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  options->texts.add_to(parser);
  parser.add_option("--points", options->points, "About how many points of the curve to write; 0: all")
      ->capture_default_str();
  parser.add_option("--threads", options->threads, "Threads for the pass over the data")
      ->check(CLI::Range(1, 1024))
      ->default_str("all usable");
  add_timing_to(parser, *options);
  options->json_lines = parser.add_flag("--json")->description("Write JSON Lines");
  return {&parser, [options, &parser] { run_curve(parser, *options); }};
}

}  // namespace offramp_cli
