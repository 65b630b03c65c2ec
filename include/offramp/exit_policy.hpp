// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/drift_audit.hpp>
#include <offramp/error.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// When a text may leave the encoder: one rule, and optionally a layer limit and a deadline. A float is a policy:
///
///     model.classify(text, 0.9F);
///     model.classify(text, exit_policy::patience(2).with_max_layer(4));
///
/// The last exit always answers and asks no rule. Every constructor throws `invalid_argument` for NaN; lengths that
/// depend on the model (per_exit, per_class, max_layer) are checked by the call that uses the policy.
/// A regular value type; const members are safe from any number of threads.
class exit_policy {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The formulas are in docs of each named constructor below.
  enum class rule {
    confidence,
    declining,
    per_exit,
    per_class,
    entropy,
    normalized_entropy,
    margin,
    patience,
    patience_entropy,
    learned
  };

  /// Leave at the first exit with confidence >= threshold. Above 1: every layer runs; 0 or less: the first exit
  /// answers.
  exit_policy(float threshold) : exit_policy(rule::confidence, threshold, 0) {}  // NOLINT: implicit by design

  /// Every layer runs.
  static exit_policy full_depth() { return std::numeric_limits<float>::infinity(); }

  /// confidence >= threshold - decline * exit, the first exit being 0: it has to be surest, because more layers follow
  /// that could know better. Where few answers differ from full depth's, fewer do at 0.06 than at 0, one threshold for
  /// all, at the same cost (docs/results.md). Throws `invalid_argument` for a decline outside 0 to 1.
  static exit_policy declining(float threshold, float decline) {
    if (!(decline >= 0.0F && decline <= 1.0F)) {
      throw error(error_kind::invalid_argument,
                  "exit_policy: decline is " + std::to_string(decline) + ", expected 0 to 1");
    }
    exit_policy policy{rule::declining, threshold, 0};
    policy.decline_ = decline;
    return policy;
  }

  /// confidence >= thresholds[exit], one per exit of the model.
  static exit_policy per_exit(std::vector<float> thresholds) { return {rule::per_exit, {std::move(thresholds)}}; }

  /// confidence >= thresholds[exit][label_id]; one row per exit of the model, one value per label.
  static exit_policy per_class(std::vector<std::vector<float>> thresholds) {
    return {rule::per_class, std::move(thresholds)};
  }

  /// entropy of the probabilities in nats < threshold (DeeBERT, BERxiT, ElasticBERT).
  static exit_policy entropy(float threshold) { return {rule::entropy, threshold, 0}; }

  /// entropy divided by ln(number of labels) <= threshold (FastBERT).
  static exit_policy normalized_entropy(float threshold) { return {rule::normalized_entropy, threshold, 0}; }

  /// highest minus second highest probability >= threshold.
  static exit_policy margin(float threshold) { return {rule::margin, threshold, 0}; }

  /// The label has stayed the same over `count` consecutive steps from exit to exit (PABEE), so `count` + 1 exits in a
  /// row agree; 0: every layer runs. Throws `invalid_argument` below 0.
  static exit_policy patience(int count) { return {rule::patience, 0.0F, count}; }

  /// The normalized entropy was < threshold at `count` consecutive exits (PCEE-BERT). Throws `invalid_argument` for
  /// `count` below 1.
  static exit_policy patience_entropy(float threshold, int count) {
    if (count < 1) {
      throw error(error_kind::invalid_argument,
                  "patience_entropy: count is " + std::to_string(count) + ", expected at least 1");
    }
    return {rule::patience_entropy, threshold, count};
  }

  /// The model's own gate, which learned to tell how unsure an exit is, says < threshold (BERxiT). The call that uses
  /// the policy throws `invalid_argument` where the model has no gate.
  static exit_policy learned(float threshold) { return {rule::learned, threshold, 0}; }

  /// The same policy, in which the last exit at or below `layer` (from 1) always answers.
  [[nodiscard]] exit_policy with_max_layer(int layer) const {
    exit_policy limited = *this;
    limited.max_layer_ = layer;
    return limited;
  }

  /// The same policy with a deadline. Every text reaches its first exit, even when late; after that a text goes on only
  /// if the slowest layer of the call so far would end in time, else the last exit it visited answers.
  [[nodiscard]] exit_policy with_deadline(time_point deadline) const {
    exit_policy limited = *this;
    limited.deadline_ = deadline;
    return limited;
  }

  /// The same policy, whose early exits are audited: the answers stay the same, and the audit counts how often they
  /// disagree with the last exit. Without a deadline only.
  [[nodiscard]] exit_policy audited_by(const drift_audit& audit) const {
    exit_policy audited = *this;
    audited.audit_ = audit;
    return audited;
  }

  [[nodiscard]] rule rule_kind() const noexcept { return rule_; }
  /// The one threshold of a rule that has one, else 0.
  [[nodiscard]] float threshold() const noexcept { return threshold_; }
  /// How much the threshold of `declining` falls from exit to exit, else 0.
  [[nodiscard]] float decline() const noexcept { return decline_; }
  /// One row in all for per_exit, one row per exit for per_class, none for other rules.
  [[nodiscard]] const std::vector<std::vector<float>>& thresholds() const noexcept { return thresholds_; }
  [[nodiscard]] int patience_count() const noexcept { return patience_; }
  [[nodiscard]] std::optional<int> max_layer() const noexcept { return max_layer_; }
  [[nodiscard]] std::optional<time_point> deadline() const noexcept { return deadline_; }
  [[nodiscard]] const std::optional<drift_audit>& audit() const noexcept { return audit_; }

  bool operator==(const exit_policy&) const = default;

 private:
  exit_policy(rule kind, float threshold, int patience) : rule_(kind), threshold_(threshold), patience_(patience) {
    refuse_nan(threshold);
    if (patience < 0) {
      throw error(error_kind::invalid_argument,
                  "exit_policy: patience is " + std::to_string(patience) + ", expected at least 0");
    }
  }

  exit_policy(rule kind, std::vector<std::vector<float>> thresholds) : rule_(kind), thresholds_(std::move(thresholds)) {
    for (const std::vector<float>& row : thresholds_) {
      for (const float threshold : row) {
        refuse_nan(threshold);
      }
    }
  }

  static void refuse_nan(float threshold) {
    if (std::isnan(threshold)) {
      throw error(error_kind::invalid_argument, "exit_policy: a threshold is NaN");
    }
  }

  rule rule_;
  float threshold_ = 0.0F;
  float decline_ = 0.0F;
  std::vector<std::vector<float>> thresholds_;
  int patience_ = 0;
  std::optional<int> max_layer_;
  std::optional<time_point> deadline_;
  std::optional<drift_audit> audit_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
