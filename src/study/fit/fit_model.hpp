// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/runner.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/fit_options.hpp>
#include <offramp/version.hpp>

#include <filesystem>
#include <optional>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// What more than one caller of fit_exits asks for.
struct fit_purpose {
  double held_out = 0;      // share of the unlabelled texts that nothing is fitted to
  double most_loss = 0.01;  // that exits are judged by
};

struct fit_outcome {
  fit_result result;
  dataset dev;
  std::optional<dataset> held_out;
};

/// As fit_exits.
[[nodiscard]] fit_outcome fit_model(const std::filesystem::path& model, const fit_files& files,
                                    const std::filesystem::path& out, const fit_options& options,
                                    const fit_purpose& purpose, const runner& run, const fit_progress& report);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
