// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/load_options.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/fit_options.hpp>
#include <offramp/study/wall_time.hpp>
#include <offramp/version.hpp>

#include <filesystem>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What is asked of a model that is fast and known to answer as full depth does.
struct certified_fit_options {
  double epsilon = 0.01;  ///< of the texts may be answered otherwise than at full depth ...
  double delta = 0.05;    ///< ... and this is the probability, over the texts drawn, that more are
  numeric_format format = numeric_format::float32;  ///< that the promise is for
  fit_options fit = {};
  timing_options timing = {};
};

/// A fitted model, what is promised of it and how fast it is.
struct certified_fit {
  fit_result fit;
  certification promise;  ///< on texts that nothing was fitted to; `certified` always holds a policy
  int num_layers = 0;     ///< that full depth runs
  wall_time early;        ///< of the certified policy, on the calling thread
  wall_time full_depth;
  std::filesystem::path report;  ///< report.html, with all thresholds on the texts that certified
};

/// From a fine-tuned classifier and texts without labels to an early-exit model with a guarantee, in one go. The texts
/// in `files.texts`, each different one once, are parted by their hashes (part_texts): a half teaches the exits
/// (fit_exits), a fifth chooses and calibrates, and three tenths certify one threshold for the disagreement with full
/// depth; with `files.dev`, the texts without labels do the rest alone. The certified policy becomes the model's
/// default, also for those who ask for `certified(epsilon)`; where no threshold passes, it is full depth. Writes the
/// model to `out`, and there into `report` what write_curve_study writes.
///
/// The promise is one about different texts such as those in the file: with probability 1 - delta over the texts that
/// certified, no more than epsilon of them are answered otherwise than at full depth.
///
/// Throws as fit_exits, compute_exit_logits, certify and write_curve_study do, and `invalid_argument` without texts and
/// with a threshold.
[[nodiscard]] OFFRAMP_API certified_fit fit_certified(const std::filesystem::path& model, const fit_files& files,
                                                      const std::filesystem::path& out,
                                                      const certified_fit_options& options = {}, const runner& run = {},
                                                      const fit_progress& report = {});

/// One sentence: what is promised, how much faster the model is, and where the report lies.
[[nodiscard]] OFFRAMP_API std::string describe(const certified_fit& done);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
