// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What one exit says of labelled texts, borrowed. The answer to a text is the label with the highest probability, the
/// lowest such label; its confidence is that probability.
///
/// Multi-label, where there are cuts: the answer is every label whose probability is above its cut, right only where
/// all labels are decided right; its confidence is the lowest of max(p, 1 - p) over the labels.
struct labelled_probabilities {
  std::span<const float> values;   ///< [texts, labels], from 0 to 1
  std::span<const int> label_ids;  ///< [texts], the right answers; multi-label: empty
  std::size_t num_labels = 0;
  std::span<const float> cuts = {};               ///< multi-label: [labels], between 0 and 1; else empty
  std::span<const std::uint8_t> label_sets = {};  ///< multi-label: [texts, labels], 1 for a right label, else 0
};

/// The texts whose confidence lies in one interval.
struct reliability_bin {
  double lower = 0.0;
  double upper = 0.0;
  std::size_t texts = 0;    ///< multi-label: texts times labels
  double confidence = 0.0;  ///< mean over the bin's texts; 0 in an empty bin
  double accuracy = 0.0;    ///< share of right answers; 0 in an empty bin
};

// Every function below throws `invalid_argument` for no texts, sizes that contradict each other, label ids out of range
// and probabilities that are NaN or outside 0 to 1. No result depends on the order of the texts by more than rounding.

/// The answers, [texts]. Throws also for multi-label.
[[nodiscard]] OFFRAMP_API std::vector<int> answers(const labelled_probabilities& given);
/// The answers' probabilities, [texts].
[[nodiscard]] OFFRAMP_API std::vector<float> confidences(const labelled_probabilities& given);

/// Share of texts whose answer is right; multi-label: subset accuracy.
[[nodiscard]] OFFRAMP_API double accuracy(const labelled_probabilities& given);
/// The unweighted mean over labels of 2 TP / (2 TP + FP + FN); a label that neither occurs nor is answered is left out,
/// and 1 where that is all of them.
[[nodiscard]] OFFRAMP_API double macro_f1(const labelled_probabilities& given);
/// 2 TP / (2 TP + FP + FN) with counts summed over labels: the accuracy, but for multi-label; 1 where no label occurs
/// or is answered.
[[nodiscard]] OFFRAMP_API double micro_f1(const labelled_probabilities& given);
[[nodiscard]] OFFRAMP_API double mean_confidence(const labelled_probabilities& given);
/// The mean of -ln p[right answer] in nats; multi-label: over texts and labels, of -ln p where the label is right and
/// -ln(1 - p) where not. A probability below the smallest normal float counts as that, 87.3 nats;
/// the overload on logits in temperature.hpp has no such limit.
[[nodiscard]] OFFRAMP_API double negative_log_likelihood(const labelled_probabilities& given);
/// The mean over texts of the sum over labels of (p - [label is right])^2, from 0 to 2 (Brier, 1950).
[[nodiscard]] OFFRAMP_API double brier_score(const labelled_probabilities& given);

inline constexpr std::size_t default_bins = 15;

// What follows compares "the answer is right" with its confidence; multi-label: "the label is right" with its
// probability, for every text and label.

/// Intervals of confidence of equal width from 0 to 1, each without its upper end except the last. Throws
/// `invalid_argument` for no bins.
[[nodiscard]] OFFRAMP_API std::vector<reliability_bin> reliability_bins(const labelled_probabilities& given,
                                                                        std::size_t bins = default_bins);
/// Expected calibration error: the mean over texts of their bin's |accuracy - confidence| (Naeini et al., 2015; Guo et
/// al., 2017), with bins of equal width.
[[nodiscard]] OFFRAMP_API double calibration_error(const labelled_probabilities& given,
                                                   std::size_t bins = default_bins);
/// The same with bins of equally many texts in order of confidence (Nguyen and O'Connor, 2015). Texts of equal
/// confidence stay in one bin.
[[nodiscard]] OFFRAMP_API double equal_mass_calibration_error(const labelled_probabilities& given,
                                                              std::size_t bins = default_bins);
/// The mean over labels of the calibration error of "this label is right" under that label's probability, with bins of
/// equal width (Kull et al., 2019).
[[nodiscard]] OFFRAMP_API double class_wise_calibration_error(const labelled_probabilities& given,
                                                              std::size_t bins = default_bins);
/// What calibration_error says on average when the right answers are drawn from the probabilities themselves: above 0
/// for a perfectly calibrated exit, because few texts scatter. The same seed gives the same draws everywhere.
[[nodiscard]] OFFRAMP_API double expected_calibration_error_of_draws(const labelled_probabilities& given,
                                                                     std::size_t bins = default_bins,
                                                                     std::size_t draws = 1000, std::uint64_t seed = 1);

/// The probability that a positive text scores above a negative one, ties counting half (the Mann-Whitney statistic
/// divided by the number of such pairs); none where one kind is missing. Throws `invalid_argument` for NaN and for two
/// lengths that differ.
[[nodiscard]] OFFRAMP_API std::optional<double> area_under_roc(std::span<const float> scores,
                                                               const std::vector<bool>& positive);
/// How well confidence tells right from wrong answers.
[[nodiscard]] OFFRAMP_API std::optional<double> area_under_roc_of_correct(const labelled_probabilities& given);
/// How well confidence tells answers that equal `reference` [texts], those of the last exit, from others. Throws also
/// for multi-label.
[[nodiscard]] OFFRAMP_API std::optional<double> area_under_roc_of_agreement(const labelled_probabilities& given,
                                                                            std::span<const int> reference);
/// Spearman's rank correlation of two properties of the same texts, from -1 to 1, ties sharing their mean rank; 0 where
/// one is the same for all. Throws `invalid_argument` for NaN and for two lengths that differ.
[[nodiscard]] OFFRAMP_API double correlate_ranks(std::span<const float> one, std::span<const int> other);
/// The mean, over k from 1 to the number of texts, of the error rate among the k most confident texts (Geifman and
/// El-Yaniv, 2017). Among texts of equal confidence errors are spread evenly.
[[nodiscard]] OFFRAMP_API double area_under_risk_coverage(const labelled_probabilities& given);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
