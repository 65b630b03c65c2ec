// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "data_options.hpp"
#include "json_output.hpp"
#include "model_options.hpp"
#include "policy_options.hpp"
#include "progress_bar.hpp"
#include "thread_runner.hpp"

#include <offramp/classifier.hpp>
#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/known_texts.hpp>

#include <cstdint>
#include <cstdio>
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
  double epsilon = 0.0;
  double delta = 0.05;
  std::string loss = "disagreement";
  std::string rule = "confidence";
  std::optional<float> decline;
  std::string thresholds = "one";
  std::optional<std::string> shape_data;
  int threads = 1;
  const CLI::Option* leave_out_known = nullptr;
  const CLI::Option* json_lines = nullptr;
};

study::replay replay_of(const offramp::classifier& model, const study::dataset& data, int threads) {
  return study::replay(
      study::compute_exit_logits(model, data, thread_runner(threads), progress_bar(data.name, "texts")));
}

/// The policies to walk over; `shaping` are the texts of --shape-data.
std::vector<offramp::exit_policy> path_of(const certify_options& options, const offramp::classifier& model,
                                          const std::optional<study::dataset>& shaping) {
  if (!shaping) {
    return options.rule == "learned"     ? study::gate_path()
           : options.rule == "declining" ? study::declining_path(*options.decline, model.exits().size())
                                         : study::threshold_path();
  }
  const study::replay texts = replay_of(model, *shaping, options.threads);
  const offramp::certified_loss loss = loss_named(options.loss);
  return options.thresholds == "per-exit"
             ? study::per_exit_path(study::per_exit_shape(texts, loss, options.epsilon))
             : study::per_label_path(study::per_label_shape(texts, loss, options.epsilon), texts.num_exits());
}

/// What a reader of the certificate should know.
void warn(const study::certifiable_texts& texts, const certify_options& options) {
  for (const std::string& warning : texts.warnings) {
    std::cerr << "offramp: " << warning << '\n';
  }
  const auto found = static_cast<std::int64_t>(texts.texts.texts.size());
  if (const std::int64_t needed = study::texts_needed(options.epsilon, options.delta); found < needed) {
    std::cerr << "offramp: " << texts.texts.name << ": " << found << " texts are too few for a loss of at most "
              << options.epsilon << ": it takes " << needed << " without a single loss, and more with some\n";
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

json policy_fields(const study::tested_policy& tested) {
  json thresholds = json::array();
  for (const std::vector<float>& row : tested.policy.thresholds()) {
    thresholds.push_back(row);
  }
  return {{"rule", rule_name(tested.policy.rule_kind())},
          {"threshold", thresholds.empty() ? json(tested.policy.threshold()) : json()},
          {"decline",
           tested.policy.rule_kind() == offramp::exit_policy::rule::declining ? json(tested.policy.decline()) : json()},
          {"thresholds", thresholds.empty() ? json() : thresholds},
          {"losses", tested.losses},
          {"risk", tested.risk},
          {"bound", tested.bound},
          {"mean_layer", tested.mean_layer}};
}

void write_json(const study::certification& result, const study::certifiable_texts& texts,
                const certify_options& options) {
  const std::optional<std::int64_t> allowed = study::losses_allowed(result.n, result.epsilon, result.delta);
  write_json_line(std::cout, {{"loss", options.loss},
                              {"epsilon", result.epsilon},
                              {"delta", result.delta},
                              {"n", result.n},
                              {"repeated", texts.repeated},
                              {"left_out", texts.left_out},
                              {"look", texts.earlier_looks + 1},
                              {"losses_allowed", allowed ? json(*allowed) : json()},
                              {"texts_needed", study::texts_needed(result.epsilon, result.delta)},
                              {"certified", result.certified ? policy_fields(*result.certified) : json()},
                              {"failed", result.failed ? policy_fields(*result.failed) : json()}});
}

void write_line(const char* title, const study::tested_policy& tested, const study::certification& result) {
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, "losses %lld of %lld, risk %.4f, bound %.4f, mean layer %.3f",
                static_cast<long long>(tested.losses), static_cast<long long>(result.n), tested.risk, tested.bound,
                tested.mean_layer);
  std::cout << title << describe(tested.policy) << ": " << numbers << '\n';
  const char* row_title =
      tested.policy.rule_kind() == offramp::exit_policy::rule::per_class ? "  exit, by label" : "  by exit";
  for (const std::vector<float>& row : tested.policy.thresholds()) {
    std::cout << row_title;
    for (const float threshold : row) {
      std::cout << ' ' << threshold;
    }
    std::cout << '\n';
  }
}

void write_text(const study::certification& result, const certify_options& options) {
  if (result.certified) {
    std::cout << options.loss << " at most " << result.epsilon << " with probability " << 1.0 - result.delta << ", by "
              << result.n << " different texts\n";
    if (const auto allowed = study::losses_allowed(result.n, result.epsilon, result.delta)) {
      std::cout << "allowed    " << *allowed << " losses\n";
    }
    write_line("certified  ", *result.certified, result);
  }
  if (result.failed) {
    write_line("failed     ", *result.failed, result);
  }
}

void certify(const certify_options& options) {
  if ((options.thresholds == "one") == options.shape_data.has_value()) {
    throw usage_error("--shape-data goes with --thresholds per-exit and per-label, and they need it");
  }
  if (options.rule != "confidence" && options.thresholds != "one") {
    throw usage_error("--rule " + options.rule + " has one threshold for all exits and labels");
  }
  check_decline(options.rule, options.decline);
  const std::filesystem::path directory = options.model.path();
  const offramp::classifier model = options.model.load();
  if (options.rule == "learned") {
    model.check(offramp::exit_policy::learned(0.0F));
  }
  const std::optional<study::dataset> shaping =
      options.shape_data ? std::optional(options.data.read(model, *options.shape_data)) : std::nullopt;
  const study::certifiable_texts texts = select_texts(options, model, shaping);
  warn(texts, options);
  if (shaping) {
    study::note_texts(directory, study::text_use::chosen, *shaping);
  }
  const std::vector<offramp::exit_policy> path = path_of(options, model, shaping);
  const study::certification result = study::certify(replay_of(model, texts.texts, options.threads), path,
                                                     loss_named(options.loss), options.epsilon, options.delta);
  if (options.json_lines->count() > 0) {
    write_json(result, texts, options);
  } else {
    write_text(result, options);
  }
  if (!result.certified) {
    study::note_texts(directory, study::text_use::certified, texts.texts);
    throw std::runtime_error("no threshold is certified; exits.json is unchanged");
  }
  study::store_certificate(directory, model, result, texts.texts);
}

}  // namespace

command add_certify(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("certify", "The lowest threshold with a guarantee, stored in exits.json");
  const auto options = std::make_shared<certify_options>();
  options->model.add_to(parser);
  options->model.add_format_to(parser);
  options->model.add_exits_to(parser);
  options->data.add_to(parser);
  parser.add_option("--epsilon", options->epsilon, "Highest loss to promise, between 0 and 1")->required();
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
  parser.add_option("--shape-data", options->shape_data, "Other labelled texts, which choose how thresholds differ");
  options->leave_out_known = parser.add_flag("--leave-out-known")
                                 ->description("Leave out texts that the model knows, in place of refusing them");
  parser.add_option("--threads", options->threads, "Threads to use")->check(CLI::Range(1, 1024))->capture_default_str();
  options->json_lines = parser.add_flag("--json")->description("Write one line of JSON");
  return {&parser, [options] { certify(*options); }};
}

}  // namespace offramp_cli
