// SPDX-License-Identifier: Apache-2.0
#include "fit_model.hpp"
#include "study/curve/study_parts.hpp"
#include "study/number_text.hpp"

#include <offramp/detail/directory_name.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/calibration.hpp>
#include <offramp/study/certified_fit.hpp>
#include <offramp/study/curve_report.hpp>
#include <offramp/study/exit_logits.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// This share of the texts without labels certifies.
constexpr double held_out_share = 0.3;

[[nodiscard]] classifier load_in(const std::filesystem::path& directory, numeric_format format) {
  load_options options;
  options.format = format;
  return classifier::load(directory, options);
}

/// Gives the model the temperatures of that format, unless fitting did.
void calibrate_format(const std::filesystem::path& directory, numeric_format format, const dataset& dev,
                      const runner& run) {
  if (format == numeric_format::float32) {
    return;
  }
  const exit_logits logits = compute_exit_logits(load_in(directory, format), dev, run);
  const calibration fitted = calibrate(logits, exit_policy::full_depth(), read_previous_logit_weights(directory));
  static_cast<void>(store_calibration(directory, format, fitted, dev, temperature_at_bound::store));
}

/// All thresholds on the texts that certified, the certified one picked.
[[nodiscard]] curve_study study_of(const classifier& model, const std::filesystem::path& directory, const dataset& data,
                                   const exit_logits& logits, const exit_policy& policy,
                                   const certified_fit_options& options) {
  curve_study study = begin_study(model, offramp::detail::directory_name(directory), data, logits, {});
  study.timing = options.timing;
  const auto point = static_cast<std::size_t>(&study.found.at(policy.threshold()) - study.found.points.data());
  study.picks.push_back({"at most " + short_number(options.epsilon) + " answered otherwise, certified", point});
  return study;
}

/// Adds what was measured of the picked point and of full depth, the last point.
void add_times(curve_study& study, const certified_fit& done) {
  const std::size_t picked = study.picks.front().point.value();
  const std::size_t last = study.found.points.size() - 1;
  if (picked != last) {
    study.timed.push_back({picked, done.early});
  }
  study.timed.push_back({last, done.full_depth});
}

}  // namespace
}  // namespace detail

certified_fit fit_certified(const std::filesystem::path& model, const fit_files& files,
                            const std::filesystem::path& out, const certified_fit_options& options, const runner& run,
                            const fit_progress& report) {
  const offramp::detail::default_floating_point environment;
  if (!files.texts) {
    throw error(error_kind::invalid_argument, "fit_certified: no texts without labels, which certify");
  }
  if (options.fit.threshold) {
    throw error(error_kind::invalid_argument, "fit_certified: a threshold was given, and one is to be certified");
  }
  // What cannot be promised should not wait for the fit.
  static_cast<void>(fixed_sequence_test({}, 1, options.epsilon, options.delta));
  detail::fit_outcome fitted =
      detail::fit_model(model, files, out, options.fit, {detail::held_out_share, options.epsilon}, run, report);
  detail::calibrate_format(out, options.format, fitted.dev, run);

  const classifier made = detail::load_in(out, options.format);
  const dataset& texts = fitted.held_out.value();
  const exit_logits logits = compute_exit_logits(made, texts, run, report.certified_texts);
  certified_fit done{.fit = std::move(fitted.result),
                     .promise = certify(replay(logits), threshold_path(), certified_loss::disagreement, options.epsilon,
                                        options.delta),
                     .num_layers = made.num_layers(),
                     .early = {},
                     .full_depth = {},
                     .report = out / "report" / "report.html"};
  const exit_policy& policy = done.promise.certified.value().policy;
  store_certificate(out, made, done.promise, texts);
  store_default_policy(out, made, policy);

  const std::array policies{policy, exit_policy::full_depth()};
  const std::vector<wall_time> times = measure_wall_time(made, texts, policies, options.timing);
  done.early = times[0];
  done.full_depth = times[1];
  curve_study study = detail::study_of(made, out, texts, logits, policy, options);
  detail::add_times(study, done);
  detail::add_texts(study, made, texts, logits, 0);
  write_curve_study(study, 1000, done.report.parent_path());
  return done;
}

std::string describe(const certified_fit& done) {
  using detail::fixed_number;
  using detail::short_number;
  const tested_policy& certified = done.promise.certified.value();
  const std::string percent = detail::short_percent(done.promise.epsilon) + " %";
  const std::string where = "; report: " + done.report.string();
  if (certified.policy == exit_policy::full_depth()) {
    return "No threshold is certain enough on " + std::to_string(done.promise.n) + " texts for at most " + percent +
           " of answers other than full depth's, so every layer runs by default" + where;
  }
  const double full = done.full_depth.single.mean_ms;
  const double early = done.early.single.mean_ms;
  return "With probability " + short_number(1 - done.promise.delta) + ", at most " + percent +
         " of texts like these are answered otherwise than at full depth (" + std::to_string(certified.losses) +
         " of " + std::to_string(done.promise.n) + " that nothing was fitted to); " +
         fixed_number(certified.mean_layer, 2) + " of " + std::to_string(done.num_layers) +
         " layers run on average, and a text takes " + fixed_number(early, 3) + " ms instead of " +
         fixed_number(full, 3) + " (" + fixed_number(full / early, 1) + "x faster)" + where;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
