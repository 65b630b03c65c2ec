// SPDX-License-Identifier: Apache-2.0
#include "certify_output.hpp"
#include "command.hpp"
#include "data_options.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"
#include "progress_bar.hpp"
#include "thread_runner.hpp"

#include <offramp/classifier.hpp>
#include <offramp/names.hpp>
#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/known_texts.hpp>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace offramp_cli {

namespace {

namespace study = offramp::study;

struct certify_options {
  model_options model;
  data_options data;
  std::vector<double> epsilons;
  double delta = 0.05;
  std::string loss = "disagreement";
  std::string rule = "confidence";
  std::optional<float> decline;
  const CLI::Option* conditional = nullptr;
  std::string thresholds = "one";
  std::optional<std::string> shape_data;
  int threads = 1;
  const CLI::Option* leave_out_known = nullptr;
  const CLI::Option* as_default = nullptr;
  const CLI::Option* json_lines = nullptr;
};

study::replay replay_of(const offramp::classifier& model, const study::dataset& data, int threads) {
  return study::replay(
      study::compute_exit_logits(model, data, thread_runner(threads), progress_bar(data.name, "texts")));
}

/// The policies to walk over; `shaping` are the texts of --shape-data.
std::vector<offramp::exit_policy> path_of(const certify_options& options, const offramp::classifier& model,
                                          const std::optional<study::replay>& shaping, double epsilon) {
  if (!shaping) {
    return options.rule == "learned"     ? study::gate_path()
           : options.rule == "declining" ? study::declining_path(*options.decline, model.exits().size())
                                         : study::threshold_path();
  }
  const offramp::certified_loss loss = offramp::certified_loss_named(options.loss).value();
  return options.thresholds == "per-exit"
             ? study::per_exit_path(study::per_exit_shape(*shaping, loss, epsilon))
             : study::per_label_path(study::per_label_shape(*shaping, loss, epsilon), shaping->num_exits());
}

void warn_of_few(const study::certification& result, const study::dataset& tested) {
  if (const std::int64_t needed = study::texts_needed(result.epsilon, result.delta); result.n < needed) {
    std::cerr << "offramp: " << tested.name << ": " << result.n << " texts are too few for a loss of at most "
              << result.epsilon << ": it takes " << needed << " without a single loss, and more with some\n";
  }
}

/// Those of --data that may certify, which --shape-data shares none with.
study::certifiable_texts select_texts(const certify_options& options, const offramp::classifier& model,
                                      const std::optional<study::dataset>& shaping) {
  study::known_texts known = study::known_texts::read(options.model.path());
  if (shaping) {
    known.add(study::text_use::chosen, *shaping);
  }
  return study::select_certifiable(known, options.data.read(model),
                                   options.leave_out_known->count() > 0 ? study::known_text_handling::leave_out
                                                                        : study::known_text_handling::refuse);
}

/// What was tested, epsilon by epsilon, and on which texts.
struct tested_texts {
  std::vector<study::certification> results;
  study::dataset texts;
};

/// For each epsilon one path of policies, tested on all texts.
tested_texts certify_path(const certify_options& options, const offramp::classifier& model, const study::dataset& texts,
                          const std::optional<study::dataset>& shaping) {
  std::optional<study::replay> shapes;
  if (shaping) {
    shapes = replay_of(model, *shaping, options.threads);
  }
  const study::replay tested = replay_of(model, texts, options.threads);
  tested_texts found{{}, texts};
  for (const double epsilon : options.epsilons) {
    found.results.push_back(study::certify(tested, path_of(options, model, shapes, epsilon),
                                           offramp::certified_loss_named(options.loss).value(), epsilon,
                                           options.delta));
  }
  return found;
}

/// Thresholds chosen on other texts, or on half of the texts, and tested on the rest.
tested_texts certify_every_exit(const certify_options& options, const offramp::classifier& model,
                                const study::dataset& texts, const std::optional<study::dataset>& shaping) {
  study::dataset choosing;
  study::dataset tested;
  if (shaping) {
    choosing = *shaping;
    tested = texts;
  } else {
    const bool is_pair = texts.texts.front().second.has_value();
    std::vector<study::dataset> halves =
        study::part_texts(texts, std::vector{0.5, 0.5}, is_pair ? study::part_by::first_text : study::part_by::text);
    choosing = std::move(halves[0]);
    tested = std::move(halves[1]);
    // The same hash would part them in the same way again: this half is looked at, but chooses nothing else.
    study::note_texts(options.model.path(), study::text_use::certified, choosing);
  }
  const study::replay choices = replay_of(model, choosing, options.threads);
  const study::replay tests = replay_of(model, tested, options.threads);
  tested_texts found{{}, std::move(tested)};
  for (const double epsilon : options.epsilons) {
    found.results.push_back(study::certify_every_exit(
        choices, tests, offramp::certified_loss_named(options.loss).value(), epsilon, options.delta));
  }
  return found;
}

void check_shape(const certify_options& options) {
  const bool is_conditional = options.conditional->count() > 0;
  const bool is_one = options.thresholds == "one";
  if (is_conditional && !is_one) {
    throw usage_error("--conditional finds a threshold for each exit itself, and goes without --thresholds");
  }
  if (!is_conditional && is_one == options.shape_data.has_value()) {
    throw usage_error("--shape-data goes with --thresholds per-exit and per-label, which need it, and --conditional");
  }
  if (options.rule != "confidence" && (is_conditional || !is_one)) {
    throw usage_error("--rule " + options.rule + " has one threshold for all exits and labels");
  }
  check_decline(options.rule, options.decline);
  for (const double epsilon : options.epsilons) {
    (void)study::texts_needed(epsilon, options.delta);  // refuses what is no promise
  }
  if (options.as_default->count() > 0 && options.model.exits) {
    throw usage_error("--as-default goes without --exits: the model's own policy is for all of its exits");
  }
  if (options.as_default->count() > 0 && options.epsilons.size() > 1) {
    throw usage_error("--as-default goes with one --epsilon: a model has one policy of its own");
  }
}

void check_labels(const certify_options& options, const study::dataset& data) {
  if (options.loss != "disagreement" && !data.is_labelled()) {
    throw usage_error(data.name + ": the texts have no labels, which --loss " + options.loss + " asks for");
  }
}

void certify(const certify_options& options) {
  options.model.check_own("certify writes certificates");
  check_shape(options);
  const std::filesystem::path directory = options.model.path();
  const offramp::classifier model = options.model.load_and_warn();
  if (options.rule == "learned") {
    model.check(offramp::exit_policy::learned(0.0F));
  }
  const std::optional<study::dataset> shaping =
      options.shape_data ? std::optional(options.data.read(model, *options.shape_data)) : std::nullopt;
  study::certifiable_texts texts = select_texts(options, model, shaping);
  for (const std::string& warning : texts.warnings) {
    std::cerr << "offramp: " << warning << '\n';
  }
  check_labels(options, texts.texts);
  if (shaping) {
    check_labels(options, *shaping);
    study::note_texts(directory, study::text_use::chosen, *shaping);
  }
  const auto [results, tested] = options.conditional->count() > 0
                                     ? certify_every_exit(options, model, texts.texts, shaping)
                                     : certify_path(options, model, texts.texts, shaping);
  std::string uncertified;
  for (const study::certification& result : results) {
    // Before it is shown: who has seen a result must not find the texts unseen afterwards.
    if (result.certified) {
      study::store_certificate(directory, model, result, tested);
    } else {
      study::note_texts(directory, study::text_use::certified, tested);
      uncertified += (uncertified.empty() ? "" : ", ") + CLI::detail::to_string(result.epsilon);
    }
    warn_of_few(result, tested);
    if (options.json_lines->count() > 0) {
      write_certification_json(result, texts);
    } else {
      write_certification_text(result);
    }
    ++texts.earlier_looks;
  }
  if (!uncertified.empty()) {
    throw std::runtime_error("no threshold is certified for --epsilon " + uncertified + ", and none is stored");
  }
  if (options.as_default->count() > 0) {
    study::store_default_policy(directory, model, results.front().certified->policy);
  }
}

}  // namespace

