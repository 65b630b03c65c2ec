// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/runner.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/linear_head.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// How much each label counts so that all count alike in sum: texts / (labels * texts of the label), as scikit-learn's
/// class_weight="balanced". A label without texts gets 0.
[[nodiscard]] OFFRAMP_API std::vector<double> balanced_weights(std::span<const int> label_ids, std::size_t num_labels);

/// Multinomial logistic regression (binary for two labels) with an L2 penalty, once for each of `strengths`: minimises
///
///     C * sum of class_weight[label] * -ln softmax(W s + b)[label]  +  1/2 * sum of squares of W
///
/// over the features s that were standardised to mean 0 and variance 1 (a constant one becomes 0), so that a strength
/// means the same for every encoder; what comes back takes the features as they are. `strengths` are values of C: the
/// smaller, the stronger the penalty. That is scikit-learn's LogisticRegression(C) after its StandardScaler. For two
/// labels one logit is fitted and given to them in halves of opposite sign.
///
/// `class_weights` has one positive number per label, or is empty: all 1. The threads that `run` lends share each step;
/// sums are formed over fixed blocks of texts and added in order, so their number changes no bit. Needs memory for
/// 16 * features^2 and, for each of 64 blocks, labels * features doubles. Ends where a step promises less than 1e-11
/// nats a text, or after 1,000 steps, before the optimum: then a head is not `is_optimal`. That takes features that
/// tell nearly the same and hardly any penalty.
///
/// Throws `invalid_argument` for no texts or strengths, sizes that contradict each other, label ids out of range, a
/// label that no text has, fewer than two labels, features that are not finite, and strengths or weights that are not
/// finite and positive.
[[nodiscard]] OFFRAMP_API std::vector<linear_head> fit_heads(const labelled_features& given,
                                                             std::span<const double> strengths,
                                                             std::span<const double> class_weights = {},
                                                             const runner& run = {});

/// The same for answers that are probabilities, those of a better classifier for one: -ln softmax(W s + b)[label]
/// becomes its mean under a text's targets, and a text counts as much as its targets' labels do on average. Targets of
/// 0 and 1 give what fit_heads gives for the labels with 1, bit for bit. Throws as above, for targets that are negative
/// or add up to anything but 1 (within 1e-4), and for a label whose targets are 0 throughout.
[[nodiscard]] OFFRAMP_API std::vector<linear_head> fit_heads_to_targets(const taught_features& given,
                                                                        std::span<const double> strengths,
                                                                        std::span<const double> class_weights = {},
                                                                        const runner& run = {});

/// The logits [texts, labels] of a head for features [texts, features].
[[nodiscard]] OFFRAMP_API std::vector<float> head_logits(const linear_head& head, std::span<const float> features,
                                                         const runner& run = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
