// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/certificate.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/load_options.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/replay.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Thresholds with a guarantee: Learn-then-Test (Angelopoulos, Bates, Candes, Jordan, Lei 2021, arXiv 2110.01052) with
/// fixed-sequence testing, as CALM (Schuster et al. 2022, section 4) uses it for early exit. A path of policies, fixed
/// before the texts are looked at, leads from full depth to bolder and bolder ones. For each in turn the null
/// hypothesis "its risk is above epsilon" is tested with the exact binomial; the last policy before the first that
/// passes no more is certified. Valid for any loss of 0 or 1, whether or not it grows along the path.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// How many leading steps of a path reject "risk > epsilon" at level delta, given the loss of each summed over n texts:
/// testing ends at the first that does not. Throws `invalid_argument` for an epsilon or delta that is not between 0
/// and 1, both excluded, and for a sum outside 0..n.
[[nodiscard]] OFFRAMP_API std::size_t fixed_sequence_test(std::span<const std::int64_t> losses, std::int64_t n,
                                                          double epsilon, double delta);

/// How many texts certify epsilon where none of them is a loss: 299 for 0.01 at delta 0.05. Throws as above, and for an
/// epsilon that takes more than 1e12.
[[nodiscard]] OFFRAMP_API std::int64_t texts_needed(double epsilon, double delta);

/// How many losses among n texts still certify epsilon; nothing where n is below texts_needed. Throws as above, and for
/// n below 1.
[[nodiscard]] OFFRAMP_API std::optional<std::int64_t> losses_allowed(std::int64_t n, double epsilon, double delta);

/// One confidence threshold for all exits: 1, 0.999, ... 0.
[[nodiscard]] OFFRAMP_API std::vector<exit_policy> threshold_path();

/// One threshold for the model's learned gate: 0, 0.001, ... 1.
[[nodiscard]] OFFRAMP_API std::vector<exit_policy> gate_path();

/// The threshold of `declining` with this decline: from the lowest at which hardly a text of a model with so many exits
/// leaves, in steps of 1/1000, to 0. Throws `invalid_argument` for a decline outside 0 to 1.
[[nodiscard]] OFFRAMP_API std::vector<exit_policy> declining_path(float decline, std::size_t num_exits);

/// A threshold per exit (or per label), all moved by one scalar in steps of 1/500: from ones to `shape`, from there to
/// zeros. `shape` holds values of 0..1, one per exit (per label), and must be chosen on other texts than those the path
/// is tested on. Throws `invalid_argument` for other values.
[[nodiscard]] OFFRAMP_API std::vector<exit_policy> per_exit_path(std::span<const float> shape);
[[nodiscard]] OFFRAMP_API std::vector<exit_policy> per_label_path(std::span<const float> shape, std::size_t num_exits);

/// The lowest threshold in steps of 1/1000 at which the texts that an exit alone would answer (answers of a label, over
/// all exits but the last) have a mean loss of at most epsilon; 1 where there is none. Of multi-label models only the
/// first: the second throws `invalid_argument`.
[[nodiscard]] OFFRAMP_API std::vector<float> per_exit_shape(const replay& texts, certified_loss loss, double epsilon);
[[nodiscard]] OFFRAMP_API std::vector<float> per_label_shape(const replay& texts, certified_loss loss, double epsilon);

/// The loss of each answer, by its exit, 0 or 1, [texts].
[[nodiscard]] OFFRAMP_API std::vector<std::uint8_t> losses_of(const replay& texts, std::span<const exit_answer> answers,
                                                              certified_loss loss);

/// What the texts say about one policy.
struct tested_policy {
  exit_policy policy = exit_policy::full_depth();
  std::int64_t losses = 0;  ///< their sum over the texts
  double risk = 0.0;        ///< losses / n
  double bound = 1.0;       ///< above the true risk with probability 1 - delta (Clopper-Pearson)
  double mean_layer = 0.0;
};

/// What the texts say about those that have left by one exit.
struct depth_evidence {
  int layer = 0;                        ///< of the exit
  std::optional<float> threshold = {};  ///< of its confidence; nothing where it is closed, and for the last exit
  std::int64_t texts = 0;               ///< that have left there or before
  std::int64_t losses = 0;              ///< among them
  double bound = 1.0;                   ///< above their true risk with probability 1 - delta; 1 without texts
};

/// How a path was walked.
struct certification {
  certified_loss loss = certified_loss::disagreement;
  certified_scope scope = certified_scope::overall;
  double epsilon = 0.0;
  double delta = 0.0;
  std::int64_t n = 0;
  /// The certified policy. Where no step of the path passes: full depth, whose disagreement and accuracy drop are 0 by
  /// definition; nothing for `error`.
  std::optional<tested_policy> certified;
  /// The step that ended the walk; nothing where the whole path passed.
  std::optional<tested_policy> failed;
  std::vector<depth_evidence> depths = {};  ///< of `certified`, by exit; only for certified_scope::every_exit
};

/// Walks `path`. Throws as fixed_sequence_test does, and `invalid_argument` for an empty path and for a loss that asks
/// for labels of texts that have none: any but `disagreement`.
[[nodiscard]] OFFRAMP_API certification certify(const replay& texts, std::span<const exit_policy> path,
                                                certified_loss loss, double epsilon, double delta);

/// A threshold that no confidence reaches: an exit with it is closed, and its texts go on.
inline constexpr float closed_exit = 2.0F;

/// Thresholds of the confidence, one per exit, with a promise for every depth (after Ringel et al., ICML 2024, arXiv
/// 2402.00857): for each exit, the mean loss of the texts that leave there or before is at most epsilon, all with
/// probability 1 - delta over the draw of `texts`. `choosing`, which must share no text with them, gives each exit its
/// candidate, from the first exit to the last: the lowest threshold in steps of 1/1000 at which those who have left by
/// then pass the test with room to spare. Then exits open one after the other, the last one first, each at its
/// candidate; all who have left by an open exit must reject "loss > epsilon" in the exact binomial test, and the
/// thresholds before the first that fail are certified. An exit that few texts leave by stays closed: it takes
/// texts_needed of them. Throws as certify does.
[[nodiscard]] OFFRAMP_API certification certify_every_exit(const replay& choosing, const replay& texts,
                                                           certified_loss loss, double epsilon, double delta);

/// Adds the certificate to the exits.json of the directory that `model` was loaded from, in place of one for the same
/// loss, scope, epsilon, delta, format, exits and length; the file is replaced whole, or made as
/// store_calibration does. Notes `data`, the texts that `result` was tested on, as certified. Throws `invalid_argument`
/// when nothing was certified and for texts that are not what select_certifiable gives for this model, and as loading.
OFFRAMP_API void store_certificate(const std::filesystem::path& directory, const classifier& model,
                                   const certification& result, const dataset& data);

/// Makes `policy` the default, in every numeric format, of the directory that `model` was loaded from; its exits.json
/// is replaced whole, or made as store_calibration does. Throws as classifier::check and loading, and
/// `invalid_argument` for a model that was loaded with some of its exits, since its policies speak of those alone, and
/// for one that nothing says the input of: store_calibration and store_certificate learn it from their texts.
OFFRAMP_API void store_default_policy(const std::filesystem::path& directory, const classifier& model,
                                      const exit_policy& policy);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
