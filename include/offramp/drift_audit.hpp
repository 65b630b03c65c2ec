// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/interval.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// One text, as an audit sees it.
struct drift_observation {
  bool is_answered = false;  // else it has failed, and the rest says nothing
  int layer = 0;
  bool is_sampled = false;
  bool is_early = false;
  bool disagrees = false;  // only where it is both
};

}  // namespace detail

/// The early exits of one encoder layer.
struct layer_drift {
  int layer = 0;                   ///< from 1; 0: before the encoder
  std::int64_t early_exits = 0;    ///< texts answered there
  std::int64_t audited = 0;        ///< of these, run on to the last exit
  std::int64_t disagreements = 0;  ///< of these, where the last exit gives another label

  bool operator==(const layer_drift&) const = default;
};

/// What a drift_audit has seen so far.
struct drift_counts {
  std::int64_t texts = 0;             ///< answered by calls that are audited
  std::int64_t sampled = 0;           ///< of these, chosen, at whichever exit they were answered
  std::int64_t early_exits = 0;       ///< of the texts, answered below the last exit
  std::int64_t audited = 0;           ///< of the early exits, chosen, and so run on to the last exit
  std::int64_t disagreements = 0;     ///< of the audited, where the last exit gives another label
  std::int64_t under_deadline = 0;    ///< texts of calls with a deadline; they count nowhere else
  std::vector<layer_drift> layers{};  ///< where early exits happened, by ascending layer

  /// How often early exits disagree with the last exit, for who looks once, after a number of texts fixed in advance:
  /// study::clopper_pearson of `disagreements` among `audited`.
  [[nodiscard]] study::interval disagreement_once(double confidence) const;
  /// The same for who looks again and again and may act at any time: study::confidence_sequence. While the rate stays
  /// what it is, all of a stream's intervals hold together with probability `confidence`: so an alarm at the first
  /// whose lower end is above the agreed rate is false with probability at most 1 - `confidence`.
  [[nodiscard]] study::interval disagreement_at_any_time(double confidence) const;
  /// How often answers disagree with the last exit over all texts, where those that run to the last exit agree with it:
  /// what a certificate for certified_loss::disagreement bounds. Of `disagreements` among `sampled`; once ...
  [[nodiscard]] study::interval overall_disagreement_once(double confidence) const;
  /// ... and again and again, as above: an alarm at the first lower end above the certificate's epsilon.
  [[nodiscard]] study::interval overall_disagreement_at_any_time(double confidence) const;

  bool operator==(const drift_counts&) const = default;
};

/// Watches whether early exits still agree with the last exit, where no labels are known: runs a fraction of them on
/// to the last exit and compares.
///
///     const offramp::drift_audit audit(0.05, 1);
///     const auto policy = offramp::exit_policy(0.9F).audited_by(audit);
///     const auto p = model.classify(text, policy);  // byte for byte the answer without the audit
///     if (audit.counts().disagreement_at_any_time(0.99).lower > 0.02) { /* the texts are no longer what they were */ }
///
/// Of a multi-label model, any label that is decided otherwise makes another answer.
///
/// A handle: copies share one count, and a policy holds such a copy, so nothing can dangle. Every member is safe from
/// any number of threads at once; one audit serves any number of calls, of one model and one kind of policy.
///
/// Texts are numbered as calls come in, within a batch in input order, and a hash of seed and number chooses. So the
/// same calls in the same order audit the same texts, whatever the threads, and no text can influence its choice. An
/// audited text costs its call the time of full depth. Answers at a policy's max_layer count as early exits and their
/// audits go beyond it. A call with a deadline is not audited: going on would make it late, and giving up when time is
/// short would leave out just the long texts; send a share of the texts without a deadline instead. Nor does a call
/// count that throws. A last exit whose logits are not finite disagrees.
///
/// Counts only grow, so a long good past hides a late change for a while: begin a new audit every day, say, with a
/// higher confidence for the more of them.
class drift_audit {
 public:
  /// Audits about `fraction` (0 to 1) of the early exits. Throws `invalid_argument` for any other fraction.
  drift_audit(double fraction, std::uint64_t seed);
  /// The same with a seed drawn by std::random_device: for processes that answer few texts each. With one seed all of
  /// them would audit the same numbers, and those that end before the first of these none at all.
  explicit drift_audit(double fraction);
  drift_audit(const drift_audit&) = default;
  drift_audit& operator=(const drift_audit&) = default;
  ~drift_audit() = default;

  [[nodiscard]] double fraction() const noexcept;
  [[nodiscard]] std::uint64_t seed() const noexcept;

  /// Whether text `number` (from 0) is chosen.
  [[nodiscard]] bool samples(std::uint64_t number) const noexcept;

  /// All counts as they were at one moment.
  [[nodiscard]] drift_counts counts() const;

  /// Whether both share one count.
  bool operator==(const drift_audit&) const = default;

 private:
  friend class classifier;
  struct state;

  /// The first of so many numbers that no other text has.
  [[nodiscard]] std::uint64_t take_numbers(std::size_t texts) const noexcept;
  void count(std::span<const detail::drift_observation> texts) const;
  void count_under_deadline(std::size_t texts) const;

  std::shared_ptr<state> state_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/exits/drift_audit.hpp>
#endif
