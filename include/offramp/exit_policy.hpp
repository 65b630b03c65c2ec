// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/call_meter.hpp>
#include <offramp/drift_audit.hpp>
#include <offramp/error.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// Rows of thresholds that copies share: copying a policy takes no memory, and so cannot fail.
class shared_rows {
 public:
  using rows_type = std::vector<std::vector<float>>;

  shared_rows() = default;
  explicit shared_rows(rows_type rows) : rows_(std::make_shared<const rows_type>(std::move(rows))) {}

  /// Null where there are none.
  [[nodiscard]] const rows_type* get() const noexcept { return rows_.get(); }
  bool operator==(const shared_rows& other) const {
    return rows_ == other.rows_ || (rows_ && other.rows_ && *rows_ == *other.rows_);
  }

 private:
  std::shared_ptr<const rows_type> rows_;
};

}  // namespace detail

/// When a text may leave the encoder: one rule, and optionally a layer limit, a deadline and a stop token; and what its
/// predictions carry besides the answer. A floating-point number is a policy; an integer is none, since 1 would mean
/// something else to everyone:
///
///     model.classify(text, 0.9F);
///     model.classify(text, exit_policy::patience(2).with_max_layer(4));
///
/// The last exit always answers and asks no rule. Every constructor throws `invalid_argument` for NaN; lengths that
/// depend on the model (per_exit, per_class, max_layer) are checked by the call that uses the policy.
///
/// Of a multi-label model (classifier::cuts()) the confidence is that of its least sure label, the lowest of max(p, 1 -
/// p), and patience waits for the whole set of labels; per_class, entropy, normalized_entropy, margin and
/// patience_entropy weigh labels that exclude each other and are refused there.
///
/// A regular value type; const members are safe from any number of threads.
class OFFRAMP_API exit_policy {
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

  /// Leave at the first exit with confidence >= threshold; at 0 or less the first exit answers. Throws
  /// `invalid_argument` above 1, which no confidence reaches: full_depth() says so by name.
  template <std::floating_point Number>
  exit_policy(Number threshold)  // NOLINT: implicit by design
      : exit_policy(rule::confidence, confidence_threshold(threshold), 0) {}

  /// Every layer runs.
  static exit_policy full_depth();

  /// confidence >= threshold - decline * exit, the first exit being 0: it has to be surest, because more layers follow
  /// that could know better. Where few answers differ from full depth's, fewer do at 0.06 than at 0, one threshold for
  /// all, at the same cost. Throws `invalid_argument` for a decline outside 0 to 1.
  static exit_policy declining(float threshold, float decline);

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
  static exit_policy patience_entropy(float threshold, int count);

  /// The model's own gate, which learned to tell how unsure an exit is, says < threshold (BERxiT). The call that uses
  /// the policy throws `invalid_argument` where the model has no gate.
  static exit_policy learned(float threshold) { return {rule::learned, threshold, 0}; }

  /// The same policy, in which the last exit at or below `layer` always answers.
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

  /// The same policy, whose calls end soon after a stop is requested: between two layers, two parts of a batch or, in
  /// long texts, two words. What has been answered stays so; any other text is answered by the last exit it visited, or
  /// has no answer, and says stop_reason::cancelled.
  [[nodiscard]] exit_policy with_stop_token(std::stop_token token) const {
    exit_policy stoppable = *this;
    stoppable.stop_token_ = std::move(token);
    return stoppable;
  }

  /// The same policy, whose early exits are audited: the answers stay the same, and the audit counts how often they
  /// disagree with the last exit. Without a deadline only.
  [[nodiscard]] exit_policy audited_by(const drift_audit& audit) const {
    exit_policy audited = *this;
    audited.audit_ = audit;
    return audited;
  }

  /// The same policy, whose calls are measured.
  [[nodiscard]] exit_policy metered_by(const call_meter& meter) const {
    exit_policy metered = *this;
    metered.meter_ = meter;
    return metered;
  }

  /// The same policy, whose predictions carry the logits of the exit that answered.
  [[nodiscard]] exit_policy with_logits() const {
    exit_policy talkative = *this;
    talkative.has_logits_ = true;
    return talkative;
  }

  /// The same policy, whose predictions carry the state that the exit's classifier read: an embedding of the text.
  [[nodiscard]] exit_policy with_embedding() const {
    exit_policy talkative = *this;
    talkative.has_embedding_ = true;
    return talkative;
  }

  [[nodiscard]] rule rule_kind() const noexcept { return rule_; }
  /// The one threshold of a rule that has one, else 0.
  [[nodiscard]] float threshold() const noexcept { return threshold_; }
  /// How much the threshold of `declining` falls from exit to exit, else 0.
  [[nodiscard]] float decline() const noexcept { return decline_; }
  /// One row in all for per_exit, one row per exit for per_class, none for other rules.
  [[nodiscard]] const std::vector<std::vector<float>>& thresholds() const noexcept;
  [[nodiscard]] int patience_count() const noexcept { return patience_; }
  [[nodiscard]] std::optional<int> max_layer() const noexcept { return max_layer_; }
  [[nodiscard]] std::optional<time_point> deadline() const noexcept { return deadline_; }
  /// One that is never stopped when none was given.
  [[nodiscard]] const std::stop_token& stop_token() const noexcept { return stop_token_; }
  [[nodiscard]] const std::optional<drift_audit>& audit() const noexcept { return audit_; }
  [[nodiscard]] const std::optional<call_meter>& meter() const noexcept { return meter_; }
  /// Whether predictions carry logits.
  [[nodiscard]] bool has_logits() const noexcept { return has_logits_; }
  /// Whether predictions carry an embedding.
  [[nodiscard]] bool has_embedding() const noexcept { return has_embedding_; }

  bool operator==(const exit_policy&) const = default;

 private:
  // Out of line, so that they refuse NaN also in programs whose flags say that there is none.
  exit_policy(rule kind, float threshold, int patience);
  exit_policy(rule kind, std::vector<std::vector<float>> thresholds);
  [[nodiscard]] static float confidence_threshold(float threshold);
  [[nodiscard]] static float confidence_threshold(double threshold);
  [[nodiscard]] static float confidence_threshold(long double threshold);

  rule rule_;
  float threshold_ = 0.0F;
  float decline_ = 0.0F;
  detail::shared_rows thresholds_;
  int patience_ = 0;
  std::optional<int> max_layer_;
  std::optional<time_point> deadline_;
  std::stop_token stop_token_;
  std::optional<drift_audit> audit_;
  std::optional<call_meter> meter_;
  bool has_logits_ = false;
  bool has_embedding_ = false;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/exits/policy_values.hpp>
#endif
