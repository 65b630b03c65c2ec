// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/load_options.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// How well one exit's probabilities fit the right answers; metrics.hpp has the definitions.
struct exit_quality {
  double accuracy = 0.0;
  double confidence = 0.0;  ///< mean
  double nll = 0.0;         ///< in nats, computed from the logits
  double brier = 0.0;
  double ece = 0.0;           ///< 15 bins of equal width
  double ece_of_draws = 0.0;  ///< what `ece` says on average of labels drawn from these probabilities
  double equal_mass_ece = 0.0;
  double class_wise_ece = 0.0;
  std::optional<double> auroc_correct;    ///< none where all answers are right, or all wrong
  std::optional<double> auroc_agreement;  ///< with the last exit; none where all agree, or none
  double aurc = 0.0;
  std::vector<reliability_bin> reliability;

  /// The texts that leave here under the policy: an exit answers only what it is sure of.
  struct leaving_texts {
    std::size_t texts = 0;
    double accuracy = 0.0;    ///< 0 without texts
    double confidence = 0.0;  ///< 0 without texts
  };
  leaving_texts leaving;
};

/// One exit at temperature 1 and at its own.
struct exit_calibration {
  int layer = 0;
  float temperature = 1.0F;
  float ngram_weight = 0.0F;  ///< as in exit_info
  bool at_bound = false;      ///< as in temperature_fit
  exit_quality before;
  exit_quality after;
};

/// Temperatures and how they do on one data set, by ascending layer.
struct calibration {
  std::size_t num_texts = 0;
  std::vector<exit_calibration> exits;
};

/// Every exit with the temperatures in `logits`, and at temperature 1: how a calibrated model does on texts that fitted
/// nothing. Throws `invalid_argument` for a policy that does not fit the exits, no texts and logits that are not
/// finite.
[[nodiscard]] OFFRAMP_API calibration measure(exit_logits logits, const exit_policy& policy);

/// The weights [labels, j * labels] with which exit j reads the earlier exits' logits, empty for heads that read none:
/// the columns of its classifier behind the first `hidden_size`.
using previous_logit_weights = std::vector<std::vector<float>>;

/// Those of a model directory. Throws as classifier::load.
[[nodiscard]] OFFRAMP_API previous_logit_weights read_previous_logit_weights(const std::filesystem::path& directory);

/// Fits every exit's temperature to the data, and measures as above. Of texts without labels the last exit learns
/// nothing: it keeps the temperature in `logits`. Heads that read earlier logits see other inputs
/// once the earlier temperatures change; exits are therefore fitted in order, and their logits are corrected for it
/// with `weights` (none: no head reads any) up to float32 rounding, as the engine will compute them from then on. What
/// such an exit says "before" is at temperature 1, the earlier exits calibrated. Throws `invalid_argument` for a policy
/// or weights that do not fit the exits, and as fit_temperature does.
[[nodiscard]] OFFRAMP_API calibration calibrate(exit_logits logits, const exit_policy& policy,
                                                const previous_logit_weights& weights = {});

/// What becomes of a temperature at the end of its range: the texts are too few, or the exit knows nothing of them, and
/// its confidences would mean nothing.
enum class temperature_at_bound { refuse, store };

/// Certificates that temperatures made void.
struct removed_certificates {
  std::size_t count = 0;
  bool had_default = false;  ///< one of them had certified the default policy, and none that is left does
};

/// Writes the temperatures of that format, and what they were fitted on, into the directory's exits.json, which is
/// replaced whole, and notes the texts as calibrated (known_texts); everything else in it stays, the default policy
/// too. Only certificates go that speak of other temperatures than their format has now. Returns which went. Weights
/// of n-grams are those of every format: where they are new, golden logits follow them, and the temperatures of the
/// other formats go, with their certificates. A checkpoint of a published early-exit system, or a plain sequence
/// classifier, gets its exits.json and, with its heads, its exits.safetensors; no other file changes. It answers as
/// before, apart from the temperatures. Throws `invalid_argument` for a temperature at the end of its range, unless it
/// is to be stored, and when the exits are not those of the directory, `unsupported` for weights of n-grams where an
/// exit reads the logits of earlier ones, `io` when a file cannot be written, and as loading.
OFFRAMP_API removed_certificates store_calibration(const std::filesystem::path& directory, numeric_format format,
                                                   const calibration& fitted, const dataset& data,
                                                   temperature_at_bound at_bound = temperature_at_bound::refuse);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
