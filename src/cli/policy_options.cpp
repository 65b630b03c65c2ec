// SPDX-License-Identifier: Apache-2.0
#include "policy_options.hpp"

#include "command.hpp"
#include "model_options.hpp"

#include <chrono>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace offramp_cli {

void policy_options::add_to(CLI::App& parser) {
  parser.add_option("--threshold", threshold, "Value the rule compares with (default: the model's own policy)");
  parser.add_option("--rule", rule, "What decides whether a text may leave (default: confidence)")
      ->check(CLI::IsMember({"confidence", "declining", "entropy", "normalized-entropy", "margin", "patience",
                             "patience-entropy", "learned"}));
  parser.add_option("--patience", patience, "Consecutive exits that have to agree, for the two patience rules");
  add_decline_to(parser, decline);
  full_depth = parser.add_flag("--full-depth")
                   ->description("Run every layer")
                   ->excludes(parser.get_option("--threshold"))
                   ->excludes(parser.get_option("--rule"));
  parser.add_option("--max-layer", max_layer, "Go no deeper than this layer");
  parser.add_option("--certified", certified, "The stored policy that promises at most this loss")
      ->excludes(parser.get_option("--threshold"))
      ->excludes(parser.get_option("--rule"))
      ->excludes(parser.get_option("--full-depth"));
  every_exit = parser.add_flag("--conditional")
                   ->description("The one that promises it at every exit, for those that have left by then")
                   ->needs(parser.get_option("--certified"));
  add_loss_to(parser, certified_loss)->needs(parser.get_option("--certified"));
}

void policy_options::add_deadline_to(CLI::App& parser) {
  parser.add_option("--deadline-ms", deadline_ms, "Milliseconds each text may take; texts then run one after another");
}

CLI::Option* add_decline_to(CLI::App& parser, std::optional<float>& decline) {
  return parser.add_option("--decline", decline, "How much the threshold of --rule declining falls from exit to exit");
}

void check_decline(const std::string& rule, const std::optional<float>& decline) {
  if (decline && rule != "declining") {
    throw usage_error("--decline needs --rule declining");
  }
  if (!decline && rule == "declining") {
    throw usage_error("--rule declining needs --decline");
  }
}

namespace {

/// The threshold. Throws usage_error for one above 1.
float reachable(float threshold, const std::string& what, const std::string& otherwise, const std::string& option) {
  if (threshold > 1.0F) {
    throw usage_error(option + " is " + CLI::detail::to_string(threshold) + ", which no " + what +
                      " reaches: expected 0 to 1" + otherwise);
  }
  return threshold;
}

}  // namespace

offramp::exit_policy confidence_of_at_least(float threshold, const std::string& otherwise, const std::string& option) {
  return offramp::exit_policy(reachable(threshold, "confidence", otherwise, option));
}

CLI::Option* add_loss_to(CLI::App& parser, std::string& loss) {
  return parser.add_option("--loss", loss, "Loss that a certificate bounds, against the last exit or the right label")
      ->check(CLI::IsMember(names_in(offramp::detail::certified_loss_names)))
      ->capture_default_str();
}

namespace {

float required_threshold(const policy_options& options) {
  if (!options.threshold) {
    throw usage_error("--rule " + options.rule + " needs --threshold");
  }
  return *options.threshold;
}

int required_patience(const policy_options& options) {
  if (!options.patience) {
    throw usage_error("--rule " + options.rule + " needs --patience");
  }
  return *options.patience;
}

offramp::exit_policy rule_of(const policy_options& options, const offramp::exit_policy& fallback) {
  using offramp::exit_policy;
  const std::string otherwise = ", or --full-depth, which runs every layer";
  const bool patient = options.rule == "patience" || options.rule == "patience-entropy";
  if (options.patience && !patient) {
    throw usage_error("--patience needs --rule patience or --rule patience-entropy");
  }
  check_decline(options.rule, options.decline);
  if (options.full_depth->count() > 0) {
    return exit_policy::full_depth();
  }
  if (options.rule.empty()) {
    return options.threshold ? confidence_of_at_least(*options.threshold, otherwise) : fallback;
  }
  if (options.rule == "declining") {
    return exit_policy::declining(required_threshold(options), *options.decline);
  }
  if (options.rule == "patience") {
    if (options.threshold) {
      throw usage_error("--rule patience takes no --threshold");
    }
    return exit_policy::patience(required_patience(options));
  }
  if (options.rule == "patience-entropy") {
    return exit_policy::patience_entropy(required_threshold(options), required_patience(options));
  }
  if (options.rule == "entropy") {
    return exit_policy::entropy(required_threshold(options));
  }
  if (options.rule == "normalized-entropy") {
    return exit_policy::normalized_entropy(required_threshold(options));
  }
  if (options.rule == "margin") {
    return exit_policy::margin(reachable(required_threshold(options), "margin", otherwise, "--threshold"));
  }
  if (options.rule == "learned") {
    return exit_policy::learned(required_threshold(options));
  }
  return confidence_of_at_least(required_threshold(options), otherwise);
}

}  // namespace

void policy_options::check() const {
  constexpr double longest = 1e9;
  if (deadline_ms && !(*deadline_ms >= 0.0 && *deadline_ms <= longest)) {
    throw usage_error("--deadline-ms is out of range, expected 0 to 1e9");
  }
  static_cast<void>(rule_of(*this, offramp::exit_policy::full_depth()));
}

offramp::exit_policy policy_options::policy(const offramp::classifier& model) const {
  check();
  offramp::exit_policy chosen = rule_of(*this, model.default_policy());
  if (certified) {
    const auto scope =
        every_exit->count() > 0 ? offramp::certified_scope::every_exit : offramp::certified_scope::overall;
    const auto stored = model.certified(*certified, offramp::certified_loss_named(certified_loss).value(), scope);
    if (!stored) {
      throw std::runtime_error("the model has no certificate for " + certified_loss + " of at most " +
                               CLI::detail::to_string(*certified) + " in this format, with these exits");
    }
    chosen = *stored;
  }
  // No deeper than the policy's own limit either.
  return max_layer ? chosen.with_max_layer(std::min(*max_layer, chosen.max_layer().value_or(*max_layer))) : chosen;
}

offramp::exit_policy policy_options::starting_now(const offramp::exit_policy& policy) const {
  if (!deadline_ms) {
    return policy;
  }
  using clock = std::chrono::steady_clock;
  const std::chrono::duration<double, std::milli> allowed(*deadline_ms);
  return policy.with_deadline(clock::now() + std::chrono::duration_cast<clock::duration>(allowed));
}

}  // namespace offramp_cli