command add_certify(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("certify", "The lowest threshold with a guarantee, stored in exits.json");
  const auto options = std::make_shared<certify_options>();
  options->model.add_to(parser, "Model directory, which the certificate is written into");
  options->model.add_format_to(parser);
  options->model.add_exits_to(parser);
  options->data.add_to(parser);
  parser
      .add_option("--epsilon", options->epsilons,
                  "Highest loss to promise, between 0 and 1; may be repeated, for a certificate each")
      ->required()
      ->allow_extra_args(false);
  parser.add_option("--delta", options->delta, "Probability that the promise is wrong, between 0 and 1")
      ->capture_default_str();
  add_loss_to(parser, options->loss);
  parser
      .add_option("--rule", options->rule,
                  "What the threshold is for: the confidence, falling from exit to exit or not, or the learned gate")
      ->check(CLI::IsMember({"confidence", "declining", "learned"}))
      ->capture_default_str();
  add_decline_to(parser, options->decline);
  parser.add_option("--thresholds", options->thresholds, "One for all, or one per exit or label, moved by one scalar")
      ->check(CLI::IsMember({"one", "per-exit", "per-label"}))
      ->capture_default_str();
  options->conditional = parser.add_flag("--conditional")
                             ->description(
                                 "A threshold for each exit, and the promise at every exit, for those that "
                                 "have left by then");
  parser.add_option("--shape-data", options->shape_data,
                    "Other labelled texts, which choose how thresholds differ; --conditional takes half of its own "
                    "where they are missing");
  options->leave_out_known = parser.add_flag("--leave-out-known")
                                 ->description("Leave out texts that the model knows, in place of refusing them");
  options->as_default =
      parser.add_flag("--as-default")->description("Make what is certified the model's own policy, in every format");
  parser.add_option("--threads", options->threads, "Threads to use")->check(CLI::Range(1, 1024))->capture_default_str();
  options->json_lines = parser.add_flag("--json")->description("Write JSON Lines, one for each --epsilon");
  return {&parser, [options] { certify(*options); }};
}

}  // namespace offramp_cli
